"""What every implementation of the Store port does. A new one is one more parameter of `open_store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.answers import STORED_BODY_BYTES, Reply
from runner.core.events import Cause, Failure
from runner.core.job import State
from runner.core.money import Money
from runner.core.plan import Standing
from runner.core.ports import Charge
from tests.unit.store.lives import (
    DAY,
    LOST,
    NOON,
    PRICE,
    REFUSED,
    Place,
    accepted,
    delivered,
    intent,
    live,
    move,
    pending,
    ready,
    reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.core.events import Event
    from runner.core.ports import Store
    from runner.store.store import StateStore


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same state, again and again; what was open before is closed first."""
    opened: list[StateStore] = []

    def close() -> None:
        while opened:
            opened.pop().close()

    def open_sqlite() -> Store:
        close()
        opened.append(Place(tmp_path).open())
        return opened[-1]

    yield {"sqlite": open_sqlite}[request.param]
    close()


STORIES: dict[str, tuple[Event, ...]] = {
    "submitting": (intent(),),
    "reply": (intent(), reply()),
    "in doubt": (intent(), events.SubmitLost(at=NOON + 2, failure=LOST)),
    "refused": (intent(), events.Refused(at=NOON + 2, failure=REFUSED)),
    "running": (intent(), reply(), accepted()),
    "downloading": (intent(), reply(), accepted(), ready(actual=Money(Decimal("0.1"), "USD"))),
    "succeeded": (intent(), reply(), accepted(), ready(), delivered()),
    "skipped": (events.Skipped(at=NOON, failure=LOST),),
    "abandoned": (intent(), events.SubmitLost(at=NOON, failure=LOST), events.Abandoned(at=NOON, who="a@b", why="no")),
    "second attempt": (
        intent(),
        accepted(),
        events.TaskFailed(at=NOON, failure=REFUSED),
        events.Retried(at=NOON),
        intent(NOON + 9),
    ),
}


@pytest.mark.parametrize("name", STORIES)
async def test_a_row_comes_back_as_it_was_committed(open_store: Callable[[], Store], name: str) -> None:
    """Every field of a job survives, in every state, also through closing and opening."""
    job = await live(open_store(), pending(tags=("a", "b"), source_file="m.yaml", source_line=7), *STORIES[name])
    assert open_store().rows([job.id]) == {job.id: [job]}


@pytest.mark.parametrize("name", STORIES)
async def test_a_standing_is_what_planning_needs_of_a_row(open_store: Callable[[], Store], name: str) -> None:
    """In every state, a standing has its fields from the row; the account too."""
    job = await live(open_store(), pending(), *STORIES[name])
    (standing,) = open_store().standings([job.id])[job.id]
    assert standing == tuple(getattr(job, field) for field in Standing._fields)
    assert standing.account == job.account


async def test_standings_have_the_keys_and_the_order_of_rows(open_store: Callable[[], Store]) -> None:
    """Every fingerprint of the asked ids, first insertion first; ids of any spelling; what is not there is absent."""
    store = open_store()
    names = ["a", "ü/\U0001f3ac", 'say "hi"', "it's", "100%_\\"]
    for name in names:
        for fingerprint in ("z", "b"):
            await live(store, pending(name, fingerprint), intent())
    asked = [*reversed(names), "absent"]
    rows = store.rows(asked)
    assert {name: [(row.id, row.fingerprint) for row in found] for name, found in rows.items()} == {
        name: [(name, "z"), (name, "b")] for name in names
    }
    assert {name: [(row.id, row.fingerprint) for row in found] for name, found in store.standings(asked).items()} == {
        name: [(name, "z"), (name, "b")] for name in names
    }


async def test_a_move_may_hold_several_events(open_store: Callable[[], Store]) -> None:
    """Several events of one move are one commit."""
    store = open_store()
    step = move(pending(), intent(), accepted(), ready())
    await store.commit(step)
    assert store.rows(["welcome/1"]) == {"welcome/1": [step.after]}


async def test_rows_give_every_fingerprint_and_leave_out_strangers(open_store: Callable[[], Store]) -> None:
    """An id has a row for each fingerprint, in the order of their making; an id without rows is absent."""
    store = open_store()
    old = await live(store, pending(fingerprint="z"), intent())
    new = await live(store, pending(fingerprint="a"), intent(NOON + 5))
    assert store.rows(["welcome/1", "nobody"]) == {"welcome/1": [old, new]}


async def test_a_thousand_ids_are_found_at_once(open_store: Callable[[], Store]) -> None:
    """`rows` takes a thousand ids."""
    store = open_store()
    await asyncio.gather(*(store.commit(move(pending(f"j/{n}"), intent())) for n in range(1000)))
    assert len(store.rows([f"j/{n}" for n in range(1000)])) == 1000


async def test_open_rows_are_those_that_may_be_paid_oldest_first(open_store: Callable[[], Store]) -> None:
    """Submitting, in doubt, running and downloading, by the time of their submission."""
    store = open_store()
    for age, (name, story) in enumerate(STORIES.items()):
        await live(store, pending(name), *(replace(event, at=NOON - age) for event in story))
    assert [job.id for job in store.open_rows()] == [
        "second attempt",
        "downloading",
        "running",
        "in doubt",
        "reply",
        "submitting",
    ]


