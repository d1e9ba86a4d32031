"""Local files among the inputs: they count by content, are read once, and one that is not there is a finding and a blocked job."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from runner.core.diagnostics import Severity
from runner.manifest.codes import Code
from runner.manifest.digests import MOST_FILE_BYTES, Digests
from runner.manifest.file_inputs import FileInputs, SeenFiles
from runner.manifest.paths import FileRule
from runner.manifest.places import EVERY
from runner.manifest.validate import check
from tests.unit.manifest.manifests import HEAD, findings, jobs, opened, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.core.spec import JobSpec

FACE = b"a face"
ONE = f"{HEAD}jobs:\n  a:\n    uses: kling/avatar\n    with: {{image: {{file: anna.png}}, audio_id: a-77}}\n"
ROWS = (
    f"{HEAD}jobs:\n  a:\n    uses: kling/avatar\n    foreach: {{csv: rows.csv, key: '{{{{ row.id }}}}'}}\n"
    "    with: {image: {file: IMAGE}, audio_id: '{{ row.id }}'}\n"
)


def one(folder: Path, manifest: str = ONE, **files: bytes) -> JobSpec:
    """The only job of a manifest, with files beside it: `anna_png=b"…"` is `anna.png`."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    (spec,) = jobs(written(folder, manifest))
    return spec


def test_a_file_counts_by_its_digest(tmp_path: Path) -> None:
    """In what is fingerprinted a file is `{"sha256": <digest>}`; the inputs keep the path, for people."""
    spec = one(tmp_path, anna_png=FACE)
    asked = {"inputs": {"image": {"sha256": sha256(FACE).hexdigest()}, "audio_id": "a-77"}, "operation": "avatar"}
    text = json.dumps({**asked, "type": "kling"}, sort_keys=True, separators=(",", ":"))
    assert spec.fingerprint == sha256(text.encode()).hexdigest()
    assert spec.inputs["image"] == {"file": "anna.png"}
    (file,) = spec.files
    assert (file.at, file.written, file.path, file.size_bytes) == (
        ("image",),
        "anna.png",
        str((tmp_path / "anna.png").resolve()),
        len(FACE),
    )


def test_a_renamed_file_is_the_same_job_and_a_changed_byte_is_another(tmp_path: Path) -> None:
    """The name of a file means nothing, each byte of it does."""
    first = one(tmp_path, anna_png=FACE).fingerprint
    assert one(tmp_path, ONE.replace("anna", "ben"), ben_png=FACE).fingerprint == first
    assert one(tmp_path, anna_png=FACE + b"!").fingerprint != first
    assert one(tmp_path, anna_png=FACE).fingerprint == first


def test_an_address_to_call_back_is_outside_the_fingerprint(tmp_path: Path) -> None:
    """Another callback address, or none, is the same job; what it refers to is waited for all the same."""
    manifest = ONE.replace("audio_id: a-77", "audio_id: a-77, callback_url: 'https://hooks.example.com/CALL'")
    plain = one(tmp_path, anna_png=FACE)
    assert one(tmp_path, manifest).fingerprint == one(tmp_path, manifest.replace("CALL", "x")).fingerprint
    assert one(tmp_path, manifest).fingerprint == plain.fingerprint
    other = f"{manifest.replace('CALL', '{{ jobs.b.outputs.video_id }}')}{ONE.partition('jobs:')[2].replace('  a:', '  b:')}"
    first, second = jobs(written(tmp_path, other))
    assert (first.needs, first.fingerprint) == (("b",), second.fingerprint)


def test_a_file_of_a_needed_job_reaches_those_that_need_it(tmp_path: Path) -> None:
    """A changed byte changes the jobs that use outputs of the one that sends the file."""
    manifest = (
        ONE + "  b:\n    uses: kling/avatar\n    with: {image: \"{{ jobs.a.outputs.video_url }}\", audio_id: '1'}\n"
    )
    (tmp_path / "anna.png").write_bytes(FACE)
    before = [spec.fingerprint for spec in jobs(written(tmp_path, manifest))]
    (tmp_path / "anna.png").write_bytes(b"another")
    assert all(old != spec.fingerprint for old, spec in zip(before, jobs(written(tmp_path, manifest)), strict=True))


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """With length and time as they were, a file is not read again; with another time it is."""
    path = tmp_path / "anna.png"
    path.write_bytes(b"one")
    facts, digests = path.stat(), Digests()
    first = digests.of(path, "anna.png")
    path.write_bytes(b"two")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert digests.of(path, "anna.png") == first
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert digests.of(path, "anna.png").sha256 == sha256(b"two").hexdigest()


def test_all_rows_of_a_pass_send_the_same_file(tmp_path: Path) -> None:
    """A file that changes while the rows go by does not split a campaign in two; the next pass sees the change."""
    path = written(tmp_path, ROWS.replace("IMAGE", "anna.png"), rows_csv="id\n1\n2\n")
    (tmp_path / "anna.png").write_bytes(FACE)
    campaign = opened(path)
    passing = campaign.jobs(lambda _: None)
    first = next(passing)
    (tmp_path / "anna.png").write_bytes(b"another")
    assert next(passing).files == first.files
    assert next(campaign.jobs(lambda _: None)).files != first.files


