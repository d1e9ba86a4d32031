"""Section 2: the digital human of V-API."""

from __future__ import annotations

from typing import Final

from tests.contract.providers.rows.row import ANYTHING, Row

_ACCEPTED: Final = {"answer": "Accepted"}
_READY: Final = {"answer": "Ready"}
_RUNNING: Final = {"answer": "Running"}
_ENDED: Final = {"answer": "Ended"}

SUBMIT: Final = (
    Row(
        table="2.2", status=200, fields={"code": "success", "data": "0123456789abcdef0123456789abcdef"}, means=_ACCEPTED
    ),
    *(
        Row(table="2.2", status=200, fields={path: ANYTHING}, means=_ACCEPTED)
        for path in ("data.task_id", "data.id", "task_id", "id")
    ),
    Row(table="2.2", status=200, fields={"code": "invalid_request"}, means={"answer": "Refused", "scope": "item"}),
)

_WORK: Final = "data.data"
QUERY: Final = (
    *(
        Row(table="2.3", fields={"data.status": status}, means=_RUNNING)
        for status in ("NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "UNKNOWN")
    ),
    Row(table="2.3", fields={"data.status": "SUCCESS", f"{_WORK}.work_video_path": ANYTHING}, means=_READY),
    Row(table="2.3", fields={"data.status": "FAILURE", "data.fail_reason": ANYTHING}, means=_ENDED),
    # The three shapes: the work alone, within `data`, within `data.data`.
    Row(table="2.3", fields={"web_work_status": 200, "work_video_path": ANYTHING}, means=_READY),
    Row(table="2.3", fields={"data.web_work_status": 200, "data.work_video_path": ANYTHING}, means=_READY),
    Row(table="2.3", fields={f"{_WORK}.web_work_status": 200}, means=_READY),
    Row(table="2.3", fields={f"{_WORK}.no_wm_work_video_path": ANYTHING}, means=_READY),
    Row(table="2.3", fields={"data.progress": "30%"}, means={"answer": "Running", "progress": 0.3}),
    *(Row(table="2.4", fields={"web_work_status": number}, means=_RUNNING) for number in (0, 100)),
    *(Row(table="2.4", words=f'"web_work_status": {number}', means=_ENDED) for number in (-1, -2, -101, -102, -103)),
    Row(table="2.4", words='"web_work_status": -3', means={"answer": "Ended", "stops_account": True}),
    # The trap of new-api's forks: the reason of a success is its address.
    Row(table="8", fields={"data.status": "SUCCESS", "data.fail_reason": ANYTHING}, means=_READY),
)
