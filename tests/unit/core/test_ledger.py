"""What a move does to the money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.job import Job, advance
from runner.core.ledger import Line, Reserve, Settle, changes, line_of
from runner.core.money import Money
from runner.core.ports import Move

if TYPE_CHECKING:
    from runner.core.events import Event

NOON = 1_700_000_000.0
TODAY = "2023-11-14"
NEW = Job(id="anna", fingerprint="f1", uses="kling/avatar", operation="kling/avatar")
ACCEPTED = events.Accepted(at=NOON, task_id="t")
RECORDED = events.Recorded(at=NOON, task_id="t", output=None)
REOPENED = events.Reopened(at=NOON, reason="gone")


def usd(amount: str) -> Money:
    """An amount in dollars."""
    return Money(Decimal(amount), "USD")


def intent(at: float = NOON) -> Event:
    """A submission begins, 0.30 reserved."""
    return events.SubmitStarted(
        at=at, external_id="x", request_sha256="", request=None, reserved=usd("0.30"), output_stem="x"
    )


def ready(actual: str | None) -> Event:
    """The result is there."""
    return events.TaskReady(at=NOON, address=None, actual=None if actual is None else usd(actual))


def after(*story: Event) -> Job:
    """The job after a story."""
    job = NEW
    for event in story:
        job = advance(job, event)
    return job


def move(before: Job, *story: Event) -> Move:
    """A move, of which the ledger only looks at the beginning and the events."""
    return Move(before=before, events=story, after=before)


def test_a_line_holds_what_is_settled_else_what_is_reserved() -> None:
    """A result of unknown cost leaves the reservation; a task that is asked for again still has what it cost."""
    assert line_of(after(intent(), ACCEPTED)) == Line(1, usd("0.30"), TODAY)
    assert line_of(after(intent(), ACCEPTED, ready(None))) == Line(1, usd("0.30"), TODAY)
    delivered = (intent(), ACCEPTED, ready("0.10"), events.Delivered(at=NOON, output=None))
    assert line_of(after(*delivered)) is None
    assert line_of(after(*delivered, REOPENED)) == Line(1, usd("0.10"), TODAY)


def test_a_line_is_of_the_day_of_its_submission() -> None:
    """Whenever its task ends."""
    line = line_of(after(intent(NOON - 86_400.0), ACCEPTED))
    assert line is not None
    assert line.day == "2023-11-13"


def test_a_task_that_another_state_has_paid_costs_nothing_here() -> None:
    """The lock file tells of it; also where this state has an own line for the job, which stays as it is."""
    failure = events.Failure(cause=None, code="P601", message="no")
    ours_too = (intent(), events.NotSent(at=NOON, reason="no"), events.GaveUp(at=NOON, failure=failure))
    for story in ((RECORDED, REOPENED), (*ours_too, events.Requeued(at=NOON), RECORDED, REOPENED)):
        job = after(*story)
        assert line_of(job) is None
        assert changes(move(job, ready("0.50"))) == []


def test_each_attempt_has_its_own_line() -> None:
    """A move that ends one attempt and begins the next changes both."""
    running = after(intent(), ACCEPTED)
    unpaid = events.Unpaid(at=NOON, failure=events.Failure(cause=None, code="P601", message="no"))
    assert changes(move(running, unpaid, intent())) == [Settle(1, None), Reserve(2, usd("0.30"), TODAY)]
