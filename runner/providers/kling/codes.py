"""What Kling's codes mean for a submission and for a query: the official table as data, the same for all its operations.

Documentation: https://kling.ai/document-api/api/get-started/error-codes by a mirror, read 2026-11-20 (`api-facts.md` section 1.5). The body's `code`
decides, never the HTTP status alone: 1100 to 1102 and 1304 stop an account behind the same 429 as 1302 and 1303, which only ask for patience.
A gateway may stand in front of Kling; what has no code of this table is read as the gateway's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import AskAgain, Duplicate, InDoubt, NotNow, Refused, Scope, SignAgain, UnknownTask
from runner.core.codes import Code
from runner.providers import gateway
from runner.providers.json_body import Unreadable, text
from runner.providers.reply_headers import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Reply
    from runner.providers.gateway import Complaint

SUCCESS: Final = frozenset({"0", gateway.SUCCESS})
"""`code` of a call that worked; of the task, it says nothing. The word is what a gateway in front may write."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call was refused: nothing runs, nothing is owed."""

    scope: Scope
    code: Code


@dataclass(frozen=True, slots=True)
class Wait:
    """The call was not taken, but may be later.

    Args:
        concurrency: Whether a slot must become free, rather than time pass.
    """

    concurrency: bool


@dataclass(frozen=True, slots=True)
class Resign:
    """The signature is too old or too young; the call was not taken."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Kling itself failed: nobody knows whether the call was taken."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Kling is away. With its own 503 nothing was taken; with any other status nobody knows."""


CODES: Final[Mapping[int, Refusal | Wait | Resign | Unclear | Maintenance]] = {
    1000: Refusal(Scope.ACCOUNT, Code.KEY_REFUSED),  # authentication failed
    1001: Refusal(Scope.ACCOUNT, Code.KEY_REFUSED),  # no Authorization
    1002: Refusal(Scope.ACCOUNT, Code.KEY_REFUSED),  # Authorization means nothing
    1003: Resign(),  # token not valid yet
    1004: Resign(),  # token expired
    1100: Refusal(Scope.ACCOUNT, Code.ACCOUNT_BLOCKED),  # something is wrong with the account
    1101: Refusal(Scope.ACCOUNT, Code.OUT_OF_MONEY),  # in arrears
    1102: Refusal(Scope.ACCOUNT, Code.OUT_OF_MONEY),  # resource pack used up or expired
    1103: Refusal(Scope.OPERATION, Code.NOT_PERMITTED),  # no permission for this API or model
    1200: Refusal(Scope.ITEM, Code.BAD_REQUEST),  # parameters invalid
    1201: Refusal(Scope.ITEM, Code.BAD_REQUEST),  # a parameter is illegal
    1202: Refusal(Scope.OPERATION, Code.WRONG_ADDRESS),  # no such method
    1203: Refusal(Scope.ITEM, Code.BAD_REQUEST),  # no such resource
    1300: Refusal(Scope.ITEM, Code.POLICY),  # policy of the platform
    1301: Refusal(Scope.ITEM, Code.POLICY),  # content safety
    1302: Wait(concurrency=False),  # too fast
    1303: Wait(concurrency=True),  # more tasks at once than the resource pack allows
    1304: Refusal(Scope.ACCOUNT, Code.ACCOUNT_BLOCKED),  # address not on the account's list
    5000: Unclear(),  # internal error
    5001: Maintenance(),
    5002: Unclear(),  # internal time-out, backlog
}

_UNKNOWN_TASK: Final = frozenset({1200, 1201, 1203})
"""Of a query, which has no parameter but the task's id."""

_PERHAPS_DUPLICATE: Final = 1201
"""Kling documents no code for an id of ours that it has seen before; clients have met this one, which other bad parameters share."""
_OWN_ID_FIELD: Final = "external_task_id"
_USED_BEFORE: Final = ("exist", "duplicate", "repeat", "unique", "used", "重复", "已存在")


def read_complaint(reply: Reply, body: Mapping[str, Any] | Unreadable) -> Complaint:
    """What a reply says beside the task, with Kling's own id of the request where there is one.

    Args:
        reply: Any reply.
        body: Its body as `read_object` gave it.
    """
    complaint = gateway.read_complaint(reply, body)
    request_id = text(body.get("request_id"))[:128] if not isinstance(body, Unreadable) else ""
    return replace(complaint, request_id=request_id) if request_id else complaint


def read_rejection(
    reply: Reply, complaint: Complaint, *, has_own_id: bool
) -> Refused | NotNow | SignAgain | InDoubt | Duplicate:
    """What a reply to a submission means that does not accept it.

    Args:
        reply: The reply; for its headers.
        complaint: What it says.
        has_own_id: Whether the submission carried an id of ours, so that it may be a repetition, whatever the words, which are not
            documented: a look-up tells, and is one free question.
    """
    wish = retry_after_s(reply.headers)
    match CODES.get(number := _number(complaint)):
        case Refusal(scope, code) if number == _PERHAPS_DUPLICATE and has_own_id:
            return Duplicate(gateway.refusal(complaint, scope, code), is_certain=_names_our_id(complaint))
        case Refusal(scope, code):
            return Refused(scope, gateway.refusal(complaint, scope, code))
        case Wait(concurrency):
            return NotNow(str(complaint), retry_after_s=wish, concurrency=concurrency)
        case Maintenance() if reply.status == 503:
            return NotNow(str(complaint), retry_after_s=wish, is_limited=True, may_have_arrived=True)
        case Resign():
            return SignAgain(str(complaint))
        case Unclear() | Maintenance():
            return InDoubt(str(complaint), complaint.request_id)
        case None:
            return gateway.read_rejection(reply, complaint)


def read_failed_query(reply: Reply, complaint: Complaint) -> UnknownTask | AskAgain:
    """What a reply to a query means that has no task in it. Nothing here ends a job.

    Args:
        reply: The reply; for its headers.
        complaint: What it says.
    """
    number = _number(complaint)
    ruling = CODES.get(number)
    if number in _UNKNOWN_TASK and complaint.is_denial:
        return UnknownTask(str(complaint))
    if ruling is None or number in _UNKNOWN_TASK:
        return gateway.read_failed_query(reply, complaint)
    stops = None
    if isinstance(ruling, Refusal) and ruling.scope is Scope.ACCOUNT:
        stops = gateway.refusal(complaint, ruling.scope, ruling.code)
    is_busy = isinstance(ruling, Wait | Maintenance)
    return AskAgain(str(complaint), retry_after_s(reply.headers), stops_account=stops, is_busy=is_busy)


def _names_our_id(complaint: Complaint) -> bool:
    """Whether the words themselves say that our id was used before."""
    return complaint.says((_OWN_ID_FIELD,)) and complaint.says(_USED_BEFORE)


def denies_task(complaint: Complaint) -> bool:
    """Whether Kling, or the gateway in front of it, says that it knows no task of this id, behind a status that can say so.

    A bare 404 is no such word: it may come from a proxy that does not know the path.
    """
    return complaint.is_denial and (_number(complaint) in _UNKNOWN_TASK or complaint.has({gateway.UNKNOWN_TASK_CODE}))


def _number(complaint: Complaint) -> int:
    """The code as a number; -1 when there is none."""
    return int(complaint.code) if complaint.code.isdecimal() and len(complaint.code) <= len("5002") else -1
