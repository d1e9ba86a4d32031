"""How a new-api gateway says no, in two shapes: the middleware's and the task relay's.

Source: api-facts.md section 4 (read 2026-11-20).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final


def gateway_error(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error of the middleware: tokens, quota, rate, routing."""
    return {"error": {"message": f"{message} (request id: {request_id})", "type": "new_api_error", "code": code}}


def task_error(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error of the task relay."""
    return {"code": code, "message": f"{message} (request id: {request_id})", "data": None}


Shape = Callable[[str, str, str], dict[str, Any]]
PAGES: Final[Mapping[str, tuple[int, str]]] = {
    "503": (503, "<html><body><h1>503 Service Unavailable</h1></body></html>"),
    "502-accepted": (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "poll-garbage": (200, "<html><body><h1>Please wait</h1></body></html>"),
}
"""What a proxy says that stands in front of everything: status and HTML, by kind of fault."""

_SATURATED: Final = "当前分组上游负载已饱和，请稍后再试"
REFUSALS: Final[Mapping[str, tuple[int, Shape, str, str]]] = {
    "invalid": (400, task_error, "invalid_request", "invalid request"),
    "no-token": (401, gateway_error, "", "no token was given"),
    "bad-token": (401, gateway_error, "", "invalid token"),
    "unknown-task": (400, task_error, "task_not_exist", "task not exist"),
    "refuse": (400, task_error, "invalid_request", "avatar_url: no face was found"),
    "policy": (400, task_error, "sensitive_words_detected", "sensitive words detected"),
    "too-large": (413, gateway_error, "request_body_too_large", "request body too large"),
    "key": (401, gateway_error, "", "无效的令牌"),
    "forbidden": (403, gateway_error, "access_denied", "this token has no access to the group"),
    "quota-402": (402, gateway_error, "insufficient_balance", "insufficient balance"),
    "quota-403": (403, gateway_error, "insufficient_user_quota", "user quota is not enough"),
    "quota-key": (403, gateway_error, "pre_consume_token_quota_failed", "token quota is not enough"),
    "saturated": (429, gateway_error, "", _SATURATED),
    "saturated-500": (500, task_error, "fail_to_fetch_task", _SATURATED),
    "no-channel": (503, gateway_error, "model_not_found", "no available channel for model avatar"),
    "500": (500, task_error, "do_request_failed", "do request failed"),
    "500-accepted": (500, task_error, "fail_to_fetch_task", "upstream said nothing"),
    "poll-500": (500, task_error, "fail_to_fetch_task", "fail to fetch task"),
    "poll-key": (401, gateway_error, "", "无效的令牌"),
    "poll-unknown": (400, task_error, "task_not_exist", "task not exist"),
}
"""What the gateway refuses: status, shape, code and message, by kind of fault."""