async def test_all_rows_come_by_id_then_by_first_insertion(open_store: Callable[[], Store]) -> None:
    """More rows than a page holds come complete, ordered, and while others are committed."""
    store = open_store()
    jobs = [pending(f"j/{n:04}", fingerprint) for n in range(1100) for fingerprint in ("z", "a")]
    await asyncio.gather(*(store.commit(move(job, intent())) for job in jobs))
    rows = store.all_rows()
    first = next(rows)
    await live(store, pending("zz"), intent())
    assert [(job.id, job.fingerprint) for job in (first, *rows)][:2200] == [(job.id, job.fingerprint) for job in jobs]


FREE: list[Charge] = [Charge(currency="USD", amount=Decimal(0))]
HELD: list[Charge] = [Charge(currency="USD", amount=Decimal("0.20"))]
DOUBT = events.SubmitLost(at=NOON, failure=LOST)
PAID = Money(Decimal("0.1234567890123456789"), "USD")


@pytest.mark.parametrize(
    ("story", "spent"),
    [
        ((intent(),), HELD),
        ((intent(), events.NotSent(at=NOON, reason="refused")), FREE),
        ((intent(), events.NotSent(at=NOON, reason="refused"), intent(NOON + 1)), HELD),
        ((intent(), DOUBT), HELD),
        ((intent(), DOUBT, events.NotFound(at=NOON)), FREE),
        ((intent(), DOUBT, events.Abandoned(at=NOON, who="a", why="")), HELD),
        ((intent(), events.Refused(at=NOON, failure=REFUSED)), FREE),
        ((intent(), accepted()), HELD),
        ((intent(), accepted(), ready()), HELD),
        ((intent(), accepted(), ready(actual=PAID)), [Charge(currency="USD", amount=PAID.amount)]),
        ((intent(), accepted(), ready(actual=PAID), delivered()), [Charge(currency="USD", amount=PAID.amount)]),
        ((intent(), accepted(), ready(actual=Money(Decimal(3), "EUR"))), [Charge(currency="EUR", amount=Decimal(3))]),
        ((intent(), accepted(), ready(), delivered()), HELD),
        ((intent(), accepted(), events.TaskFailed(at=NOON, failure=REFUSED)), HELD),
        ((intent(), accepted(), events.TaskFailed(at=NOON, failure=REFUSED, charged=True)), HELD),
        ((intent(), accepted(), events.TaskFailed(at=NOON, failure=REFUSED, charged=False)), FREE),
        ((intent(reserved=None),), []),
        ((intent(reserved=None), accepted(), ready(actual=PRICE)), HELD),
        (
            (intent(), DOUBT, events.Resubmitted(at=NOON, who="a", why=""), intent(NOON + 1)),
            [Charge(currency="USD", amount=Decimal("0.40"))],
        ),
        (
            (
                intent(),
                accepted(),
                events.TaskFailed(at=NOON, failure=REFUSED),
                events.Retried(at=NOON),
                intent(NOON + 1),
            ),
            [Charge(currency="USD", amount=Decimal("0.40"))],
        ),
    ],
)
@pytest.mark.parametrize("is_one_move", [False, True])
async def test_the_ledger_follows_the_events(
    open_store: Callable[[], Store], story: tuple[Event, ...], spent: list[Charge], is_one_move: bool
) -> None:
    """What may have been paid counts in full, what was not taken counts nothing, what is known counts as it is."""
    store = open_store()
    if is_one_move:
        await store.commit(move(pending(), *story))
    else:
        await live(store, pending(), *story)
    assert open_store().spent() == spent


async def test_sums_are_exact_and_by_currency(open_store: Callable[[], Store]) -> None:
    """A thousand tenths are a hundred, and currencies are not mixed."""
    store = open_store()
    tenth, euro = Money(Decimal("0.1"), "USD"), Money(Decimal("1e-30"), "EUR")
    moves = [move(pending(f"j/{n}"), intent(reserved=tenth)) for n in range(1000)]
    moves += [move(pending(f"e/{n}"), intent(reserved=euro)) for n in range(3)]
    moves += [move(pending("big"), intent(reserved=Money(Decimal(10) ** 12, "EUR")))]
    await asyncio.gather(*map(store.commit, moves))
    assert store.spent() == [
        Charge(currency="EUR", amount=Decimal("1000000000000.000000000000000000000000000003")),
        Charge(currency="USD", amount=Decimal(100)),
    ]


async def test_a_day_counts_its_own_submissions(open_store: Callable[[], Store]) -> None:
    """The day is that of the submission, in UTC."""
    store = open_store()
    await live(store, pending("a"), intent(NOON))
    await live(store, pending("b"), intent(NOON + 86_400), accepted(at=NOON + 2 * 86_400))
    assert (store.spent(day=DAY), store.spent(day="2023-11-16"), store.spent()) == (
        HELD,
        [],
        [Charge(currency="USD", amount=Decimal("0.40"))],
    )


