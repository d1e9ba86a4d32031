"""The life of a job: the table, and that nothing moves beside it."""

import dataclasses
import itertools

import pytest

from runner.core import events
from runner.core.answers import Reply
from runner.core.errors import InvalidTransition
from runner.core.events import Cause, Event, Failure
from runner.core.job import TRANSITIONS, Job, OutputFile, State, advance

FAILURE = Failure(cause=Cause.REFUSED, code="P201", message="no face")
EVENTS: tuple[Event, ...] = (
    events.SubmitStarted(at=1, external_id="cs-1", request_sha256="d", request=b"{}", reserved=None, output_stem="a"),
    events.ReplyReceived(at=2, reply=Reply(200, {}, b"{}")),
    events.NotSent(at=2, reason="refused"),
    events.GaveUp(at=2, failure=FAILURE),
    events.Accepted(at=3, task_id="t1"),
    events.SubmitLost(at=3, failure=FAILURE),
    events.Refused(at=3, failure=FAILURE),
    events.TaskFound(at=3, task_id="t1"),
    events.NotFound(at=3),
    events.TaskReady(at=4, address="https://cdn.example.com/v.mp4"),
    events.TaskFailed(at=4, failure=FAILURE),
    events.Unpaid(at=4, failure=FAILURE),
    events.Delivered(
        at=5, output=OutputFile(path="a.mp4", sha256="s", size_bytes=1, mtime_ns=1, media_type="video/mp4")
    ),
    events.Recorded(
        at=5,
        task_id="t1",
        output=OutputFile(path="a.mp4", sha256="s", size_bytes=1, mtime_ns=1, media_type="video/mp4"),
    ),
    events.Relocated(
        at=5, output=OutputFile(path="b.mp4", sha256="s", size_bytes=1, mtime_ns=1, media_type="video/mp4")
    ),
    events.DeliveryFailed(at=5, failure=FAILURE),
    events.Skipped(at=5, failure=FAILURE),
    events.Requeued(at=6),
    events.Retried(at=6),
    events.Renewed(at=6),
    events.Reopened(at=6, reason="missing"),
    events.Adopted(at=6, who="a@b", why="", task_id="t1"),
    events.Resubmitted(at=6, who="a@b", why=""),
    events.Abandoned(at=6, who="a@b", why=""),
)
KINDS = {type(event): event for event in EVENTS}


def job(state: State = State.PENDING) -> Job:
    """A job that stands somewhere."""
    return Job(id="a", fingerprint="f", uses="digital-human/avatar", operation="digital-human/avatar", state=state)


def test_every_state_has_a_written_row() -> None:
    """The table names every state, the terminal ones too."""
    assert set(TRANSITIONS) == set(State)


def test_every_concrete_event_can_happen_somewhere() -> None:
    """An event that no row lists would be dead code."""
    concrete = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)}
    listed = set().union(*TRANSITIONS.values())
    assert listed == concrete - {Event, events.Decision} == set(KINDS)


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(State, KINDS)))
def test_a_job_moves_exactly_as_the_table_says(state: State, kind: type[Event]) -> None:
    """For every state and event: the listed state, or an error that tells the job's story."""
    expected = TRANSITIONS[state].get(kind)
    if expected is None:
        with pytest.raises(InvalidTransition, match=kind.__name__):
            advance(job(state), KINDS[kind])
    else:
        assert advance(job(state), KINDS[kind]).state is expected


def test_what_a_provider_may_hold_is_never_dropped_without_its_word_or_a_persons() -> None:
    """From an open, possibly paid state the way back to pending needs a known non-acceptance, the provider's "no money", or a decision."""
    ways = {
        (state, kind)
        for state in State
        if state.is_paid_and_open
        for kind, after in TRANSITIONS[state].items()
        if after is State.PENDING
    }
    assert ways == {
        (State.SUBMITTING, events.NotSent),
        (State.SUBMITTING, events.NotFound),
        (State.IN_DOUBT, events.NotFound),
        (State.IN_DOUBT, events.Resubmitted),
        (State.RUNNING, events.Unpaid),
    }


def test_attempts_rise_only_by_the_providers_failure_or_a_persons_word() -> None:
    """No other event changes the attempt, so the deterministic id of a lost submission stays the same."""
    rising = {
        kind
        for state in State
        for kind, event in KINDS.items()
        if kind in TRANSITIONS[state] and advance(job(state), event).attempt != 1
    }
    assert rising == {events.Retried, events.Renewed, events.Resubmitted, events.Unpaid}


def test_a_whole_life_keeps_its_facts() -> None:
    """From intent to file: ids, times and the output stand in the row; the reply and the address do not outlive their use."""
    moved = job()
    for kind in (events.SubmitStarted, events.ReplyReceived, events.Accepted, events.TaskReady, events.Delivered):
        moved = advance(moved, KINDS[kind])
    assert moved.state is State.SUCCEEDED
    assert (moved.external_id, moved.task_id, moved.attempts) == ("cs-1", "t1", 1)
    assert (moved.submitted_at, moved.accepted_at, moved.ready_at, moved.done_at) == (1, 3, 4, 5)
    assert moved.reply is None
    assert moved.address is None
    assert moved.output is not None


def test_jobs_are_values() -> None:
    """A moved job is a new one; the old one can still be told from it."""
    before = job()
    advance(before, KINDS[events.SubmitStarted])
    assert before == job()
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.state = State.RUNNING  # type: ignore[misc]
