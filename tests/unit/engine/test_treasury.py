"""What counts against budgets, move by move."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core import events
from runner.core.job import Job, State, advance
from runner.core.money import Budget
from runner.core.plan import Action
from runner.core.ports import Move
from runner.engine.submit import new_job
from runner.engine.treasury import Treasury
from runner.engine.worklist import Work
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import spec, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.events import Event
    from runner.core.ports import Charge, Store

TODAY, TOMORROW = "2023-11-14", "2023-11-15"
DAY_S = 86_400.0
FAILURE = events.Failure(cause=None, code="P601", message="lost")


@dataclass(frozen=True, slots=True)
class Ledger:
    """A state that has spent nothing yet, with these open tasks."""

    rows: Sequence[Job] = ()

    def spent(self, *, day: str | None = None) -> Sequence[Charge]:  # noqa: ARG002  on no day either
        """Nothing."""
        return ()

    def open_rows(self) -> Sequence[Job]:
        """Those."""
        return self.rows


def opened(*budgets: Budget, rows: Sequence[Job] = (), expected: str | None = None) -> Treasury:
    """A treasury at the beginning of a run, with a price for tasks that have no reservation."""
    price = None if expected is None else usd(expected)
    return Treasury.open(budgets, cast("Store", Ledger(rows)), today=TODAY, expected=lambda _job: price)


def new(job_id: str = "anna") -> Job:
    """A job that nothing has happened to."""
    return new_job(Work(0, spec(job_id), Action.CREATE, is_new=True))


def intent(reserved: str | None, at: float = EPOCH) -> Event:
    """A submission begins."""
    money = None if reserved is None else usd(reserved)
    return events.SubmitStarted(
        at=at, external_id="x", request_sha256="", request=None, reserved=money, output_stem="x"
    )


def moved(treasury: Treasury, job: Job, *story: Event) -> Job:
    """The job after what happened, the treasury having noted it."""
    after = job
    for event in story:
        after = advance(after, event)
    treasury.note(Move(before=job, events=story, after=after))
    return after


def spent(treasury: Treasury, day: str = TODAY) -> Decimal:
    """What counts against the only budget."""
    (purse,) = treasury.purses
    return purse.spent(day)


ACCEPTED = events.Accepted(at=EPOCH, task_id="t")
ENDS: dict[str, tuple[tuple[Event, ...], str]] = {
    "nothing was sent": ((events.NotSent(at=EPOCH, reason="no"),), "0"),
    "refused": ((events.Refused(at=EPOCH, failure=FAILURE),), "0"),
    "never arrived": ((events.NotFound(at=EPOCH),), "0"),
    "in doubt": ((events.SubmitLost(at=EPOCH, failure=FAILURE),), "0.30"),
    "in doubt, found": (
        (events.SubmitLost(at=EPOCH, failure=FAILURE), events.TaskFound(at=EPOCH, task_id="t")),
        "0.30",
    ),
    "cheaper": ((ACCEPTED, events.TaskReady(at=EPOCH, address=None, actual=usd("0.10"))), "0.10"),
    "dearer": ((ACCEPTED, events.TaskReady(at=EPOCH, address=None, actual=usd("0.50"))), "0.50"),
    "of unknown cost": ((ACCEPTED, events.TaskReady(at=EPOCH, address=None)), "0.30"),
    "failed": ((ACCEPTED, events.TaskFailed(at=EPOCH, failure=FAILURE)), "0.30"),
    "failed and not charged": ((ACCEPTED, events.TaskFailed(at=EPOCH, failure=FAILURE, charged=False)), "0"),
    "out of credit": ((ACCEPTED, events.Unpaid(at=EPOCH, failure=FAILURE)), "0"),
    "signed again": ((events.NotSent(at=EPOCH, reason="stale"), intent("0.30")), "0.30"),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("reserved", ["0.30", None])
def test_each_end_of_a_submission_leaves_what_is_owed(name: str, reserved: str | None) -> None:
    """Moved in one step or in many; reserved, or assumed at the same price for a task of an earlier run."""
    story, left = ENDS[name]
    job = new()
    rows = [advance(job, intent(None))] if reserved is None else []
    in_steps, at_once = (opened(Budget(usd("1.00")), rows=rows, expected="0.30") for _ in range(2))
    if reserved is not None:
        at_once_story: tuple[Event, ...] = (intent(reserved), *story)
        moved(at_once, job, *at_once_story)
        job = moved(in_steps, job, intent(reserved))
    else:
        job = rows[0]
        moved(at_once, job, *story)
    for event in story:
        job = moved(in_steps, job, event)
    assert spent(in_steps) == spent(at_once) == Decimal(left)


def test_what_is_held_counts_on_every_day() -> None:
    """A job whose turn comes before midnight may be sent after it; from its intent on it counts on that day alone."""
    treasury = opened(Budget(usd("1.00"), per_day=True))
    assert treasury.reserve(spec("anna"), usd("0.60"), TODAY) is None
    assert treasury.reserve(spec("ben"), usd("0.60"), TOMORROW) is not None
    moved(treasury, new(), intent("0.60", at=EPOCH + DAY_S))
    assert (spent(treasury), spent(treasury, TOMORROW)) == (Decimal(0), Decimal("0.60"))
    assert treasury.reserve(spec("ben"), usd("0.60"), TODAY) is None


def test_letting_go_twice_gives_back_once() -> None:
    """What an intent has made of a held amount is not given back with it."""
    treasury = opened(Budget(usd("1.00")))
    treasury.reserve(spec("anna"), usd("0.60"), TODAY)
    moved(treasury, new(), intent("0.60"))
    for _ in range(2):
        treasury.let_go(spec("anna"))
    assert treasury.reserve(spec("ben"), usd("0.41"), TODAY) is not None
    assert treasury.reserve(spec("ben"), usd("0.40"), TODAY) is None


def test_what_belongs_to_another_day_is_no_help() -> None:
    """A task that was submitted yesterday can free nothing of today's budget; one of today's can, up to what it holds."""
    today, yesterday = (advance(new(name), intent("0.80", at=at)) for name, at in (("a", EPOCH), ("b", EPOCH - DAY_S)))
    treasury = opened(Budget(usd("1.00"), per_day=True))
    moved(treasury, new("a"), intent("0.80"))
    assert not treasury.may_fit(usd("0.50"), TODAY, [yesterday])
    assert treasury.may_fit(usd("0.50"), TODAY, [yesterday, today])
    assert not treasury.may_fit(usd("1.01"), TODAY, [today])
    assert not treasury.may_fit(None, TODAY, [today])


def test_a_job_from_the_lock_file_has_no_line() -> None:
    """It was paid by another state: that it is fetched again, whatever it cost, moves no money here, as it moves none in the ledger."""
    treasury = opened(Budget(usd("1.00")))
    job = advance(new(), events.Recorded(at=EPOCH, task_id="t", output=None))
    job = moved(treasury, job, events.Reopened(at=EPOCH, reason="gone"))
    moved(treasury, job, events.TaskReady(at=EPOCH, address=None, actual=usd("0.50")))
    assert spent(treasury) == 0


def test_a_renewed_attempt_counts_beside_the_one_before() -> None:
    """Both were paid."""
    treasury = opened(Budget(usd("1.00")))
    story = (intent("0.30"), ACCEPTED, events.TaskReady(at=EPOCH, address=None, actual=usd("0.20")))
    job = moved(treasury, new(), *story, events.Delivered(at=EPOCH, output=None))
    moved(treasury, job, events.Renewed(at=EPOCH), intent("0.40"))
    assert spent(treasury) == Decimal("0.60")


STEPS = st.sampled_from(["reserve", "send", "settle", "release", "doubt", "let go"])


@given(
    limits=st.lists(st.integers(0, 1000), min_size=1, max_size=3),
    steps=st.lists(st.tuples(STEPS, st.integers(0, 300), st.integers(0, 300)), max_size=60),
)
def test_no_budget_is_exceeded_by_what_is_reserved_and_settled(
    limits: list[int], steps: list[tuple[str, int, int]]
) -> None:
    """Whatever is reserved, sent, settled for no more than that, given back or left in doubt: every limit holds, and the strictest decides."""
    treasury = opened(*(Budget(usd(str(limit))) for limit in limits))
    amounts: dict[str, int] = {}
    jobs: dict[str, Job] = {}
    total = 0
    for number, (step, amount, pick) in enumerate(steps):
        job_id = f"j{pick % (len(amounts) or 1)}" if step != "reserve" else f"j{len(amounts)}"
        state = jobs[job_id].state if job_id in jobs else None
        if step == "reserve":
            fits = total + amount <= min(limits)
            assert (treasury.reserve(spec(job_id), usd(str(amount)), TODAY) is None) is fits
            if fits:
                amounts[job_id], jobs[job_id] = amount, new(job_id)
                total += amount
        elif step == "send" and state is State.PENDING and (job_id in {it for it, _ in treasury.held}):
            jobs[job_id] = moved(treasury, jobs[job_id], intent(str(amounts[job_id]), at=EPOCH + number))
        elif step == "let go" and job_id in {it for it, _ in treasury.held}:
            treasury.let_go(spec(job_id))
            total -= amounts[job_id]
        elif state is State.SUBMITTING and step in ("settle", "release", "doubt"):
            cost = {"settle": min(amount, amounts[job_id]), "release": 0, "doubt": amounts[job_id]}[step]
            ready = events.TaskReady(at=EPOCH, address=None, actual=usd(str(cost)))
            story: dict[str, tuple[Event, ...]] = {"settle": (ACCEPTED, ready), "release": ENDS["never arrived"][0]}
            jobs[job_id] = moved(treasury, jobs[job_id], *story.get(step, ENDS["in doubt"][0]))
            total += cost - amounts[job_id]
        held = sum(treasury.held.values(), Decimal(0))
        assert {purse.spent(TODAY) + held for purse in treasury.purses} == {Decimal(total)}
        assert total <= min(limits)