@pytest.mark.parametrize(
    ("operations", "before", "has_aged"),
    [
        ({"digital-human/avatar"}, NOON + 1, True),
        ({"digital-human/avatar"}, NOON, False),
        ({"kling/tts"}, NOON + 1, False),
        ({"kling/tts", "digital-human/avatar"}, NOON + 1, True),
        (set(), NOON + 1, False),
    ],
)
async def test_only_delivered_jobs_of_the_operations_asked_for_age(
    open_store: Callable[[], Store], operations: set[str], before: float, *, has_aged: bool
) -> None:
    """By the submission; a job that is still open does not count however old it is."""
    store = open_store()
    await live(store, pending("done"), intent(), accepted(), ready(), delivered())
    await live(store, pending("open"), intent(NOON - 1000), accepted())
    assert store.has_aged(operations, before) is has_aged


async def test_what_the_lock_file_tells_ages_from_its_result(open_store: Callable[[], Store]) -> None:
    """Its submission was never seen by this state."""
    store = open_store()
    await live(store, pending("told"), events.Recorded(at=NOON, task_id="t-1", output=None))
    assert store.has_aged(["digital-human/avatar"], NOON + 1)
    assert not store.has_aged(["digital-human/avatar"], NOON)


async def test_what_is_known_from_the_lock_file_alone(open_store: Callable[[], Store]) -> None:
    """A delivered job whose submission the state has not seen, of the operations asked for."""
    store = open_store()
    await live(store, pending("done"), intent(), accepted(), ready(), delivered())
    await live(store, pending("new"))
    assert not store.has_recorded(["digital-human/avatar"])
    await live(store, pending("told"), events.Recorded(at=NOON, task_id="t-1", output=None))
    assert store.has_recorded(["kling/tts", "digital-human/avatar"])
    assert not store.has_recorded(["kling/tts"])
    assert not store.has_recorded([])


async def test_failures_are_found_by_their_code(open_store: Callable[[], Store]) -> None:
    """Whatever stands in their words."""
    store = open_store()
    failure = Failure(cause=Cause.NOT_ACCEPTED, code="P606", message='it said "code":"P307"')
    await live(store, pending("gone"), events.GaveUp(at=NOON, failure=failure))
    assert store.has_failed("P606")
    assert not store.has_failed("P307")


async def test_durations_are_the_latest_of_their_operation_oldest_first(open_store: Callable[[], Store]) -> None:
    """Seconds from acceptance to result, of the asked account and operation only; not of tasks that this state only found."""
    store = open_store()
    for n in range(1, 5):
        at = NOON + 1000 * n
        await live(store, pending(f"j/{n}"), intent(at), accepted(at=at + 1), ready(at=at + 1 + n))
    await live(store, pending("found"), intent(NOON + 8000), accepted(at=NOON + 8000), ready(at=NOON + 8900))
    await live(store, pending("other", uses="kling/avatar"), intent(), accepted(at=NOON), ready(at=NOON + 99))
    await live(store, pending("open"), intent(NOON + 9000), accepted())
    assert store.durations("digital-human/avatar", 3) == [2.0, 3.0, 4.0]


async def test_a_long_reply_is_kept_by_its_beginning(open_store: Callable[[], Store]) -> None:
    """64 KiB of a body are stored, and the reply says that the rest is missing."""
    store = open_store()
    job = await live(store, pending(), intent(), reply(b"x" * (STORED_BODY_BYTES + 1)))
    assert isinstance(job.reply, Reply)
    kept = replace(job.reply, body=b"x" * STORED_BODY_BYTES, truncated=True)
    assert store.rows([job.id])[job.id][0].reply == kept


async def test_many_commit_at_once(open_store: Callable[[], Store]) -> None:
    """Five hundred moves side by side are all there afterwards, each once."""
    store = open_store()
    steps = [move(pending(f"j/{n:03}"), intent(), accepted(f"t-{n}")) for n in range(500)]
    await asyncio.gather(*map(store.commit, steps))
    assert list(open_store().all_rows()) == [step.after for step in steps]


async def test_a_cancelled_commit_is_written_and_then_cancelled(open_store: Callable[[], Store]) -> None:
    """Cancellation reaches the caller after the write has ended, never instead of it."""
    store = open_store()
    for n in range(20):
        step = move(pending(f"j/{n}"), intent())
        task = asyncio.ensure_future(store.commit(step))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert store.rows([step.after.id]) == {step.after.id: [step.after]}


async def test_an_empty_state_answers_everything(open_store: Callable[[], Store]) -> None:
    """Before the first commit there is nothing, and asking is no error."""
    store = open_store()
    assert (
        store.rows(["a"]),
        store.standings(["a"]),
        list(store.open_rows()),
        list(store.all_rows()),
        store.spent(),
        store.durations("a", 5),
    ) == (
        {},
        {},
        [],
        [],
        [],
        [],
    )


def test_the_stories_reach_every_open_state() -> None:
    """The table above covers what recovery must find."""
    reached = {move(pending(), *story).after.state for story in STORIES.values()}
    assert {state for state in State if state.is_paid_and_open} <= reached
