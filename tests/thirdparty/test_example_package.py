"""The example package of the documentation: it installs, passes the suite, and makes videos."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runner.cli.exits import Exit
from tests.commandline import REPOSITORY
from tests.fakeapi.videos import small_video
from tests.thirdparty.acme import Acme
from tests.thirdparty.conftest import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commandline import CommandLine

MANIFEST = "clips.yaml"


@pytest.fixture
def shell(site: Path, shell_with: Callable[..., CommandLine]) -> CommandLine:
    """A command line where the example package is installed."""
    return shell_with(site)


def write(shell: CommandLine, base_url: str = "https://api.acme.example/v1", **inputs: Any) -> None:
    """Write a manifest with three clips."""
    account = {"base_url": base_url, "poll": {"min_s": 0.1, "max_s": 0.2}, "limits": {"submits_per_minute": 6000}}
    account["timeouts"] = {"submit_s": 2, "lookup_s": [0.1, 0.2]}
    script = {"script": "Hello {{ row.name }}!", **inputs}
    rows = [{"name": name} for name in ("anna", "ben", "cai")]
    document = {
        "version": 1,
        "name": "clips",
        "providers": {"acme": account},
        "jobs": {"hello": {"uses": "acme/clip", "foreach": {"rows": rows, "key": "{{ row.name }}"}, "with": script}},
    }
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_its_own_tests_pass(site: Path, tmp_path: Path) -> None:
    """The suite is green over its recorded replies, run as its author runs it, with nothing of ours on the path but `runner`."""
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    path = os.pathsep.join(map(str, (site, REPOSITORY)))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_manifest_with_its_operation_is_checked(shell: CommandLine) -> None:
    """Inputs are held against the schema that the package brings."""
    write(shell)
    assert "No findings, 3 jobs read." in shell("validate", MANIFEST).expect(Exit.DONE).stderr
    write(shell, actr="bob")
    said = shell("validate", MANIFEST).expect(Exit.INVALID).stdout
    assert "error[M103]: unknown key `actr`" in said
    assert "did you mean `actor`?" in said


def test_its_limits_and_names_are_known(shell: CommandLine) -> None:
    """An operation that it has not is told apart from a provider that is not there."""
    write(shell)
    path = shell.folder / MANIFEST
    path.write_text(path.read_text(encoding="utf-8").replace("acme/clip", "acme/clop"), encoding="utf-8")
    said = shell("validate", MANIFEST).expect(Exit.INVALID).stdout
    assert "`acme` has no operation `clop`" in said
    assert "did you mean `clip`?" in said


def test_its_schema_is_printed(shell: CommandLine) -> None:
    """`callsheet schema` has it by name, in the list, and in the editor's view."""
    printed = json.loads(shell("schema", "acme/clip").expect(Exit.DONE).stdout)
    assert printed == json.loads((EXAMPLE / "callsheet_acme" / "clip.schema.json").read_text(encoding="utf-8"))
    assert "acme/clip" in shell("schema", "--list").expect(Exit.DONE).stdout
    view = shell("schema").expect(Exit.DONE)
    assert "acme.clip.inputs" in json.loads(view.stdout)["$defs"]
    assert view.stderr == ""


def test_a_campaign_is_planned_made_and_up_to_date(shell: CommandLine) -> None:
    """Three jobs, three submissions, three files; the same command again sends nothing."""
    with Acme(small_video()) as acme:
        write(shell, acme.base_url)
        planned = json.loads(shell("plan", MANIFEST, "--json").expect(Exit.DONE).stdout)
        assert [job["action"] for job in planned["jobs"]] == ["create"] * 3
        shell("run", MANIFEST, "--progress", "none").expect(Exit.DONE)
        assert acme.asked["POST /clips"] == 3
        assert len(list(shell.folder.glob("outputs/clips/**/*.mp4"))) == 3
        status = json.loads(shell("status", MANIFEST, "--json").expect(Exit.DONE).stdout)
        assert {job["outputs"]["clip_id"] for job in status["jobs"]} == {"c-1", "c-2", "c-3"}
        shell("run", MANIFEST, "--progress", "none").expect(Exit.DONE)
        assert acme.asked["POST /clips"] == 3


def test_a_lost_submission_is_found_again(shell: CommandLine) -> None:
    """Acme takes a clip and says nothing: it is looked up by our own id, adopted, and never made twice."""
    with Acme(small_video(), loses=1) as acme:
        write(shell, acme.base_url)
        shell("run", MANIFEST, "--progress", "none").expect(Exit.DONE)
        assert acme.asked["POST /clips"] == len(acme.clips) == 3


def test_its_voices_are_listed(shell: CommandLine) -> None:
    """`callsheet voices` asks it as it asks any other."""
    with Acme(small_video()) as acme:
        write(shell, acme.base_url)
        assert "actor: ann" in shell("voices", MANIFEST, "acme").expect(Exit.DONE).stdout


def test_the_sandbox_does_not_speak_it(shell: CommandLine) -> None:
    """A run in the sandbox says so before anything is recorded."""
    write(shell)
    said = shell("run", MANIFEST, "--sandbox").expect(Exit.SETTING_MISSING).stderr
    assert "error[E406]: account `acme`" in said


def test_without_the_package_there_is_no_such_account(shell_with: Callable[..., CommandLine]) -> None:
    """A machine that lacks the package says that, and where."""
    shell = shell_with()
    write(shell)
    said = shell("validate", MANIFEST).expect(Exit.INVALID).stdout
    assert "error[M111]: there is no provider `acme`" in said
