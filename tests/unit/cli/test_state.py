"""How often a fresh checkout reads what was delivered, and what a saved plan says of a state that has learned."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from runner.cli.opening import open_manifest
from runner.cli.promise import find_promise
from runner.core.errors import PlanRefused
from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.shell import Shell

VIDEO = b"not a video, but of its length"

_FIXED = ("select", "exclude", "variables", "retry_failed", "sandbox", "allow_files_outside")

_opened: list[str] | None = None


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened.append(str(arguments[0]))


sys.addaudithook(_note)  # stays for the process, and notes nothing outside of the tests here


def times_read(shell: Shell, path: Path, *words: str) -> int:
    """How often a command opens a file."""
    global _opened  # noqa: PLW0603  an audit hook has no other way to tell
    _opened = []
    try:
        shell(*words)
        return sum(name.endswith(path.name) for name in _opened)
    finally:
        _opened = None


@pytest.fixture
def delivered(shell: Shell) -> Path:
    """A fresh checkout with one delivered video: no state, and a lock file whose times are months ago."""
    shell.write()
    shell("plan", MANIFEST, "-o", "before.json")
    (spec,) = open_manifest(str(shell.folder / MANIFEST)).jobs(lambda _: None)
    path = shell.folder / "outputs" / "spring" / "anna.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(VIDEO)
    output = {
        "path": "outputs/spring/anna.mp4",
        "sha256": sha256(VIDEO).hexdigest(),
        "size_bytes": len(VIDEO),
        "media_type": "video/mp4",
    }
    line = {
        "id": spec.id,
        "fingerprint": spec.fingerprint,
        "uses": spec.uses,
        "operation": spec.operation,
        "task_id": "t-1",
        "output": output,
        "outputs": {},
        "done_at": "2026-01-05T02:14:09Z",
    }
    (shell.folder / "spring.lock.jsonl").write_text(json.dumps(line) + "\n", encoding="ascii")
    return path


@pytest.mark.parametrize(
    ("command", "first", "second"), [("run", 2, 0), ("plan", 1, 1), ("status", 0, 0), ("report", 1, 1)]
)
def test_a_fresh_checkout_reads_a_video_once(
    shell: Shell, delivered: Path, command: str, first: int, second: int
) -> None:
    """Only who decides by its bytes reads them, and a run but once; `run` and `report` look at it once more for its poster."""
    assert times_read(shell, delivered, command, MANIFEST) == first
    assert times_read(shell, delivered, command, MANIFEST) == second


def test_a_video_that_was_altered_is_found_by_the_first_run(shell: Shell, delivered: Path) -> None:
    """Of the right length, but not what was delivered: there is work, for which a credential is missing."""
    delivered.write_bytes(VIDEO[::-1])
    assert "DIGITAL_HUMAN_TOKEN" in shell("run", MANIFEST, code=78).stderr


@pytest.mark.usefixtures("delivered")
def test_a_refused_plan_names_no_time_that_is_not_true(shell: Shell) -> None:
    """A lock file that came since tells of last winter: the state learned of it just now, and no run was there."""
    refused = shell("run", "before.json", code=4).stderr
    assert "the state has changed since: by a decision, by the lock file or by `moved:`" in refused
    assert "2026-01-05" not in refused


@pytest.mark.usefixtures("delivered")
def test_a_saved_plan_is_held_against_the_manifest_that_was_read(shell: Shell) -> None:
    """An edit that is there only while the manifest is read does not slip through."""
    promise = find_promise("before.json", dict.fromkeys(_FIXED))
    assert promise is not None
    path = shell.folder / MANIFEST
    before = path.read_bytes()
    path.write_bytes(before + b"# edited\n")
    campaign = open_manifest(str(path))
    path.write_bytes(before)
    with pytest.raises(PlanRefused, match=r"the manifest spring\.yaml has changed since"):
        promise.check_manifest(campaign)
    promise.check_manifest(open_manifest(str(path)))
