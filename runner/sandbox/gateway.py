"""How a new-api gateway says no, in two shapes: the middleware's and the task relay's.

It stands in front of the digital human and of unified video, and of Kling at resellers. Source: api-facts.md section 4 (read 2026-11-20).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from runner.sandbox.api import Answer


def gateway_error(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error of the middleware: tokens, quota, rate, routing."""
    return {"error": {"message": f"{message} (request id: {request_id})", "type": "new_api_error", "code": code}}


def task_error(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error of the task relay."""
    return {"code": code, "message": f"{message} (request id: {request_id})", "data": None}


Shape = Callable[[str, str, str], dict[str, Any]]
_SATURATED: Final = "当前分组上游负载已饱和，请稍后再试"
_REFUSALS: Final[Mapping[str, tuple[int, Shape, str, str]]] = {
    "invalid": (400, task_error, "invalid_request", "invalid request"),
    "no-token": (401, gateway_error, "", "no token was given"),
    "bad-token": (401, gateway_error, "", "invalid token"),
    "unknown-task": (400, task_error, "task_not_exist", "task not exist"),
    "refuse": (400, task_error, "invalid_request", "the picture shows no face"),
    "policy": (400, task_error, "sensitive_words_detected", "sensitive words detected"),
    "too-large": (413, gateway_error, "request_body_too_large", "request body too large"),
    "key": (401, gateway_error, "", "无效的令牌"),
    "forbidden": (403, gateway_error, "access_denied", "this token has no access to the group"),
    "quota-402": (402, gateway_error, "insufficient_balance", "insufficient balance"),
    "quota-403": (403, gateway_error, "insufficient_user_quota", "user quota is not enough"),
    "quota-key": (403, gateway_error, "pre_consume_token_quota_failed", "token quota is not enough"),
    "saturated": (429, gateway_error, "", _SATURATED),
    "saturated-500": (500, task_error, "fail_to_fetch_task", _SATURATED),
    "no-channel": (503, gateway_error, "model_not_found", "no available channel for this model"),
    "500": (500, task_error, "do_request_failed", "do request failed"),
    "500-accepted": (500, task_error, "fail_to_fetch_task", "upstream said nothing"),
    "poll-500": (500, task_error, "fail_to_fetch_task", "fail to fetch task"),
    "poll-key": (401, gateway_error, "", "无效的令牌"),
    "poll-unknown": (400, task_error, "task_not_exist", "task not exist"),
}
"""What the gateway refuses: status, shape, code and message, by kind of fault."""

_OUT_OF_MONEY: Final = {"code": "error", "message": "用户额度不足，请充值", "data": None}
ERRORS: Final = frozenset({*_REFUSALS, "429", "poll-429", "quota-200-cn"})
"""The kinds that `refusal` has an answer for."""


def refusal(kind: str, detail: str = "", number: float = 0.0) -> Answer:
    """The gateway's answer for a kind of `ERRORS`: as `Api.refusal`."""
    if kind in ("429", "poll-429"):
        return Answer(429, b"", {"Retry-After": f"{number:g}"} if number else {})
    if kind == "quota-200-cn":
        return Answer(200, _OUT_OF_MONEY)
    status, shape, code, message = _REFUSALS[kind]
    request_id = uuid.uuid4().hex
    return Answer(status, shape(code, detail or message, request_id), {"X-Oneapi-Request-Id": request_id})
