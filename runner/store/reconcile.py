"""When the second witness knows more than the state, the state was lost or rolled back: what the witness knows is replayed.

    last attempt in the witness     the state has                                   replayed
    accepted                        no row, an earlier attempt                      SubmitStarted, TaskFound
                                    pending, failed, skipped at this attempt        (Requeued,) SubmitStarted, TaskFound
                                    submitting, in_doubt                            TaskFound
                                    this task id, or a later attempt                nothing
                                    another task id at this attempt                 refused: the two files do not belong together
    intent without an end           no row, an earlier attempt; an attempt whose    (Requeued,) SubmitStarted, SubmitLost
                                    history lacks this intent
                                    submitting, its history lacks this intent       SubmitLost
                                    anything else                                   nothing
    not accepted                    submitting / in_doubt at this attempt           NotSent / NotFound
                                    an earlier attempt; no row for a later one      SubmitStarted, NotSent
                                    anything else                                   nothing: nothing runs, nothing is owed
    abandoned, resubmitted          as an intent without an end, or in_doubt        … and then the decision

Ordinary events through `advance`, so that the ledger and the history follow by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.core import events
from runner.core.codes import Code
from runner.core.error_codes import ErrorCode
from runner.core.errors import StateUnusable
from runner.core.events import Failure
from runner.core.job import Job, State, advance
from runner.core.ports import Move
from runner.store.knowledge import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.core.events import Event
    from runner.store.knowledge import Submission

_WHY: Final = "read back from submissions.jsonl"
_LOST: Final = Failure(
    cause=None,
    code=Code.IN_DOUBT,
    message="submissions.jsonl knows of this submission and the state had lost it: nobody can tell whether it was accepted",
)
_AT_REST: Final = (State.FAILED, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class Known:
    """What the state knows of a job.

    Args:
        row: Its row, or None.
        intents: Times of all intents in its history.
    """

    row: Job | None
    intents: Collection[float]


def catch_up(key: tuple[str, str], known: Known, last: Submission) -> Move | None:
    """The move that brings a job's row to what the witness knows.

    Args:
        key: Job id and fingerprint.
        known: What the state knows.
        last: The witness's last attempt.

    Returns:
        The move; None when the state knows as much or more.

    Raises:
        StateUnusable: Witness and state name different tasks for one attempt.
    """
    row = known.row
    if row is not None and row.attempt > last.attempt:
        return None
    if row is None and last.attempt == 1 and last.outcome is Outcome.NOT_ACCEPTED:
        return None
    if row is None or row.attempt < last.attempt:
        if last.submitted_at is None:
            return None
        return _move(_blank(key, row, last), _story(last))
    if last.task_id is not None:
        return _catch_up_accepted(row, last)
    return _catch_up_intent(row, known.intents, last)


def _catch_up_accepted(row: Job, last: Submission) -> Move | None:
    if row.task_id is not None:
        if row.task_id != last.task_id:
            raise StateUnusable(
                f"submissions.jsonl names task {last.task_id} for attempt {last.attempt} of job `{row.id}`, the state names "
                f"{row.task_id}: the two files do not belong together",
                next_step="Put back the pair that belongs together, or move submissions.jsonl away to go on with the state alone.",
                code=ErrorCode.STATE_MISMATCH,
            )
        return None
    if row.state is State.CANCELLED:
        return None
    if row.state in (State.SUBMITTING, State.IN_DOUBT):
        return _move(row, [_found(last)])
    return _move(row, [*_requeued(row, last), *_story(last)])


def _catch_up_intent(row: Job, intents: Collection[float], last: Submission) -> Move | None:
    if last.outcome is Outcome.NOT_ACCEPTED:
        return _release(row, last)
    decision = _decision(last)
    if row.state is State.IN_DOUBT:
        return _move(row, decision)
    if last.submitted_at is None or last.submitted_at in intents:
        return _move(row, [_lost(last), *decision]) if decision and row.state is State.SUBMITTING else None
    if row.state is State.SUBMITTING:
        # Its stored reply, if any, answers an earlier intent than the one that the witness saw.
        return _move(row, [_lost(last), *decision])
    if row.state is State.PENDING or row.state in _AT_REST:
        return _move(row, [*_requeued(row, last), *_story(last)])
    return None


def _release(row: Job, last: Submission) -> Move | None:
    """Undo a doubt that the witness saw settled; a submission later than that one stays in doubt."""
    if last.submitted_at not in (None, row.submitted_at):
        return None
    if row.state is State.SUBMITTING:
        return _move(row, [events.NotSent(at=_ended_at(last), reason=_WHY)])
    if row.state is State.IN_DOUBT:
        return _move(row, [events.NotFound(at=_ended_at(last))])
    return None


def _blank(key: tuple[str, str], row: Job | None, last: Submission) -> Job:
    """The job right before the witness's last attempt; of the ways that led there the state knows nothing."""
    return Job(
        id=key[0],
        fingerprint=key[1],
        uses=last.uses,
        operation=last.operation,
        tags=() if row is None else row.tags,
        source_file="" if row is None else row.source_file,
        source_line=0 if row is None else row.source_line,
        attempt=last.attempt,
    )


def _story(last: Submission) -> Sequence[Event]:
    """An attempt's events from a pending job on."""
    started = events.SubmitStarted(
        at=_began_at(last),
        external_id=last.external_id,
        request_sha256=last.request_sha256,
        request=None,
        reserved=last.reserved,
        output_stem=last.output_stem,
    )
    if last.task_id is not None:
        return [started, _found(last)]
    if last.outcome is Outcome.NOT_ACCEPTED:
        return [started, events.NotSent(at=_ended_at(last), reason=_WHY)]
    return [started, _lost(last), *_decision(last)]


def _requeued(row: Job, last: Submission) -> Sequence[Event]:
    return [events.Requeued(at=_began_at(last))] if row.state in _AT_REST else []


def _found(last: Submission) -> Event:
    assert last.task_id is not None
    assert last.accepted_at is not None
    return events.TaskFound(at=last.accepted_at, task_id=last.task_id)


def _lost(last: Submission) -> Event:
    return events.SubmitLost(at=_began_at(last), failure=_LOST)


def _decision(last: Submission) -> Sequence[Event]:
    at = _ended_at(last)
    match last.outcome:
        case Outcome.ABANDONED:
            return [events.Abandoned(at=at, who=last.who, why=_WHY)]
        case Outcome.RESUBMITTED:
            return [events.Resubmitted(at=at, who=last.who, why=_WHY)]
        case _:
            return []


def _began_at(last: Submission) -> float:
    """When the last intent was; its end where only that was heard."""
    return _ended_at(last) if last.submitted_at is None else last.submitted_at


def _ended_at(last: Submission) -> float:
    """When the attempt ended, as far as known."""
    at = last.submitted_at if last.closed_at is None else last.closed_at
    assert at is not None, "a submission was heard of by its intent, its acceptance or its end"
    return at


def _move(before: Job, story: Sequence[Event]) -> Move | None:
    if not story:
        return None
    after = before
    for event in story:
        after = advance(after, event)
    return Move(before=before, events=tuple(story), after=after)
