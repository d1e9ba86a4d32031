"""The import rule over many random lives: whatever of a life the state has kept, the witness makes up for the rest."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.job import TRANSITIONS, Job, State, advance
from runner.core.ports import Move
from runner.store.knowledge import Knowledge, encode_lines
from runner.store.reconcile import Known, catch_up
from tests.unit.store.lives import LOST, NOON, PRICE, REFUSED, pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.events import Event

KEY = ("welcome/1", "f1")


def possible(job: Job, at: float) -> dict[type[Event], Event]:
    """Every event that may really befall the job: one task an attempt, no task without a submission."""
    who: dict[str, Any] = {"at": at, "who": "ann@desk", "why": ""}
    story: dict[type[Event], Event] = {
        events.SubmitStarted: events.SubmitStarted(
            at=at, external_id="own", request_sha256="cd", request=None, reserved=PRICE, output_stem="o"
        ),
        events.NotSent: events.NotSent(at=at, reason="x"),
        events.NotFound: events.NotFound(at=at),
        events.Accepted: events.Accepted(at=at, task_id=f"t-{job.attempt}"),
        events.TaskFound: events.TaskFound(at=at, task_id=f"t-{job.attempt}"),
        events.Adopted: events.Adopted(task_id=f"t-{job.attempt}", **who),
        events.SubmitLost: events.SubmitLost(at=at, failure=LOST),
        events.Refused: events.Refused(at=at, failure=REFUSED),
        events.GaveUp: events.GaveUp(at=at, failure=REFUSED),
        events.Abandoned: events.Abandoned(**who),
        events.Resubmitted: events.Resubmitted(**who),
        events.TaskReady: events.TaskReady(at=at, address="https://x/y"),
        events.TaskFailed: events.TaskFailed(at=at, failure=REFUSED),
        events.Delivered: events.Delivered(at=at, output=None),
        events.DeliveryFailed: events.DeliveryFailed(at=at, failure=REFUSED),
        events.Retried: events.Retried(at=at),
        events.Renewed: events.Renewed(at=at),
        events.Reopened: events.Reopened(at=at, reason="x"),
        events.Requeued: events.Requeued(at=at),
    }
    barred: set[type[Event]] = set()
    if job.state is State.PENDING:
        barred |= {events.TaskFound, events.SubmitLost, events.Refused}
    barred.add(events.Reopened if job.task_id is None else events.Requeued)
    return {kind: story[kind] for kind in TRANSITIONS[job.state] if kind in story and kind not in barred}


def walk(random: Random, name: str = KEY[0]) -> Sequence[Move]:
    """A life: up to twelve moves."""
    job, moves = pending(name), []
    for step in range(random.randint(1, 12)):
        choices = list(possible(job, NOON + step).values())
        if not choices:
            break
        event = random.choice(choices)
        moves.append(Move(before=job, events=(event,), after=advance(job, event)))
        job = moves[-1].after
    return moves


def hear(moves: Sequence[Move]) -> Knowledge:
    """What the witness says of these moves."""
    heard = Knowledge()
    heard.hear(json.loads(line) for move in moves for line in encode_lines(move))
    return heard


def known(moves: Sequence[Move]) -> Known:
    """What a state knows that has kept these moves."""
    intents = {move.events[0].at for move in moves if isinstance(move.events[0], events.SubmitStarted)}
    return Known(moves[-1].after if moves else None, intents)


def bring(state: Known, heard: Knowledge) -> Known:
    """The state after the import."""
    row, intents = state.row, set(state.intents)
    for key, last in heard.latest():
        move = catch_up(key, state, last)
        if move is not None:
            row = move.after
            intents |= {event.at for event in move.events if isinstance(event, events.SubmitStarted)}
    return Known(row, intents)


def assert_safe(truth: Job, row: Job | None) -> None:
    """Nothing that may be paid is free to be submitted again, and no task id is lost."""
    if truth.external_id is None:
        return
    if truth.task_id is not None:
        assert row is not None
        assert (row.attempt, row.task_id) == (truth.attempt, truth.task_id)
    if truth.state in (State.SUBMITTING, State.IN_DOUBT):
        assert row is not None
        assert row.state in (State.SUBMITTING, State.IN_DOUBT)
        assert row.attempt == truth.attempt
    if truth.state is State.CANCELLED:
        assert row is not None
        assert row.state is State.CANCELLED


@pytest.mark.parametrize("seed", range(8))
def test_a_state_rolled_back_to_any_moment_is_made_safe(seed: int) -> None:
    """For random lives and every moment of them: the import is legal, safe and idempotent, from the mark on and from the start."""
    random = Random(seed)
    for _ in range(40):
        moves = walk(random)
        for kept in range(len(moves) + 1):
            # The mark that a commit stores lies before its own lines, so its last move is always heard again.
            for start in {0, max(0, kept - 1)}:
                heard = hear(moves[start:])
                after = bring(known(moves[:kept]), heard)
                assert_safe(moves[-1].after, after.row)
                assert bring(after, heard) == after


@pytest.mark.parametrize("seed", range(8))
def test_a_witness_rolled_back_to_any_moment_changes_nothing(seed: int) -> None:
    """A state that has everything learns nothing from a witness that has only the beginning."""
    random = Random(seed)
    for _ in range(40):
        moves = walk(random)
        state = known(moves)
        for kept in range(len(moves) + 1):
            assert bring(state, hear(moves[:kept])) == state
