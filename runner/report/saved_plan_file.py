"""Reading a saved plan (`runner.report.saved_plan`): is it one, is it whole, and what does it promise?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from runner.core.error_codes import ErrorCode
from runner.core.errors import PlanRefused
from runner.core.plan import Action
from runner.report.documents import VERSION
from runner.report.saved_plan import PlanOptions, Position, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, TextIO

HOW_TO_SAVE: Final = "callsheet plan MANIFEST -o plan.json"

_BEGINNING: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"version"\s*:\s*([0-9]+)\s*,\s*"manifest"\s*:\s*\{')
_BEGINNING_BYTES: Final = 4096
_LONGEST_LINE: Final = 4 * 2**20
_END: Final = re.compile(rb'  "sha256": "([0-9a-f]{64})"\n\}\n\Z')
_END_BYTES: Final = 128
_PIECE_BYTES: Final = 2**20
_JOBS: Final = '  "jobs": ['


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The head of a plan that was read.

    Args:
        path: The file.
        manifest: The manifest's path as seen from the file's folder, `/` between parts.
        manifest_sha256: Digest of the manifest's bytes when it was planned, hexadecimal.
        options: As it was planned with.
        position: Where the state stood.
    """

    path: Path
    manifest: str
    manifest_sha256: str
    options: PlanOptions
    position: Position

    def steps(self) -> Iterator[Step]:
        """What is done with each selected job, in order, one line of the file at a time."""
        with self.path.open(encoding="utf-8") as file:
            for line in _lines_of_jobs(file):
                job = json.loads(line)
                if job["action"] != Action.ORPHAN:
                    action = Action(job["once_unblocked"] or job["action"])
                    yield Step(job["id"], job["fingerprint"], action, job["output"])


def is_plan(path: Path) -> bool:
    """Whether a file begins as a JSON plan, or a report, does: no manifest can. A file that cannot be read is none."""
    try:
        with path.open("rb") as file:
            return _BEGINNING.match(file.read(_BEGINNING_BYTES)) is not None
    except (OSError, ValueError):  # ValueError: a path that holds NUL
        return False


def is_saved_plan(path: Path) -> bool:
    """Whether a file begins as a saved plan does, whole or not."""
    try:
        with path.open("rb") as file:
            _head(file)["saved"]
    except (OSError, ValueError, KeyError):
        return False
    return True


def read_saved_plan(path: Path) -> SavedPlan:
    """Read the head of a saved plan, and see that the file is whole.

    Args:
        path: A file for which `is_plan` holds.

    Raises:
        PlanRefused: It is no saved plan, of a newer Callsheet, cut short, or was changed since it was written.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error


def _read(path: Path, file: BinaryIO) -> SavedPlan:
    version = _BEGINNING.match(file.read(_BEGINNING_BYTES))
    if version is not None and int(version[1]) != VERSION:
        known = f"format {int(version[1])}, this one knows {VERSION}"
        raise _unreadable(path, f"was written by another Callsheet: {known}")
    file.seek(0)
    try:
        head = _head(file)
    except ValueError as error:
        raise _unreadable(path, "was changed since it was written, or is no saved plan") from error
    if not isinstance(head.get("saved"), dict):
        raise _unreadable(path, "is bound to no manifest and no state, so it cannot be run")
    _check_digest(path, file)
    try:
        return _saved_plan(path, head["manifest"], head["saved"])
    except (KeyError, TypeError) as error:
        raise _unreadable(path, "is not as a saved plan is written") from error


def _head(file: BinaryIO) -> dict[str, Any]:
    """The fields before `jobs`.

    Raises:
        ValueError: They are not one to a line, as they are written, or not JSON.
    """
    lines: list[str] = []
    while True:
        line = file.readline(_LONGEST_LINE).decode()
        if line.startswith(_JOBS):
            break
        if not line.endswith("\n"):
            raise ValueError("no line begins the jobs")
        lines.append(line)
    head: dict[str, Any] = json.loads("".join(lines).rstrip().removesuffix(",") + "}")
    return head


def _check_digest(path: Path, file: BinaryIO) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES))
    end = _END.search(file.read())
    if end is None:
        raise _unreadable(path, "is not whole: its end is missing, or it was changed")
    left, digest = size - len(end[0]), sha256()
    file.seek(0)
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        digest.update(piece)
        left -= len(piece)
    if digest.hexdigest().encode() != end[1]:
        raise _unreadable(path, "was changed since it was written")


def _saved_plan(path: Path, manifest: dict[str, Any], saved: dict[str, Any]) -> SavedPlan:
    options: dict[str, Any] = saved["options"]
    return SavedPlan(
        path=path,
        manifest=saved["manifest"],
        manifest_sha256=manifest["sha256"],
        options=PlanOptions(**options | {name: tuple(options[name]) for name in ("select", "exclude")}),
        position=Position(**saved["state"]),
    )


def _lines_of_jobs(file: TextIO) -> Iterator[str]:
    """The lines of `jobs`, each a JSON object."""
    for line in file:
        if line.startswith(_JOBS):
            break
    for line in file:
        if not line.startswith("    {"):
            return
        yield line.strip().removesuffix(",")


def _unreadable(path: Path, why: str) -> PlanRefused:
    return PlanRefused(
        f"{path} {why}; nothing was sent",
        next_step=HOW_TO_SAVE,
        code=ErrorCode.PLAN_UNREADABLE,
    )