def test_all_blocks_of_a_pass_send_the_same_file(tmp_path: Path) -> None:
    """A file that comes, goes or changes during a pass is for all blocks what it was at first, for those that need others too."""
    manifest = (
        ONE + ONE.partition("jobs:\n")[2].replace("  a:", "  b:") + ONE.partition("jobs:\n")[2].replace("  a:", "  c:")
    )
    manifest = manifest.replace("audio_id: a-77}", "audio_id: '{{ jobs.c.outputs.video_id }}'}", 1)
    campaign = opened(written(tmp_path, manifest))
    passing = campaign.jobs(lambda _: None)
    first = next(passing)
    (tmp_path / "anna.png").write_bytes(FACE)
    rest = list(passing)
    assert [bool(spec.obstacles) for spec in (first, *rest)] == [True, True, True]
    again = campaign.jobs(lambda _: None)
    assert not next(again).obstacles
    (tmp_path / "anna.png").unlink()
    assert [spec.files[0].sha256 for spec in again] == [sha256(FACE).hexdigest()] * 2


def test_files_in_lists_are_found(tmp_path: Path) -> None:
    """`*` in a place stands for each item; what has another form is left to the schema."""
    (tmp_path / "anna.png").write_bytes(FACE)
    file = {"file": "anna.png"}
    inputs = {"faces": [{"at": file}, {"at": {**file, "more": 1}}, "x", {"at": {"file": 7}}], "at": "anna.png"}
    rule = FileRule(tmp_path, allow_outside=False)
    found = FileInputs([("faces", EVERY, "at"), ("at",), ("absent",)], rule, SeenFiles()).of(inputs)
    assert [it.at for it in found.files] == [("faces", 0, "at")]
    counted = found.counted(inputs)
    assert counted["faces"] == [{"at": {"sha256": sha256(FACE).hexdigest()}}, *inputs["faces"][1:]]
    assert inputs["faces"][0] == {"at": file}


def make_pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


def make_large(path: Path) -> None:
    """One byte too long, and empty on disk."""
    with path.open("wb") as file:
        file.truncate(MOST_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "words"), [(make_pipe, "is not a file"), (make_large, "larger than 32 MiB")], ids=["pipe", "large"]
)
def test_what_no_job_may_send(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """A pipe is not waited for and a huge file not read: both are findings at their place."""
    make(tmp_path / "anna.png")
    (finding,) = findings(written(tmp_path, ONE))
    assert (finding.code, str(finding.span)) == (Code.FILE_UNREADABLE, "manifest.yaml:6:26")
    assert words in finding.message


def test_the_largest_file_is_a_file(tmp_path: Path) -> None:
    """At the bound itself a file may be sent."""
    with (tmp_path / "anna.png").open("wb") as file:
        file.truncate(MOST_FILE_BYTES)
    assert one(tmp_path).files[0].size_bytes == MOST_FILE_BYTES


def test_a_missing_file_blocks_its_job_and_no_other(tmp_path: Path) -> None:
    """The job is there with what is in its way, once for each file; it has the fingerprint of no job that can be made."""
    path = written(tmp_path, ROWS.replace("IMAGE", '"{{ row.id }}.png"'), rows_csv="id\n1\n2\n3\n")
    (tmp_path / "2.png").write_bytes(FACE)
    specs = list(opened(path).jobs(lambda _: None))
    assert [spec.id for spec in specs if spec.obstacles] == ["a/1", "a/3"]
    (obstacle,) = specs[0].obstacles
    assert (obstacle.code, obstacle.severity, obstacle.job) == (Code.FILE_UNREADABLE, Severity.ERROR, "a/1")
    assert obstacle.message == "file `1.png` is not there"
    (tmp_path / "1.png").write_bytes(b"")
    assert next(opened(path).jobs(lambda _: None)).fingerprint != specs[0].fingerprint


def test_what_every_row_lacks_is_said_once(tmp_path: Path) -> None:
    """A file that the manifest itself names is one finding, however many rows want it, and is counted as one."""
    rows = "id\n" + "".join(f"{number}\n" for number in range(12_000))
    result = check(opened(written(tmp_path, ROWS.replace("IMAGE", "nobody.png"), rows_csv=rows)))
    assert [finding.message for finding in result.diagnostics] == ["file `nobody.png` is not there"]
    assert (result.jobs_read, result.count(Severity.ERROR), result.is_valid) == (12_000, 1, False)


def test_who_uses_the_outputs_of_a_job_lacks_its_file_too(tmp_path: Path) -> None:
    """Without the needed job's fingerprint it has none of its own: it is made no sooner, and says whom it waits for."""
    uses = '  b:\n    uses: kling/avatar\n    with: {image: "{{ jobs.a.outputs.video_url }}", audio_id: x}\n'
    _, needing = opened(written(tmp_path, ONE + uses)).jobs(lambda _: None)
    assert [(it.code, it.job) for it in needing.obstacles] == [(Code.FILE_UNREADABLE, "a")]
    assert needing.lacking == "waits for `a`: file `anna.png` is not there"
