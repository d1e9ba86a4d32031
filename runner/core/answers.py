"""What a remote API said, as values. An answer is never an exception.

`Reply` and `Exchange` are what the wire saw; the other classes are what a provider reads out of them. Engines act on the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.events import Failure
    from runner.core.money import Money

STORED_BODY_BYTES = 64 * 1024
"""How much of a reply's body is kept in the state (delivery.md section 1)."""

READ_BODY_BYTES = 1024 * 1024
"""How much of a reply's body is read at all, after decompression (delivery.md section 5)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply.

    Args:
        status: As the server sent it.
        headers: Names in lower case; a repeated header's values joined by ", ".
        body: Decompressed bytes, at most `READ_BODY_BYTES`.
        truncated: True when the server sent more than that, or when only a stored beginning is left.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, before the seam adds host and credential.

    Args:
        method: `GET` or `POST`.
        path: Path and encoded query, starting with `/`, appended to the account's `base_url`.
        body: Exact bytes, or None.
        content_type: What they are.
    """

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"


class Fault(StrEnum):
    """Why there is no reply."""

    CONNECTION = "connection"
    """DNS, refused, unreachable, reset, end of stream, time-out."""
    CERTIFICATE = "certificate"
    """The server's certificate does not hold: configuration, not weather."""
    UNREADABLE = "unreadable"
    """Bytes came that are not HTTP, or a body that does not decode or ends early."""


@dataclass(frozen=True, slots=True)
class NoReply:
    """The exchange ended without a complete reply.

    Args:
        fault: What went wrong.
        sent: Whether the client began to write the request (`on_request_headers_sent`): it alone tells unsent from in doubt.
        message: For people, without credentials.
    """

    fault: Fault
    sent: bool
    message: str


Exchange = Reply | NoReply


class Scope(StrEnum):
    """How far a refusal reaches."""

    ITEM = "item"
    OPERATION = "operation"
    ACCOUNT = "account"


# --- answers to a submission ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the job.

    Args:
        task_id: The provider's name for it; opaque, never empty.
        ready: The result, where the API answers at once; else None.
        ended: How it failed, where the API says that at once; else None.
    """

    task_id: str
    ready: Ready | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will not do it: nothing runs, nothing is owed.

    Args:
        scope: The item alone, its operation on this account, or the whole account (key, money, permission).
        failure: Why. For a scope wider than the item the job itself stays pending.
    """

    scope: Scope
    failure: Failure


@dataclass(frozen=True, slots=True)
class NotNow:
    """Not taken, but later perhaps.

    Args:
        reason: For people.
        retry_after_s: The server's own wish in seconds; None when it gave none.
        concurrency: True when too many tasks are in flight (wait for a slot), False when requests come too fast or
            the service is away (wait a while).
        slow_down: Whether the account should send less from now on.
        is_limited: True when only a few tries make sense (no upstream for this model, maintenance); then each one uses up a try.
        may_have_arrived: Whether it is most likely, but not certain, that it was not taken (maintenance).
    """

    reason: str
    retry_after_s: float | None = None
    concurrency: bool = False
    slow_down: bool = True
    is_limited: bool = False
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True)
class SignAgain:
    """The signature was too old or too young: not accepted; sign anew and send again, once."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Nobody can tell from this whether the job was taken. Everything that no table lists is this."""

    reason: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The API refuses the submission, perhaps because it has one with our id already: a look-up tells.

    Args:
        failure: What stands when the look-up finds nothing: then the refusal was about something else.
        is_certain: Whether its words leave no doubt that it means our id: then what is not found is in doubt, and no refusal.
    """

    failure: Failure
    is_certain: bool = False


SubmitAnswer = Accepted | Refused | NotNow | SignAgain | InDoubt | Duplicate


# --- answers to a query -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Running:
    """The task goes on.

    Args:
        progress: 0 to 1; None when the provider does not say.
        unknown_status: The provider's word, when no table lists it: said once, polled on.
    """

    progress: float | None = None
    unknown_status: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The task has a result.

    Args:
        address: http(s) address of the file; or, beginning with `/`, a path below the account's `base_url` which is fetched with its
            credential (see `Traits.content_path`); None for an operation without a file. Where a file is due, None means that the task is said to
            be done but its address is not there (yet): not a success, and the engine asks a few more times.
        outputs: Named outputs of the operation's schema.
        actual: What the provider says it cost, or None.
        units: The same in its own units, or None.
        names: What the reply calls the task, where it names it as it was asked for: another task's result ends nothing. Empty when it
            does not say.
    """

    address: str | None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    actual: Money | None = None
    units: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The task ended without a result, for good.

    Args:
        failure: Why (`GENERATION`, or `EXPIRED` when a result was there and is gone).
        charged: Whether the provider bills it; None when unknown.
        stops_account: True when the reason is the account's (out of credit).
        names: As of `Ready`.
    """

    failure: Failure
    charged: bool | None = None
    stops_account: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownTask:
    """The provider says that it does not know the task (yet, or any more)."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskAgain:
    """This answer says nothing about the task: 5xx, rate limit, garbage, no access just now. Polling is always safe to repeat.

    Args:
        reason: For people.
        retry_after_s: The server's wish in seconds, or None.
        stops_account: A failure of the whole account (key refused, no money): submissions stop, polling goes on.
        is_busy: Whether the API takes no questions just now (429, maintenance): nothing is wrong with this one.
    """

    reason: str
    retry_after_s: float | None = None
    stops_account: Failure | None = None
    is_busy: bool = False


QueryAnswer = Running | Ready | Ended | UnknownTask | AskAgain
