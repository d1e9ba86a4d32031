"""The life of a job: one table, one way to move.

`TRANSITIONS` is the whole life cycle. The engine moves jobs by it, the store replays it, `docs/` prints its diagram from it. A
move that it does not list is a bug and raises `InvalidTransition` with the job's story.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from runner.core import events
from runner.core.errors import InvalidTransition
from runner.core.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Reply
    from runner.core.events import Event, Failure


class State(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    SUBMITTING = "submitting"
    IN_DOUBT = "in_doubt"
    RUNNING = "running"
    DOWNLOADING = "downloading"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether this run has nothing more to do for a job that stands here."""
        return self in _TERMINAL

    @property
    def is_paid_and_open(self) -> bool:
        """Whether a task may be running at the provider that we have not brought home."""
        return self in (State.SUBMITTING, State.IN_DOUBT, State.RUNNING, State.DOWNLOADING)


_TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED})

TRANSITIONS: Final[Mapping[State, Mapping[type[Event], State]]] = {
    State.PENDING: {
        events.SubmitStarted: State.SUBMITTING,
        events.TaskFound: State.RUNNING,
        events.Recorded: State.SUCCEEDED,
        events.SubmitLost: State.IN_DOUBT,
        events.GaveUp: State.FAILED,
        events.Refused: State.FAILED,
        events.Skipped: State.SKIPPED,
    },
    State.SUBMITTING: {
        events.ReplyReceived: State.SUBMITTING,
        events.NotSent: State.PENDING,
        events.NotFound: State.PENDING,
        events.Accepted: State.RUNNING,
        events.TaskFound: State.RUNNING,
        events.SubmitLost: State.IN_DOUBT,
        events.Refused: State.FAILED,
    },
    State.IN_DOUBT: {
        events.TaskFound: State.RUNNING,
        events.Adopted: State.RUNNING,
        events.NotFound: State.PENDING,
        events.Resubmitted: State.PENDING,
        events.Abandoned: State.CANCELLED,
    },
    State.RUNNING: {
        events.TaskReady: State.DOWNLOADING,
        events.Recorded: State.SUCCEEDED,
        events.TaskFailed: State.FAILED,
        events.Unpaid: State.PENDING,
        events.DeliveryFailed: State.FAILED,
    },
    State.DOWNLOADING: {
        events.TaskReady: State.DOWNLOADING,
        events.Delivered: State.SUCCEEDED,
        events.Recorded: State.SUCCEEDED,
        events.DeliveryFailed: State.FAILED,
    },
    State.SUCCEEDED: {
        events.Reopened: State.RUNNING,
        events.Relocated: State.SUCCEEDED,
        events.Renewed: State.PENDING,
    },
    State.FAILED: {
        events.Requeued: State.PENDING,
        events.Retried: State.PENDING,
        events.Reopened: State.RUNNING,
    },
    State.SKIPPED: {
        events.Requeued: State.PENDING,
    },
    State.CANCELLED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A delivered file.

    Args:
        path: Relative to the output folder, with suffix, `/` between parts.
        sha256: Hexadecimal digest of its bytes.
        size_bytes: Its length.
        mtime_ns: Modification time right after it got its name; size and time together say "unchanged" without reading.
        media_type: E.g. `video/mp4`.
        duration_s: Seconds; None when not looked at or unknown.
        width: Pixels; None when not looked at or no picture.
        height: Pixels; None likewise.
        has_audio: Whether there is a sound stream; None when not looked at.
    """

    path: str
    sha256: str
    size_bytes: int
    mtime_ns: int
    media_type: str
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None

    @property
    def stem(self) -> str:
        """The path without its suffix, as a job spec's `output` names it."""
        return self.path.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job spec's life so far: the current row of the state file.

    A job is known by `id` and `fingerprint` together: when the inputs change, the id gets a new job and the old one stays in
    the history.

    Args:
        id: E.g. `welcome/1042/en`.
        fingerprint: SHA-256 (hexadecimal) of what was asked for.
        uses: `<account>/<operation>` as the manifest says.
        operation: `<type>/<operation>`, e.g. `digital-human/avatar`.
        tags: As the manifest gave them when the job was last touched.
        source_file: Manifest path and line it came from, for people; "" when unknown (imported from the witness).
        source_line: From 1; 0 when unknown.
        state: Where it stands.
        attempt: Which attempt it is at, from 1. Rises only by `Retried`, `Renewed`, `Resubmitted` and `Unpaid`.
        external_id: Our id of the current attempt; None before the first intent.
        request_sha256: Digest of the body of the current attempt.
        request: Its bytes, or None where they hold file content.
        output_stem: Where the result goes, relative to the output folder, without suffix.
        content: The inputs behind the fingerprint, canonical JSON (`JobSpec.content`): to say later what changed; None when unknown.
        reserved: Money set aside for the current attempt; None when unknown or none.
        actual: What it cost; None when unknown.
        units: The same in the provider's units.
        reply: The stored raw reply of the current attempt; None once it was understood.
        task_id: The provider's name for it.
        address: Where the result is; only while downloading.
        outputs: Named outputs.
        output: The delivered file.
        failure: Why it failed, is in doubt or was skipped.
        submitted_at: Unix seconds of the last intent; the other times likewise; None until then.
        accepted_at: When the task id came.
        ready_at: When the result was first seen; fetching a lost file again leaves it.
        done_at: When it reached a terminal state.
    """

    id: str
    fingerprint: str
    uses: str
    operation: str
    tags: tuple[str, ...] = ()
    source_file: str = ""
    source_line: int = 0
    state: State = State.PENDING
    attempt: int = 1
    external_id: str | None = None
    request_sha256: str | None = None
    request: bytes | None = field(default=None, repr=False)
    output_stem: str = ""
    content: str | None = field(default=None, repr=False)
    reserved: Money | None = None
    actual: Money | None = None
    units: str | None = None
    reply: Reply | None = field(default=None, repr=False)
    task_id: str | None = None
    address: str | None = field(default=None, repr=False)
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    output: OutputFile | None = None
    failure: Failure | None = None
    submitted_at: float | None = None
    accepted_at: float | None = None
    ready_at: float | None = None
    done_at: float | None = None

    @property
    def account(self) -> str:
        """The account's name in the manifest."""
        return self.uses.partition("/")[0]

    @property
    def attempts(self) -> int:
        """How many attempts were begun; 0 before the first intent."""
        return self.attempt if self.external_id is not None else self.attempt - 1


def advance(job: Job, event: Event) -> Job:
    """Move a job by an event: the only way there is.

    Args:
        job: The job as it stands.
        event: What happened.

    Returns:
        The job after it, a new value.

    Raises:
        InvalidTransition: `TRANSITIONS` does not list this event for this state.
    """
    state = TRANSITIONS[job.state].get(type(event))
    if state is None:
        raise InvalidTransition(job, event)
    done_at = event.at if state.is_terminal else None
    return replace(job, **{"state": state, "done_at": done_at, **_changes(job, event)})


def _changes(job: Job, event: Event) -> dict[str, Any]:
    """What an event changes in the row beside the state: the table's other half."""
    match event:
        case events.SubmitStarted():
            return {
                "external_id": event.external_id,
                "request_sha256": event.request_sha256,
                "request": event.request,
                "reserved": event.reserved,
                "output_stem": event.output_stem,
                "submitted_at": event.at,
                "reply": None,
                "failure": None,
            }
        case events.ReplyReceived():
            return {"reply": event.reply}
        case events.Accepted() | events.TaskFound() | events.Adopted():
            return {"task_id": event.task_id, "accepted_at": event.at, "reply": None, "failure": None}
        case events.TaskReady():
            return {
                "address": event.address,
                "outputs": event.outputs,
                "actual": event.actual if event.actual is not None else job.actual,
                "units": event.units if event.units is not None else job.units,
                "ready_at": job.ready_at if job.ready_at is not None else event.at,
            }
        case events.Delivered():
            return {"output": event.output, "outputs": _measured(job, event.output), "address": None, "failure": None}
        case events.Recorded():
            # Of another task than ours the state has not seen the submission: the times of ours would make it older or younger.
            is_ours = job.task_id == event.task_id
            return {
                "submitted_at": job.submitted_at if is_ours else None,
                "accepted_at": job.accepted_at if is_ours else None,
                "task_id": event.task_id,
                "output": event.output,
                "outputs": event.outputs,
                "ready_at": event.at,
                "address": None,
                "failure": None,
            }
        case events.Relocated():
            return {"output": event.output, "done_at": job.done_at}
        case events.SubmitLost():  # whatever came as a reply stays: it is all that a person has to decide by
            return {"failure": event.failure}
        case events.Refused() | events.GaveUp() | events.Skipped():
            return {"failure": event.failure, "reply": None}
        case events.TaskFailed() | events.DeliveryFailed():
            return {"failure": event.failure, "address": None, "actual": _charged(job, event)}
        case events.Reopened():
            return {"failure": None, "address": None}
        case events.Retried() | events.Renewed() | events.Resubmitted() | events.Unpaid():
            return {
                "attempt": job.attempt + 1,
                "external_id": None,
                "task_id": None,
                "reply": None,
                "failure": None,
                "reserved": None,
                "actual": None,
                "units": None,
                "submitted_at": None,
                "accepted_at": None,
                "ready_at": None,
            }
        case events.NotSent() | events.NotFound() | events.Requeued() | events.Abandoned():
            return {"reply": None, "failure": None}
        case _:  # an event type that the table lists and this function forgot
            raise InvalidTransition(job, event)


def _charged(job: Job, event: events.TaskFailed | events.DeliveryFailed) -> Money | None:
    """What a job cost that has no file: nothing where the provider says so of its task; else as much as is known so far."""
    if isinstance(event, events.TaskFailed) and event.charged is False and job.reserved is not None:
        return Money(Decimal(0), job.reserved.currency)
    return job.actual


def _measured(job: Job, output: OutputFile | None) -> Mapping[str, Any]:
    """The outputs with the file's own duration where the provider named none."""
    if output is None or output.duration_s is None or "duration_s" in job.outputs:
        return job.outputs
    return {**job.outputs, "duration_s": output.duration_s}
