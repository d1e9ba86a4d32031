"""What the second witness says about a move, and what its lines say about an attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from runner.core import events
from runner.core.ledger import numbered
from runner.core.money import Money
from runner.store.rows import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.core.events import Event
    from runner.core.job import Job
    from runner.core.ports import Move

_KEY: Final = frozenset({"job", "fingerprint", "attempt", "at"})
_FACTS: Final = frozenset(
    {"uses", "operation", "external_id", "request_sha256", "output_stem", "reserved", "submitted_at"}
)
KINDS: Final[Mapping[str, frozenset[str]]] = {
    "intent": _KEY | _FACTS,
    "accepted": _KEY | _FACTS | {"task_id"},
    "closed": _KEY | {"outcome"},
    "renamed": frozenset({"job", "fingerprint", "at", "to"}),
    "repair": frozenset(),
}
"""The fields that a line of each kind has, besides `batch`."""

REPAIR: Final = '{"kind":"repair"}'


class Outcome(StrEnum):
    """How an attempt ended, as far as the provider may have taken it."""

    NOT_ACCEPTED = "not_accepted"
    """The provider has not taken it: nothing runs, nothing is owed."""
    FINISHED = "finished"
    """The task has ended."""
    ABANDONED = "abandoned"
    """A person gave a doubt up."""
    RESUBMITTED = "resubmitted"
    """A person allowed another submission in spite of a doubt."""


@dataclass(slots=True, kw_only=True)
class Submission:
    """What a witness knows of one attempt: its last intent, and what came of it.

    Args:
        attempt: Which, from 1.
        uses: As the job has it; the next five likewise.
        submitted_at: Unix seconds of the last intent; names it among the attempt's intents. None when only the attempt's end was
            heard: its beginning lies before the mark, so the state knows it.
        task_id: The task that was accepted, or None.
        accepted_at: Unix seconds, or None.
        outcome: How it ended, or None.
        closed_at: Unix seconds, or None.
        settled: What it cost, where the provider said so.
        who: Who decided, for a decision.
    """

    attempt: int
    uses: str = ""
    operation: str = ""
    external_id: str = ""
    request_sha256: str = ""
    output_stem: str = ""
    reserved: Money | None = None
    submitted_at: float | None = None
    task_id: str | None = None
    accepted_at: float | None = None
    outcome: Outcome | None = None
    closed_at: float | None = None
    settled: Money | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A job that has another id than before.

    Args:
        old: The id that it had.
        fingerprint: Which of that id's jobs.
        new: The id that it has.
        at: When it was renamed, in Unix seconds.
    """

    old: str
    fingerprint: str
    new: str
    at: float


