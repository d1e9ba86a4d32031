"""Packages that bring no usable provider: said by name to whoever uses their type, and to nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commandline import CommandLine

USES_ACME = "version: 1\nname: a\njobs:\n  hello: {uses: acme/clip, with: {script: Hi}}\n"
OURS = (
    "version: 1\nname: b\njobs:\n  hello:\n    uses: digital-human/avatar\n"
    "    with: {avatar_url: 'https://a.example/a.png', audio_url: 'https://a.example/a.mp3'}\n"
)
GOOD_BUT = "from dataclasses import replace\nfrom callsheet_acme import PROVIDER as GOOD\nfrom callsheet_acme.clip import Clip\n"
SCHEMA = "GOOD.schemas['clip']"


def install(site: Path, package: str, entry: str, code: str) -> Path:
    """Leave in a folder what an installation leaves: a module, the metadata, an entry point."""
    module = package.replace("-", "_")
    metadata = site / f"{module}-1.5.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text(f"[callsheet.providers]\n{entry}\n")
    (site / f"{module}.py").write_text(code)
    return site


def validate(shell: CommandLine, text: str, code: int) -> str:
    """What `validate` says about a manifest."""
    (shell.folder / "m.yaml").write_text(text)
    return " ".join(shell("validate", "m.yaml").expect(code).stdout.split())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no driver')", "cannot be imported: RuntimeError: no driver"),
        ("import nothing_like_this", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit: 0"),
        ("class Odd(BaseException): ...\nraise Odd", "cannot be imported: Odd"),
        ("class P:\n    def __getattr__(self, name): raise SystemExit(0)\nPROVIDER = P()", "a look at it ends with SystemExit: 0"),
        ("OTHER = 1", "cannot be imported: AttributeError"),
        ("PROVIDER = object()", "it has no `type`, `defaults`, `operations`"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, type='acne')", "its `type` is 'acne'"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, operations={{}})", "it has no operation"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, operations={{'clip': 1}})", "its operation `clip` has no `name`"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, operations={{'clip': Clip(name='clip')}})", "calls itself 'clip', not 'acme/clip'"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, operations={{'clip': Clip(traits=None)}})", "the `traits` of its operation"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, defaults={{}})", "its `defaults` are no"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, schemas={{}})", "it has no schema for `clip`"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, schemas={{'clip': {{**{SCHEMA}, 'description': ''}}}})", "it has no `description`"),
        (f"{GOOD_BUT}PROVIDER = replace(GOOD, schemas=None)", "a look at it ends with TypeError"),
    ],
)  # fmt: skip
def test_who_uses_it_is_told_what_is_wrong(
    site: Path, shell_with: Callable[..., CommandLine], tmp_path: Path, code: str, words: str
) -> None:
    """The finding names package, version, entry point and fault."""
    bad = install(tmp_path / "bad", "callsheet-bad", "acme = callsheet_bad:PROVIDER", code)
    (tmp_path / "bad" / "callsheet_acme").symlink_to(site / "callsheet_acme")
    shell = shell_with(bad)
    said = validate(shell, USES_ACME, Exit.INVALID)
    assert "error[M115]: the provider `acme` cannot be used: the package callsheet-bad 1.5" in said
    assert "(entry point `acme = callsheet_bad:PROVIDER`)" in said
    assert words in said
    assert len(re.findall(r"(?:error|warning)\[", said)) == 1


def test_an_account_of_its_type_has_the_finding(shell_with: Callable[..., CommandLine], tmp_path: Path) -> None:
    """Where the manifest writes the type, there the finding stands, once for all jobs of the account; other manifests hold."""
    shell = shell_with(install(tmp_path / "bad", "callsheet-bad", "acme = callsheet_bad:PROVIDER", "1 / 0"))
    text = USES_ACME.replace("jobs:", "providers: {east: {type: acme, credential: {env: A}}}\njobs:").replace(
        "acme/", "east/"
    )
    said = validate(shell, text, Exit.INVALID)
    assert said.count("error[M115]") == 1
    assert "m.yaml:3:" in said
    validate(shell, OURS, Exit.DONE)


@pytest.mark.parametrize("list_", [b"[callsheet.providers]\nacme\n", b"[callsheet.providers]\nacme = \xff\xfe\n"])
def test_a_list_that_cannot_be_read_hides_no_other(
    site: Path, shell_with: Callable[..., CommandLine], tmp_path: Path, list_: bytes
) -> None:
    """A package whose list of entry points is torn brings nothing; those beside it are found, and no command stops over it."""
    torn = install(tmp_path / "torn", "callsheet-torn", "x = y:Z", "")
    (torn / "callsheet_torn-1.5.dist-info" / "entry_points.txt").write_bytes(list_)
    shell = shell_with(torn, site)
    validate(shell, USES_ACME, Exit.DONE)
    assert "acme/clip" in shell("schema", "--list").expect(Exit.DONE).stdout


def test_a_package_that_lies_there_twice_is_one(
    site: Path, shell_with: Callable[..., CommandLine], tmp_path: Path
) -> None:
    """Python imports the first of two folders, and so do we, however the name is written."""
    again = install(tmp_path / "again", "Callsheet_Acme", "acme = callsheet_acme:NOTHING", "")
    validate(shell_with(site, again), USES_ACME, Exit.DONE)


def test_two_packages_with_one_name(site: Path, shell_with: Callable[..., CommandLine], tmp_path: Path) -> None:
    """Neither is taken: nobody can tell which one is meant."""
    other = install(tmp_path / "other", "callsheet-other", "acme = callsheet_other:PROVIDER", "PROVIDER = 1")
    said = validate(shell_with(site, other), USES_ACME, Exit.INVALID)
    assert "error[M115]: the provider `acme` cannot be used: more than one package brings it:" in said
    assert "callsheet-acme 1.0.0" in said
    assert "callsheet-other 1.5" in said


def test_a_name_of_ours_cannot_be_taken(shell_with: Callable[..., CommandLine], tmp_path: Path) -> None:
    """Our provider stays in its place; `schema` and `doctor` say who wanted it, and nothing of the package is imported."""
    code = "raise SystemExit('imported')"
    shell = shell_with(install(tmp_path / "thief", "callsheet-thief", "digital-human = callsheet_thief:PROVIDER", code))
    validate(shell, OURS, Exit.DONE)
    claim = "the package callsheet-thief 1.5 (entry point `digital-human = callsheet_thief:PROVIDER`) claims `digital-human`"
    assert claim in shell("schema", "--list").expect(Exit.DONE).stderr
    text = OURS.replace("jobs:", "providers: {digital-human: {base_url: 'http://127.0.0.1:9'}}\njobs:")
    (shell.folder / "m.yaml").write_text(text)
    assert claim in " ".join(shell("doctor", "m.yaml").expect(Exit.SETTING_MISSING).stdout.split())


def test_a_broken_package_leaves_the_editors_view_whole(shell_with: Callable[..., CommandLine], tmp_path: Path) -> None:
    """`schema` prints what there is, and says on stderr what it had to leave out."""
    shell = shell_with(install(tmp_path / "bad", "callsheet-bad", "acme = callsheet_bad:PROVIDER", "1 / 0"))
    printed = shell("schema", "--list").expect(Exit.DONE)
    assert "digital-human/avatar" in printed.stdout
    assert "acme" not in printed.stdout
    assert "Left out: the package callsheet-bad 1.5" in printed.stderr


def test_nobody_looks_for_packages_in_vain(shell_with: Callable[..., CommandLine], tmp_path: Path) -> None:
    """A manifest whose providers come with Callsheet does not even read which packages there are: that takes 30 ms."""
    shell = shell_with(install(tmp_path / "bad", "callsheet-bad", "acme = callsheet_bad:PROVIDER", "1 / 0"))
    (shell.folder / "m.yaml").write_text(OURS)
    for words in (["validate", "m.yaml"], ["--help"]):
        said = shell(*words, python=("-X", "importtime")).expect(Exit.DONE).stderr
        assert "runner.cli" in said
        assert "importlib.metadata" not in said
