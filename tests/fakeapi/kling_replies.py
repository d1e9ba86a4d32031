"""The documented replies of Kling (api-facts section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.fakeapi.keys import Verdict
from tests.fakeapi.script import Answer, answer
from tests.fakeapi.shapes import BAD_GATEWAY, NO_MONEY, gateway_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakeapi.ledger import Task

CODES: Final[Mapping[int, tuple[int, str]]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "token is not yet valid"),
    1004: (401, "token is expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Account balance not enough"),
    1103: (403, "no permission for this resource"),
    1200: (400, "request parameters invalid"),
    1201: (400, "parameter illegal"),
    1202: (404, "request method invalid"),
    1203: (404, "resource does not exist"),
    1300: (400, "platform policy triggered"),
    1301: (400, "content safety triggered"),
    1302: (429, "too many requests"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "IP is not in the whitelist"),
    5000: (500, "internal error"),
    5001: (503, "under maintenance"),
    5002: (504, "internal timeout"),
}
"""HTTP status and words by code (api-facts 1.5)."""

UNWELCOME: Final = {
    Verdict.MISSING: 1001,
    Verdict.UNKNOWN: 1000,
    Verdict.NOT_YET_VALID: 1003,
    Verdict.EXPIRED: 1004,
}

EMPTY_SUCCESS: Final = Answer(200)
"""Nothing behind a 200."""
SUCCESS_WITHOUT_TASK: Final = answer(200, {"code": 0, "message": "SUCCEED", "request_id": "req-1", "data": {}})
CUT_JSON: Final = Answer(200, b'{"code": 0, "message": "SUCCEED", "da')


def refusal(code: int, message: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An error of the table, in Kling's envelope."""
    status, words = CODES[code]
    return answer(status, {"code": code, "message": message or words, "request_id": f"req-{code}"}, headers)


STOPS: Final[Mapping[str, Answer]] = {
    "1000": refusal(1000),
    "1102": refusal(1102),
    "1304": refusal(1304),
    "200 with 1102": answer(200, {"code": 1102, "message": "资源包已用完", "request_id": "req-9", "data": None}),
    "gateway without quota": gateway_error(403, "insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.01"),
    "gateway, Chinese text behind 200": NO_MONEY["200 with Chinese text"],
}
"""Ways to refuse an account as a whole."""

LOST: Final[Mapping[str, Answer]] = {
    "500": Answer(500),
    "5000": refusal(5000),
    "504": Answer(504),
    "5002": refusal(5002),
    "502 page": BAD_GATEWAY,
    "empty 200": EMPTY_SUCCESS,
    "200 without a task": SUCCESS_WITHOUT_TASK,
    "200 that ends early": CUT_JSON,
}
"""Replies to a create that leave open whether it was accepted."""


def enveloped(content: object) -> Answer:
    """A call that worked."""
    return answer(200, {"code": 0, "message": "SUCCEED", "request_id": "req-0", "data": content})


def told(task: Task, now: float, result: Mapping[str, Any]) -> dict[str, Any]:
    """A task, as queries and lists show it.

    Args:
        task: The task.
        now: Monotonic seconds.
        result: Its `task_result` once it has succeeded.
    """
    has_ended = now >= task.ends_at
    status = ("succeed" if task.succeeds else "failed") if has_ended else "processing"
    told: dict[str, Any] = {
        "task_id": task.id,
        "task_status": status,
        "task_status_msg": task.plan.reason if status == "failed" else "",
        "task_info": {"external_task_id": task.external_id} if task.external_id else {},
        "task_result": result if status == "succeed" else {},
        "created_at": 1760000000000,
        "updated_at": 1760000300000,
    }
    if has_ended:
        told["final_unit_deduction"] = task.plan.units if task.succeeds else "0"
    return told


def stranger(number: int) -> dict[str, Any]:
    """A task of somebody else with the same account."""
    times = {"created_at": 1760000000000, "updated_at": 1760000000000}
    return {"task_id": str(9_000_000_000_000_000_000 + number), "task_status": "processing", "task_info": {}, **times}