@dataclass(slots=True)
class Knowledge:
    """What one or more witness files say, by job and attempt; and the renames, in order."""

    attempts: dict[tuple[str, str], dict[int, Submission]] = field(default_factory=dict)
    renames: list[Renamed] = field(default_factory=list)

    def hear(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take in the lines of a file, in order."""
        for line in lines:
            if line["kind"] == "renamed":
                self._rename(Renamed(line["job"], line["fingerprint"], line["to"], line["at"]))
                continue
            known = self.attempts.setdefault((line["job"], line["fingerprint"]), {})
            if line["kind"] == "closed":
                _close(known.setdefault(line["attempt"], Submission(attempt=line["attempt"])), line)
            else:
                known[line["attempt"]] = _submission(line)

    def latest(self) -> Iterable[tuple[tuple[str, str], Submission]]:
        """The last attempt of every job: `((job id, fingerprint), submission)`."""
        return ((key, attempts[max(attempts)]) for key, attempts in self.attempts.items() if attempts)

    def _rename(self, renamed: Renamed) -> None:
        """What was heard of the old id belongs to the new one."""
        self.renames.append(renamed)
        before = self.attempts.pop((renamed.old, renamed.fingerprint), None)
        if before is not None:
            after = self.attempts.setdefault((renamed.new, renamed.fingerprint), {})
            after.update({attempt: known for attempt, known in before.items() if attempt not in after})


def encode_lines(move: Move) -> Sequence[str]:
    """The lines that a move gives to the witness: JSON objects in ASCII, without their batch."""
    return [encode_json(line) for attempt, event in numbered(move) if (line := _line(attempt, event, move.after))]


def encode_found(move: Move) -> Sequence[str]:
    """Only the lines of a move that hold a task id: what must not be lost when the state cannot be written."""
    return [
        encode_json(_accepted(attempt, event, move.after))
        for attempt, event in numbered(move)
        if isinstance(event, events.Accepted | events.TaskFound | events.Adopted)
    ]


def encode_renamed(renamed: Renamed) -> str:
    """The line of a rename, without its batch."""
    facts = {"job": renamed.old, "fingerprint": renamed.fingerprint, "at": renamed.at, "to": renamed.new}
    return encode_json({"kind": "renamed"} | facts)


def _line(attempt: int, event: Event, job: Job) -> dict[str, Any] | None:
    match event:
        case events.SubmitStarted():
            return _intent(attempt, event, job)
        case events.Accepted() | events.TaskFound() | events.Adopted() | events.Recorded():
            return _accepted(attempt, event, job)
        case events.NotSent() | events.NotFound() | events.Refused():
            return _closed(attempt, event, job, Outcome.NOT_ACCEPTED)
        case events.Unpaid() | events.TaskFailed(charged=False):
            settled = _encode_money(Money(Decimal(0), ""))
            return _closed(attempt, event, job, Outcome.FINISHED) | {"settled": settled}
        case events.Delivered() | events.TaskFailed():
            return _closed(attempt, event, job, Outcome.FINISHED) | {"settled": _encode_money(job.actual)}
        case events.Abandoned():
            return _closed(attempt, event, job, Outcome.ABANDONED) | {"who": event.who}
        case events.Resubmitted():
            return _closed(attempt, event, job, Outcome.RESUBMITTED) | {"who": event.who}
        case _:
            return None


def _head(kind: str, attempt: int, event: Event, job: Job) -> dict[str, Any]:
    return {"kind": kind, "job": job.id, "fingerprint": job.fingerprint, "attempt": attempt, "at": event.at}


def _intent(attempt: int, event: events.SubmitStarted, job: Job) -> dict[str, Any]:
    return _head("intent", attempt, event, job) | {
        "uses": job.uses,
        "operation": job.operation,
        "external_id": event.external_id,
        "request_sha256": event.request_sha256,
        "output_stem": event.output_stem,
        "reserved": _encode_money(event.reserved),
        "submitted_at": event.at,
    }


def _accepted(
    attempt: int, event: events.Accepted | events.TaskFound | events.Adopted | events.Recorded, job: Job
) -> dict[str, Any]:
    return _head("accepted", attempt, event, job) | {
        "uses": job.uses,
        "operation": job.operation,
        "external_id": job.external_id,
        "request_sha256": job.request_sha256,
        "output_stem": job.output_stem,
        "reserved": _encode_money(job.reserved),
        "submitted_at": job.submitted_at,
        "task_id": event.task_id,
    }


def _closed(attempt: int, event: Event, job: Job, outcome: Outcome) -> dict[str, Any]:
    return _head("closed", attempt, event, job) | {"outcome": outcome.value}


def _submission(line: Mapping[str, Any]) -> Submission:
    submission = Submission(
        attempt=line["attempt"],
        uses=line["uses"],
        operation=line["operation"],
        external_id=line["external_id"] or "",
        request_sha256=line["request_sha256"] or "",
        output_stem=line["output_stem"],
        reserved=_decode_money(line["reserved"]),
        submitted_at=line["at"] if line["submitted_at"] is None else line["submitted_at"],
    )
    if line["kind"] == "accepted":
        submission.task_id, submission.accepted_at = line["task_id"], line["at"]
    return submission


def _close(submission: Submission, line: Mapping[str, Any]) -> None:
    submission.outcome = Outcome(line["outcome"])
    submission.closed_at = line["at"]
    submission.settled = _decode_money(line.get("settled"))
    submission.who = line.get("who", "")


def _encode_money(money: Money | None) -> list[str] | None:
    return None if money is None else [str(money.amount), money.currency]


def _decode_money(pair: Sequence[str] | None) -> Money | None:
    return None if pair is None else Money(Decimal(pair[0]), pair[1])
