"""The lock file `<manifest>.lock.jsonl`: what was paid and delivered, to be committed with the manifest.

    {"id": "welcome/1042/en", "fingerprint": "…", "uses": "digital-human/avatar", "operation": "digital-human/avatar",
     "task_id": "…", "output": {"path": "outputs/autumn/eu/1042-en.mp4", "sha256": "…", "size_bytes": 48213, …},
     "outputs": {"voice_engine_id": "…"}, "done_at": "2026-11-20T02:14:09Z"}

One line for each job, in one line, sorted by id, so that a changed job is one changed line of a diff. Of the named outputs those that
are addresses are left out: they are signed, and they expire. `output.path` is relative to the manifest's folder, as in the report.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runner.core.diagnostics import Diagnostic, Span
from runner.core.errors import ManifestInvalid
from runner.core.identity import is_task_id
from runner.core.job import OutputFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOCK_FILE: Final = "M520"
"""The code of a line that does not hold."""

_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})*")
_USES: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}/[a-z][a-z0-9_-]{0,62}")
_DIGEST: Final = re.compile(r"[0-9a-f]{1,64}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_TIME: Final = re.compile(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d([.]\d{1,6})?Z")
_MOST: Final = 2**53
_FACTS: Final = ("sha256", "size_bytes", "media_type", "duration_s", "width", "height")
_MOST_FINDINGS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One line: a job that was paid and delivered.

    Args:
        id: The job's id.
        fingerprint: What was asked for.
        uses: `<account>/<operation>`: the account that knows the task.
        operation: `<type>/<operation>`.
        task_id: The provider's name for it.
        output: The file, its path relative to the output folder; None for an operation that delivers none.
        outputs: Named outputs that are no addresses.
        done_at: When its result was first seen, in Unix seconds.
    """

    id: str
    fingerprint: str
    uses: str
    operation: str
    task_id: str
    output: OutputFile | None
    outputs: Mapping[str, Any]
    done_at: float


class NotAReceipt(ValueError):
    """A line does not hold; the message says why, without a full stop."""


def encode_receipt(receipt: Receipt, folder: str) -> str:
    """A receipt as its line, in ASCII, without line feed.

    Args:
        receipt: The receipt.
        folder: The output folder as seen from the manifest's, e.g. `outputs/autumn`.
    """
    output = receipt.output
    return json.dumps(
        {
            "id": receipt.id,
            "fingerprint": receipt.fingerprint,
            "uses": receipt.uses,
            "operation": receipt.operation,
            "task_id": receipt.task_id,
            "output": None
            if output is None
            else {"path": f"{folder}/{output.path}", **{name: getattr(output, name) for name in _FACTS}},
            "outputs": {name: value for name, value in receipt.outputs.items() if not _has_address(value)},
            "done_at": datetime.fromtimestamp(receipt.done_at, UTC)
            .isoformat(timespec="seconds")
            .replace("+00:00", "Z"),
        }
    )


def decode_receipt(line: bytes, folder: str) -> Receipt:
    """The receipt of a line. A lock file comes out of git and may be anybody's: nothing is taken that we would not have written.

    Args:
        line: As `encode_receipt` makes it; fields that it does not know are let be.
        folder: The output folder as seen from the manifest's.

    Raises:
        NotAReceipt: The line is not one.
    """
    fields = _object(line)
    output, outputs = fields.get("output"), fields.get("outputs", {})
    if not isinstance(outputs, dict):
        raise NotAReceipt("`outputs` is not an object")
    task_id = _text(fields, "task_id")
    if not is_task_id(task_id):
        raise NotAReceipt("`task_id` is not a task's id")
    return Receipt(
        id=_formed(fields, "id", _ID),
        fingerprint=_formed(fields, "fingerprint", _DIGEST),
        uses=_formed(fields, "uses", _USES),
        operation=_formed(fields, "operation", _USES),
        task_id=task_id,
        output=None if output is None else _output(output, folder),
        outputs=outputs,
        done_at=_time(_formed(fields, "done_at", _TIME)),
    )


def decode_receipts(lines: Iterable[bytes], display: str, folder: str) -> Iterator[Receipt]:
    """Every receipt of a lock file's lines, in their order, streamed.

    Args:
        lines: As the file has them; blank ones are let be.
        display: How messages name the file.
        folder: The output folder as seen from the manifest's.

    Raises:
        ManifestInvalid: After the last line, when lines do not hold: going on would pay for their jobs again.
    """
    findings: list[Diagnostic] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield decode_receipt(line, folder)
        except NotAReceipt as error:
            if len(findings) < _MOST_FINDINGS:
                findings.append(_finding(display, number, line, str(error)))
    if findings:
        raise ManifestInvalid(findings)


def _finding(display: str, number: int, line: bytes, why: str) -> Diagnostic:
    notes = ["without its line, a job would be paid again: nothing was sent"]
    if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
        notes.append("this looks like an unfinished merge: keep the lines of both sides, and delete the markers")
    else:
        notes.append("restore the file from git; deleting the line says that its job may be paid again")
    return Diagnostic(
        code=LOCK_FILE,
        message=f"this line of the lock file does not hold: {why}",
        span=Span(display, number, 1),
        notes=tuple(notes),
    )


def _has_address(value: Any) -> bool:
    return "://" in json.dumps(value)


def _object(line: bytes) -> dict[str, Any]:
    """The line's JSON object. NaN, infinities and halves of surrogate pairs are no JSON, whatever Python's reader says."""
    try:
        fields = json.loads(line)
        json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotAReceipt("it is not a JSON object") from error
    if not isinstance(fields, dict):
        raise NotAReceipt("it is not a JSON object")
    return fields


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise NotAReceipt(f"`{name}` is missing or not text")
    return value


def _formed(fields: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = _text(fields, name)
    if form.fullmatch(value) is None:
        raise NotAReceipt(f"`{name}` does not have its form")
    return value


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise NotAReceipt("`done_at` is not a time such as 2026-11-20T02:14:09Z") from error


def _output(fields: Any, folder: str) -> OutputFile:
    if not isinstance(fields, dict):
        raise NotAReceipt("`output` is not an object")
    path = _text(fields, "path").removeprefix(f"{folder}/")
    if path.startswith("/") or not path.isprintable() or "\\" in path or {"..", ".", ""} & set(path.split("/")):
        raise NotAReceipt("`output.path` leads out of the output folder")
    size = _whole(fields, "size_bytes")
    if size is None:
        raise NotAReceipt("`output.size_bytes` is missing")
    return OutputFile(
        path=path,
        sha256=_formed(fields, "sha256", _DIGEST),
        size_bytes=size,
        mtime_ns=0,
        media_type=_formed(fields, "media_type", _MEDIA_TYPE),
        duration_s=_seconds(fields.get("duration_s")),
        width=_whole(fields, "width"),
        height=_whole(fields, "height"),
    )


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < _MOST:
        raise NotAReceipt(f"`output.{name}` is not a whole number")
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < _MOST:
        raise NotAReceipt("`output.duration_s` is not a number of seconds")
    return float(value)
