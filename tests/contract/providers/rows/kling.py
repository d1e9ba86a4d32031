"""Section 1: Kling. The codes of 1.5 mean another thing to each kind of question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.contract.providers.rows.row import ANYTHING, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

_ITEM: Final = {"answer": "Refused", "scope": "item"}
_OPERATION: Final = {"answer": "Refused", "scope": "operation"}
_ACCOUNT: Final = {"answer": "Refused", "scope": "account"}
_SIGN: Final = {"answer": "SignAgain"}
_DOUBT: Final = {"answer": "InDoubt"}
_AGAIN: Final = {"answer": "AskAgain"}
_UNKNOWN: Final = {"answer": "UnknownTask"}
_ABSENT: Final = {"answer": "Absent"}

CODES: Final[Mapping[int, tuple[int, Mapping[str, Any]]]] = {
    1000: (401, _ACCOUNT),
    1001: (401, _ACCOUNT),
    1002: (401, _ACCOUNT),
    1003: (401, _SIGN),
    1004: (401, _SIGN),
    1100: (429, _ACCOUNT),
    1101: (429, _ACCOUNT),
    1102: (429, _ACCOUNT),
    1103: (403, _OPERATION),
    1200: (400, _ITEM),
    1201: (400, _ITEM),
    1202: (404, _OPERATION),
    1203: (404, _ITEM),
    1300: (400, _ITEM),
    1301: (400, _ITEM),
    1302: (429, {"answer": "NotNow", "concurrency": False}),
    1303: (429, {"answer": "NotNow", "concurrency": True}),
    1304: (429, _ACCOUNT),
    5000: (500, _DOUBT),
    5001: (503, {"answer": "NotNow", "is_limited": True}),
    5002: (504, _DOUBT),
}
"""HTTP status of each code, and what it means for a submission."""

_DENIALS: Final = (1200, 1201, 1203)
"""What says of a question, which has no parameter but an id, that there is no such task."""


def _codes(other: Mapping[int, Mapping[str, Any]], default: Mapping[str, Any] | None = None) -> tuple[Row, ...]:
    """The whole table, with other meanings for some codes."""
    return tuple(
        Row(table="1.5", status=status, fields={"code": code}, means=other.get(code, default or means))
        for code, (status, means) in CODES.items()
    )


def _task(status: str, means: Mapping[str, Any], at: str = "data", **fields: Any) -> Row:
    more = {f"{at}.{path.replace('__', '.')}": value for path, value in fields.items()}
    return Row(table="1.4", status=200, fields={"code": 0, f"{at}.task_status": status, **more}, means=means)


_ACCEPTED: Final = {"answer": "Accepted", "task_id": "8300000000000000001"}
SUBMIT: Final = (
    *(_task(status, _ACCEPTED, task_id=ANYTHING) for status in ("submitted", "processing")),
    _task("submitted", _ACCEPTED, task_info__external_task_id=ANYTHING, created_at=ANYTHING, updated_at=ANYTHING),
    *_codes({1201: {"answer": "Duplicate"}}),
)
"""A create that carries our id: a 1201 may mean that it was used before."""

SPEECH_SUBMIT: Final = (
    *(_task(status, _ACCEPTED, task_id=ANYTHING) for status in ("submitted", "processing")),
    _task("succeed", _ACCEPTED, task_result__audios__0__url=ANYTHING, task_result__audios__0__duration="3.2"),
    _task("succeed", _ACCEPTED, final_unit_deduction="0.05"),
    _task("failed", _ACCEPTED),
    *_codes({}),
    Row(table="1.8", words="voice id not found", means=_ITEM),
)
"""A create that answers with its result."""

_RUNNING: Final = {"answer": "Running", "unknown_status": None}
_READY: Final = {"answer": "Ready"}
_ENDED: Final = {"answer": "Ended"}
_STATUSES: Final = (
    *(_task(status, _RUNNING) for status in ("submitted", "processing")),
    _task("failed", _ENDED, task_status_msg=ANYTHING),
    _task("failed", {"answer": "Ended", "charged": True}, final_unit_deduction=ANYTHING),
    Row(table="5", fields={"data.task_status": "FAILED"}, means=_ENDED),
    Row(table="5", fields={"data.task_status": "PROCESSING"}, means=_RUNNING),
    Row(
        table="5", fields={"data.task_status": "reviewing"}, means={"answer": "Running", "unknown_status": "reviewing"}
    ),
)
_ASKED: Final = _codes(dict.fromkeys(_DENIALS, _UNKNOWN), _AGAIN)

AVATAR_QUERY: Final = (
    *_STATUSES,
    _task("succeed", _READY, task_result__videos__0__url=ANYTHING, task_result__videos__0__duration="9.6"),
    _task("succeed", _READY, task_result__videos__0__watermark_url=ANYTHING),
    _task("succeed", {"answer": "Ready", "units": "4"}, final_unit_deduction="4"),
    _task("succeed", {"answer": "Ready", "units": "0.05"}, final_unit_deduction="0.05"),
    _task("succeed", _READY, final_balance_deduction__quota=ANYTHING),
    _task("succeed", {"answer": "Ready", "address": None}),
    _task("succeeded", _READY, task_result__videos__0__url=ANYTHING),
    *_ASKED,
)
SPEECH_QUERY: Final = (
    *_STATUSES,
    _task("succeed", _READY, task_result__audios__0__id=ANYTHING, task_result__audios__0__url=ANYTHING),
    _task("succeed", {"answer": "Ready", "address": None}),
    *_codes(dict.fromkeys((*_DENIALS, 1202), _UNKNOWN), _AGAIN),
    Row(table="1.8", status=404, words="<html", means=_UNKNOWN),
)
VOICE_QUERY: Final = (
    *_STATUSES,
    _task("succeed", _READY, task_result__voices__0__voice_id=ANYTHING, task_result__voices__0__trial_url=ANYTHING),
    _task("succeed", _READY, task_result__voices__0__owned_by=ANYTHING),
    _task("succeeded", _READY, task_result__voices__0__voice_id=ANYTHING),
    *_ASKED,
)

_FOUND: Final = {"answer": "Found", "task_id": "8300000000000000001"}
LOOKUP: Final = (
    *(_task(status, _FOUND) for status in ("submitted", "processing", "succeed", "failed")),
    *_codes(dict.fromkeys(_DENIALS, _ABSENT), _AGAIN),
    Row(table="1.2", status=200, fields={"code": 0, "data": None}, means=_ABSENT),
    Row(table="4", status=400, fields={"code": "task_not_exist"}, means=_ABSENT),
    Row(table="4", status=429, is_empty=True, means=_AGAIN),
    Row(table="10", status=404, words="<html", means=_ABSENT),
    Row(table="10", status=404, is_empty=True, means=_ABSENT),
    *(Row(table="4", status=status, words="<html", means=_AGAIN) for status in (502, 504, 524)),
)
_PAGE: Final = {"answer": "Page"}
LIST: Final = (
    *(_task(status, _PAGE, at="data.0") for status in ("submitted", "succeed", "failed")),
    *_codes({}, _AGAIN),
    Row(table="1.4", status=200, fields={"code": 0, "data": []}, means=_PAGE),
    Row(table="4", status=429, is_empty=True, means=_AGAIN),
    *(Row(table="4", status=status, words="<html", means=_AGAIN) for status in (404, 502, 504, 524)),
)
