"""How a new-api or one-api gateway says no: the error shapes and codes that several providers share.

Documentation: https://github.com/QuantumNous/new-api (`types/error.go`, `relay/relay_task.go`, `controller/relay.go`, `middleware/auth.go`),
read 2026-11-20. Two shapes, `{"error": {message, type, code}}` from the middleware and `{code, message, data: null}` from the task relay; besides
them `error` as a plain string, empty bodies, and HTML of a proxy in front.

The body comes before the status, since resellers use 401, 402, 403 and 429 alike for "no money", and 200 too. What no table here lists is in
doubt for a submission and says nothing about the task for a query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import AskAgain, InDoubt, NotNow, Refused, Scope, UnknownTask
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.providers.json_body import Unreadable, mapping, text
from runner.providers.reply_headers import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.core.answers import Reply

MOST_MESSAGE_CHARS: Final = 500
"""How much of a provider's own words is kept in a failure."""

SUCCESS: Final = "success"

MONEY_CODES: Final = frozenset(
    {
        "insufficient_user_quota",
        "insufficient_quota",
        "insufficient_balance",
        "pre_consume_token_quota_failed",
        # Kling's, passed on by a gateway in front of it: in arrears, resource pack used up.
        "1101",
        "1102",
    }
)
_MONEY_WORDS: Final = ("余额不足", "额度不足", "额度已用尽", "预扣费额度失败", "欠费", "积分不足")
_SATURATED_WORDS: Final = ("负载已饱和",)
_NO_CHANNEL_WORDS: Final = ("无可用渠道", "no available channel")
_BLOCKED_WORDS: Final = ("封禁", "banned", "ip 不在")
_POLICY_WORDS: Final = ("敏感", "违规", "审核", "sensitive", "moderation", "nsfw", "nudity", "content policy")

REFUSAL_CODES: Final[Mapping[str, tuple[Scope, Code]]] = {
    "invalid_request": (Scope.ITEM, Code.BAD_REQUEST),
    "read_request_body_failed": (Scope.ITEM, Code.BAD_REQUEST),
    "bad_request_body": (Scope.ITEM, Code.BAD_REQUEST),
    "model_price_error": (Scope.ITEM, Code.BAD_REQUEST),
    "sensitive_words_detected": (Scope.ITEM, Code.POLICY),
    "prompt_blocked": (Scope.ITEM, Code.POLICY),
    "access_denied": (Scope.ACCOUNT, Code.NOT_PERMITTED),
    "api_not_implemented": (Scope.ACCOUNT, Code.WRONG_ADDRESS),
}
"""Said by the gateway before it has sent anything upstream: refused in any status."""

REFUSAL_STATUSES: Final[Mapping[int, tuple[Scope, Code]]] = {
    400: (Scope.ITEM, Code.BAD_REQUEST),
    401: (Scope.ACCOUNT, Code.KEY_REFUSED),
    402: (Scope.ACCOUNT, Code.OUT_OF_MONEY),
    403: (Scope.ACCOUNT, Code.NOT_PERMITTED),
    404: (Scope.ACCOUNT, Code.WRONG_ADDRESS),
    405: (Scope.ACCOUNT, Code.WRONG_ADDRESS),
    413: (Scope.ITEM, Code.TOO_LARGE),
    414: (Scope.ITEM, Code.TOO_LARGE),
    415: (Scope.ITEM, Code.BAD_REQUEST),
    422: (Scope.ITEM, Code.BAD_REQUEST),
    431: (Scope.ITEM, Code.TOO_LARGE),
}
"""Refused whatever the body says. A 404 with a code of its own is about the item, and says so in `_ruling`."""

SLOW_DOWN_STATUSES: Final = frozenset({425, 429})
_SLOW_DOWN_CODES: Final = frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests"})
_CONCURRENCY_CODES: Final = frozenset({"token_concurrency_limit_reached"})
_NO_CHANNEL_CODE: Final = "model_not_found"
_OWN_TYPES: Final = frozenset({"new_api_error", "one_api_error"})
"""Of an error that the gateway's own middleware has made, before it has sent anything upstream."""
_BUSY_STATUSES: Final = frozenset({429, 503})
_DENIALS: Final = frozenset({400, 404, 410, 422})
_DOUBT_CODE: Final = "do_request_failed"
"""The gateway lost its own request on the way upstream: nobody knows, whatever the status."""
UNKNOWN_TASK_CODE: Final = "task_not_exist"

