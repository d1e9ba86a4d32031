"""How Kling says no: a number, a message and the id of the request; at resellers the gateway in front may speak instead.

Source: api-facts.md sections 1.5 and 4.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from runner.sandbox import gateway
from runner.sandbox.api import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSALS: Final[Mapping[str, tuple[int, int, str]]] = {
    "invalid": (400, 1201, "parameter illegal"),
    "no-token": (401, 1001, "Authorization is empty"),
    "bad-token": (401, 1002, "Authorization is invalid"),
    "unknown-task": (404, 1203, "task not found"),
    "refuse": (400, 1201, "image: no face was found"),
    "policy": (400, 1301, "content safety policy was triggered"),
    "key": (401, 1000, "authentication failed"),
    "forbidden": (403, 1103, "no permission for this resource"),
    "429": (429, 1302, "too many requests"),
    "saturated": (429, 1303, "parallel task over resource pack limit"),
    "kling-1003": (401, 1003, "the token is not valid yet"),
    "kling-1004": (401, 1004, "the token has expired"),
    "kling-1100": (429, 1100, "account exception"),
    "kling-1101": (429, 1101, "account in arrears"),
    "kling-1102": (429, 1102, "Account balance not enough"),
    "kling-1200": (400, 1200, "request parameters are invalid"),
    "kling-1202": (404, 1202, "the request method is invalid"),
    "kling-1203": (404, 1203, "the model does not exist"),
    "kling-1300": (400, 1300, "platform policy was triggered"),
    "kling-1304": (429, 1304, "IP not on the whitelist"),
    "kling-5001": (503, 5001, "the service is under maintenance"),
    "kling-5002": (504, 5002, "internal time-out"),
    "500": (500, 5000, "internal error"),
    "500-accepted": (500, 5000, "internal error"),
    "poll-500": (500, 5000, "internal error"),
    "poll-429": (429, 1302, "too many requests"),
    "poll-key": (401, 1000, "authentication failed"),
    "poll-unknown": (404, 1203, "task not found"),
}
"""HTTP status, code and message, by kind of fault."""

_TOO_LARGE: Final = "<html><body><h1>413 Request Entity Too Large</h1></body></html>"
ERRORS: Final = frozenset({*_REFUSALS, *gateway.ERRORS})
"""The kinds that `refusal` has an answer for."""


def refusal(kind: str, detail: str = "", number: float = 0.0) -> Answer:
    """Kling's answer for a kind of `ERRORS`: as `Api.refusal`."""
    if kind == "too-large":
        return Answer(413, _TOO_LARGE)
    if kind not in _REFUSALS:
        return gateway.refusal(kind, detail, number)
    status, code, message = _REFUSALS[kind]
    body = {"code": code, "message": detail or message, "request_id": str(uuid.uuid4()), "data": None}
    return Answer(status, body, {"Retry-After": f"{number:g}"} if number else {})
