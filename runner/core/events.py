"""What can happen to a job. Each event is a fact with its time; `runner.core.job` says what it does to the job.

Times are Unix seconds (UTC, fractions allowed) from the wall clock: they are for people and for the history. No decision
about money rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Reply
    from runner.core.job import OutputFile
    from runner.core.money import Money


class Cause(StrEnum):
    """Why a job failed; it alone decides what the next run does by itself (`runner.core.plan`)."""

    NOT_ACCEPTED = "not_accepted"
    """Never accepted: no answer, or "not now" for too long. The next run tries again."""
    REFUSED = "refused"
    """The provider refused the inputs. Stays until they change or `--retry-failed`."""
    GENERATION = "generation"
    """The task ended without a result. Stays until the inputs change or `--retry-failed`."""
    FETCH = "fetch"
    """The result could not be fetched, was refused by the address rule, or does not play. The next run tries the download again."""
    EXPIRED = "expired"
    """The provider keeps the result no longer. Needs `--retry-failed`: making it again costs money again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job failed or is in doubt, for people and programmes.

    Args:
        cause: What kind of failure; None for a doubt or a skip, where nothing failed.
        code: Stable code, `P…` (see `runner.core.codes`).
        message: One sentence; may hold the provider's own words, which are hostile input to every sink.
        request_id: The provider's id of the request, for its support; None when it gave none.
    """

    cause: Cause | None
    code: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a job.

    Args:
        at: When, in Unix seconds.
    """

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitStarted(Event):
    """The intent. Committed before the first byte of the POST is sent.

    Args:
        external_id: Our own, deterministic id of this attempt.
        request_sha256: Digest of the exact body bytes, hexadecimal.
        request: Those bytes; None where they hold file content.
        reserved: Money set aside for it; None when the price is unknown.
        output_stem: Where the result will go, relative to the output folder, without suffix.
    """

    external_id: str
    request_sha256: str
    request: bytes | None
    reserved: Money | None
    output_stem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReceived(Event):
    """The raw reply to the POST, committed before anybody parses it."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent(Event):
    """The provider has not taken the job: nothing was sent, or it said "not now". Safe to send again.

    Args:
        may_have_arrived: Whether a little doubt is left, which only counts when the API refuses the next submission for its id.
    """

    reason: str
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp(Event):
    """The job was not accepted for so long that this run stops trying."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Event):
    """The provider has taken the job and named its task."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitLost(Event):
    """Nobody can tell whether the provider has taken the job."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """The provider refused the submission for good; nothing runs and nothing is owed."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFound(Event):
    """A look-up or the second witness shows a task that an earlier submission of ours has made."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound(Event):
    """The look-ups show that a lost submission never arrived; it may be sent again with the same id and bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReady(Event):
    """The task has its result.

    Args:
        address: Where the file is; None for an operation that delivers none.
        outputs: Named outputs as the operation's schema lists them.
        actual: What the provider says it cost; None when it does not say.
        units: The same in the provider's own units.
    """

    address: str | None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    actual: Money | None = None
    units: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(Event):
    """The task ended without a result.

    Args:
        charged: Whether the provider bills it; None when unknown, and then the reservation stands.
    """

    failure: Failure
    charged: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid(Event):
    """The task ended because the account had no money left: nothing was made and nothing is owed. The job waits for a next attempt."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(Event):
    """The file stands under its final name, verified and durable (None for an operation that delivers no file)."""

    output: OutputFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Event):
    """The lock file beside the manifest shows that the job was paid and delivered before, by a state that is not at hand.

    Args:
        task_id: The task that was paid.
        output: The file as it was delivered then; None for an operation that delivers none.
        outputs: Named outputs, addresses left out.
    """

    task_id: str
    output: OutputFile | None
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocated(Event):
    """The manifest wants the delivered file under another path, and it stands there now, durable, too."""

    output: OutputFile


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailed(Event):
    """The result is there but could not be fetched, or is gone."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Event):
    """A job that this one needs did not succeed."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeued(Event):
    """A new run tries again what was never accepted or was skipped: same attempt, same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Event):
    """The user allows another attempt at what the provider refused or failed (`--retry-failed`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed(Event):
    """What the job gave has grown too old for a job that uses it: it is made again, and its file stays until the new one is verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """The file is missing, altered or was never fetched: ask the paid task for it again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Event):
    """A person decided about a job in doubt.

    Args:
        who: The person, as `user@host`.
        why: Their words; may be empty.
    """

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted(Decision):
    """A person found the task at the provider."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmitted(Decision):
    """A person allows a second submission although the first may have been paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned(Decision):
    """A person gives the job up."""