_REQUEST_ID: Final = re.compile(r"\(request id: ([^)\s]{1,128})\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What an error reply says, whichever shape it has.

    Args:
        status: The HTTP status.
        code: Lower case; "" when there is none.
        type: Lower case; "" when there is none.
        message: The provider's words, whole; "" when there are none.
        request_id: The gateway's id of the request, or None.
        is_readable: Whether the body is a JSON object at all.
    """

    status: int
    code: str
    type: str
    message: str
    request_id: str | None
    is_readable: bool

    def __str__(self) -> str:
        """`HTTP 403, access_denied: no access to this model`, at most `MOST_MESSAGE_CHARS` characters."""
        head = ", ".join([f"HTTP {self.status}", *([self.code] if self.code else [])])
        return shortened(f"{head}: {self.message}" if self.message else head)

    def has(self, codes: Collection[str]) -> bool:
        """Whether code or type is one of these codes."""
        return self.code in codes or self.type in codes

    def quotes(self, code: str) -> bool:
        """Whether the message holds this code, as that of a gateway in front of a gateway does."""
        # A bare number in a message may be anything; a word with underscores is nobody's prose.
        return "_" in code and code in self.message.lower()

    def says(self, words: tuple[str, ...]) -> bool:
        """Whether the message holds one of these words."""
        lower = self.message.lower()
        return any(word in lower for word in words)

    @property
    def is_about_money(self) -> bool:
        """Whether the account has no money or quota left."""
        if self.has(MONEY_CODES):
            return True
        # A message may quote what an upstream said of a task that runs, or the job's own text, and a bank's campaign does say "余额不足": behind
        # a 5xx, and beside a code that says what is wrong with the job, only a code counts.
        if self.status >= 500 or self.blames_item:
            return False
        return self.says(_MONEY_WORDS) or any(self.quotes(code) for code in MONEY_CODES)

    @property
    def blames_item(self) -> bool:
        """Whether a code says that the fault lies with the job; behind a 401 or 403 it is the account's all the same."""
        said = (REFUSAL_CODES.get(self.code), REFUSAL_STATUSES.get(self.status))
        return said[0] is not None and said[0][0] is Scope.ITEM and (said[1] is None or said[1][0] is Scope.ITEM)

    @property
    def is_wrong_path(self) -> bool:
        """Whether the gateway itself says that it has no such path."""
        return self.status == 404 and "invalid url" in self.message.lower()

    @property
    def is_no_channel(self) -> bool:
        """Whether the gateway has no upstream for the model just now; a 4xx means that there is no such model at all."""
        if self.status == 503 and self.type in _OWN_TYPES and self.says(_NO_CHANNEL_WORDS):
            return True
        return not 400 <= self.status < 500 and self.has({_NO_CHANNEL_CODE})

    @property
    def is_denial(self) -> bool:
        """Whether a reply of this status can say of a task that it is not there: no 5xx, and no refusal of the key, knows anything of tasks."""
        return 200 <= self.status < 300 or self.status in _DENIALS


def has_success_code(body: Mapping[str, Any]) -> bool:
    """Whether a body calls the call a success, in the word that gateways have for it."""
    return text(body.get("code")).lower() == SUCCESS


def shortened(words: str) -> str:
    """The words, at most `MOST_MESSAGE_CHARS` characters of them."""
    return words if len(words) <= MOST_MESSAGE_CHARS else words[: MOST_MESSAGE_CHARS - 1] + "…"


def is_about_policy(words: str) -> bool:
    """Whether a refusal or failure talks of content policy. It only names a refusal better, and never makes one."""
    return any(word in words.lower() for word in _POLICY_WORDS)


def is_about_money(words: str, *, own_words: str | None) -> bool:
    """Whether the reason of a failed task says that the account is out of money.

    Args:
        words: The reason.
        own_words: The job's own text: a reason may quote it, and a bank's campaign does say "余额不足". None where nobody knows it: then
            no reason says so.
    """
    if own_words is None:
        return False
    codes = tuple(code for code in MONEY_CODES if "_" in code)
    return any(word in words.lower() and word not in own_words for word in (*_MONEY_WORDS, *codes))


def read_complaint(reply: Reply, body: Mapping[str, Any] | Unreadable) -> Complaint:
    """What an error reply says.

    Args:
        reply: Any reply.
        body: Its body as `read_object` gave it.
    """
    top = {} if isinstance(body, Unreadable) else body
    error = top.get("error")
    inner = mapping(error)
    message = text(inner.get("message")) or text(error) or text(top.get("message")) or text(top.get("msg"))
    found = _REQUEST_ID.search(message)
    request_id = reply.headers.get("x-oneapi-request-id", "")[:128] or (found.group(1) if found else None)
    return Complaint(
        status=reply.status,
        code=(text(inner.get("code")) or text(top.get("code"))).lower(),
        type=(text(inner.get("type")) or text(top.get("type"))).lower(),
        message=message,
        request_id=request_id,
        is_readable=not isinstance(body, Unreadable),
    )


def read_rejection(reply: Reply, complaint: Complaint) -> Refused | NotNow | InDoubt:
    """What a reply to a submission means that does not accept it: the verdict table of delivery.md section 3.

    Args:
        reply: The reply; for its headers.
        complaint: What it says.
    """
    if complaint.has({_DOUBT_CODE}) or complaint.quotes(_DOUBT_CODE):
        return _doubt(complaint)
    if (wait := _not_now(reply, complaint)) is not None:
        return wait
    ruling = _ruling(complaint)
    if ruling is None:
        return _doubt(complaint)
    scope, code = ruling
    return Refused(scope, refusal(complaint, scope, code))


def read_failed_query(reply: Reply, complaint: Complaint) -> UnknownTask | AskAgain:
    """What a reply to a query means that has no task in it. Nothing here ends a job.

    Args:
        reply: The reply; for its headers.
        complaint: What it says.
    """
    # The submission was taken at this address: a 404 is about the task, even an empty one or a proxy's page.
    is_not_found = complaint.status == 404 and not complaint.is_wrong_path and not reply.truncated
    is_unknown = complaint.has({UNKNOWN_TASK_CODE}) or complaint.quotes(UNKNOWN_TASK_CODE)
    if is_not_found or (is_unknown and complaint.is_denial):
        return UnknownTask(str(complaint))
    ruling = _ruling(complaint) if complaint.status != 404 or complaint.is_wrong_path else None
    stops = refusal(complaint, *ruling) if ruling is not None and ruling[0] is Scope.ACCOUNT else None
    is_busy = stops is None and (complaint.status in _BUSY_STATUSES or _not_now(reply, complaint) is not None)
    return AskAgain(str(complaint), retry_after_s(reply.headers), stops_account=stops, is_busy=is_busy)


def _doubt(complaint: Complaint) -> InDoubt:
    return InDoubt(str(complaint), request_id=complaint.request_id)


def _not_now(reply: Reply, complaint: Complaint) -> NotNow | None:
    if complaint.is_about_money or complaint.code in REFUSAL_CODES:
        return None
    wish = retry_after_s(reply.headers)
    if complaint.is_no_channel:
        return NotNow(str(complaint), retry_after_s=wish, slow_down=False, is_limited=True)
    if complaint.code in _CONCURRENCY_CODES:
        return NotNow(str(complaint), retry_after_s=wish, concurrency=True)
    is_refused = (
        400 <= complaint.status < 500
    )  # anywhere else, words may be those of an upstream that has taken the task
    is_rate = complaint.code in _SLOW_DOWN_CODES or (is_refused and complaint.says(_SATURATED_WORDS))
    if is_rate or complaint.status in SLOW_DOWN_STATUSES:
        return NotNow(str(complaint), retry_after_s=wish)
    return None


def _ruling(complaint: Complaint) -> tuple[Scope, Code] | None:
    if complaint.is_about_money:
        return Scope.ACCOUNT, Code.OUT_OF_MONEY
    by_status = REFUSAL_STATUSES.get(complaint.status)
    if complaint.status == 404 and complaint.code and not complaint.is_wrong_path:
        by_status = Scope.ITEM, Code.BAD_REQUEST
    if complaint.status == 501 and (
        complaint.code or complaint.type
    ):  # the gateway's own word; any other 501 may come from behind it
        by_status = Scope.ACCOUNT, Code.WRONG_ADDRESS
    by_code = REFUSAL_CODES.get(complaint.code)
    if by_code is None or (by_code[0] is Scope.ITEM and by_status is not None and by_status[0] is Scope.ACCOUNT):
        # `invalid_request` behind a 401 is about the key all the same.
        return by_status
    return by_code


def refusal(complaint: Complaint, scope: Scope, code: Code) -> Failure:
    """A refusal as a failure: its words may name it better than the code, and its scope says whose fault it is."""
    if code is Code.BAD_REQUEST and is_about_policy(complaint.message):
        code = Code.POLICY
    if code is Code.NOT_PERMITTED and complaint.says(_BLOCKED_WORDS):
        code = Code.ACCOUNT_BLOCKED
    # What the account is refused for is no fault of the job: the next run tries it again.
    cause = Cause.REFUSED if scope is Scope.ITEM else Cause.NOT_ACCEPTED
    return Failure(cause=cause, code=code, message=str(complaint), request_id=complaint.request_id)
