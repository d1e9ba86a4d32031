"""What the second witness brings back when the state is gone or older than what happened."""

from __future__ import annotations

import asyncio
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.errors import StateUnusable
from runner.core.job import State
from runner.core.ports import Charge
from tests.unit.store.lives import (
    LOST,
    NOON,
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
    from runner.core.events import Event
    from runner.core.job import Job

DOUBT = events.SubmitLost(at=NOON + 2, failure=LOST)
NOT_SENT = events.NotSent(at=NOON + 2, reason="refused")
NOT_FOUND = events.NotFound(at=NOON + 300)
ABANDONED = events.Abandoned(at=NOON + 3, who="ann@desk", why="wrong voice")
RESUBMITTED = events.Resubmitted(at=NOON + 3, who="ann@desk", why="not in their list")
FAILED = events.TaskFailed(at=NOON + 4, failure=REFUSED)
RETRIED = events.Retried(at=NOON + 5)
REQUEUED = events.Requeued(at=NOON + 5)
AGAIN = intent(NOON + 9)
REFUSAL = events.Refused(at=NOON + 2, failure=REFUSED)


def keep(place: Place) -> None:
    """Put a copy of the database aside, as a backup does."""
    shutil.copy(place.database, place.base / "backup.db")


def restore(place: Place) -> None:
    """Put the copy back."""
    shutil.copy(place.base / "backup.db", place.database)
    for suffix in ("-wal", "-shm"):
        place.database.with_name(f"state.db{suffix}").unlink(missing_ok=True)


def the_row(place: Place) -> tuple[Job | None, int]:
    """The one row after opening, and how many rows the opening imported."""
    with place.open() as store:
        rows = list(store.all_rows())
        imported = len(store.taken_over.from_witness)
    assert len(rows) <= 1
    return (rows[0] if rows else None), imported


async def tell(place: Place, *story: Event, job: Job | None = None) -> Job:
    """Live through events in one opening of the state."""
    with place.open() as store:
        return await live(store, pending() if job is None else job, *story)


@pytest.mark.parametrize(
    ("story", "state", "attempt", "task_id"),
    [
        ((intent(),), State.IN_DOUBT, 1, None),
        ((intent(), reply()), State.IN_DOUBT, 1, None),
        ((intent(), DOUBT), State.IN_DOUBT, 1, None),
        ((intent(), accepted()), State.RUNNING, 1, "t-1"),
        ((intent(), accepted(), ready(), delivered()), State.RUNNING, 1, "t-1"),
        ((intent(), accepted(), FAILED), State.RUNNING, 1, "t-1"),
        ((intent(), accepted(), FAILED, RETRIED), State.RUNNING, 1, "t-1"),
        ((intent(), DOUBT, ABANDONED), State.CANCELLED, 1, None),
        ((intent(), DOUBT, RESUBMITTED), State.PENDING, 2, None),
        ((intent(), DOUBT, RESUBMITTED, AGAIN), State.IN_DOUBT, 2, None),
        ((intent(), accepted(), FAILED, RETRIED, AGAIN, accepted("t-2")), State.RUNNING, 2, "t-2"),
        ((intent(), accepted(), FAILED, RETRIED, AGAIN, NOT_SENT), State.PENDING, 2, None),
        ((intent(), NOT_SENT, AGAIN), State.IN_DOUBT, 1, None),
        ((intent(), DOUBT, NOT_FOUND, AGAIN, accepted()), State.RUNNING, 1, "t-1"),
    ],
)
async def test_a_lost_state_is_made_again_from_the_witness(
    place: Place, story: tuple[Event, ...], state: State, attempt: int, task_id: str | None
) -> None:
    """Accepted tasks run, submissions without an answer are in doubt, decisions hold; the second opening finds nothing new."""
    was = await tell(place, *story)
    place.database.unlink()
    row, imported = the_row(place)
    assert row is not None
    assert (row.state, row.attempt, row.task_id, imported) == (state, attempt, task_id, 1)
    assert (row.id, row.fingerprint, row.uses, row.operation, row.output_stem) == (
        was.id,
        was.fingerprint,
        was.uses,
        was.operation,
        "eu/1",
    )
    assert the_row(place) == (row, 0)


@pytest.mark.parametrize("story", [(intent(), NOT_SENT), (intent(), REFUSAL), (intent(), DOUBT, NOT_FOUND)])
async def test_what_was_never_accepted_is_not_brought_back(place: Place, story: tuple[Event, ...]) -> None:
    """A submission that the provider has not taken leaves no doubt behind."""
    await tell(place, *story)
    place.database.unlink()
    assert the_row(place) == (None, 0)


@pytest.mark.parametrize(
    ("before", "after", "state", "attempt", "task_id"),
    [
        ((), (intent(),), State.IN_DOUBT, 1, None),
        ((), (intent(), accepted()), State.RUNNING, 1, "t-1"),
        ((intent(), NOT_SENT), (AGAIN,), State.IN_DOUBT, 1, None),
        ((intent(), NOT_SENT), (AGAIN, accepted()), State.RUNNING, 1, "t-1"),
        ((intent(),), (NOT_SENT, AGAIN), State.IN_DOUBT, 1, None),
        ((intent(), reply()), (NOT_SENT, AGAIN), State.IN_DOUBT, 1, None),
        ((intent(),), (accepted(),), State.RUNNING, 1, "t-1"),
        ((intent(),), (NOT_SENT,), State.PENDING, 1, None),
        ((intent(), DOUBT), (NOT_FOUND,), State.PENDING, 1, None),
        ((intent(), DOUBT), (events.TaskFound(at=NOON, task_id="t-1"),), State.RUNNING, 1, "t-1"),
        ((intent(), DOUBT), (ABANDONED,), State.CANCELLED, 1, None),
        ((intent(),), (DOUBT, ABANDONED), State.CANCELLED, 1, None),
        ((intent(), DOUBT), (RESUBMITTED,), State.PENDING, 2, None),
        ((intent(), DOUBT), (RESUBMITTED, AGAIN), State.IN_DOUBT, 2, None),
        ((intent(), accepted()), (FAILED, RETRIED, AGAIN, accepted("t-2")), State.RUNNING, 2, "t-2"),
        ((intent(), accepted(), ready(), delivered()), (), State.SUCCEEDED, 1, "t-1"),
        ((intent(), accepted()), (ready(), delivered()), State.RUNNING, 1, "t-1"),
        ((intent(), REFUSAL), (REQUEUED, AGAIN), State.IN_DOUBT, 1, None),
        ((intent(), REFUSAL), (REQUEUED, AGAIN, accepted()), State.RUNNING, 1, "t-1"),
        ((intent(), REFUSAL), (RETRIED, AGAIN, NOT_SENT), State.PENDING, 2, None),
    ],
)
async def test_a_restored_backup_learns_what_happened_since(
    place: Place,
    before: tuple[Event, ...],
    after: tuple[Event, ...],
    *,
    state: State,
    attempt: int,
    task_id: str | None,
) -> None:
    """A copy of the state from an earlier moment is brought to what the witness has seen; the second opening finds nothing new."""
    job = await tell(place, *before)
    keep(place)
    await tell(place, *after, job=job)
    restore(place)
    row, _ = the_row(place)
    assert row is not None
    assert (row.state, row.attempt, row.task_id) == (state, attempt, task_id)
    assert the_row(place) == (row, 0)


async def test_the_money_comes_back_too(place: Place) -> None:
    """Every attempt that may have been paid counts again, those that were not taken do not."""
    await tell(place, intent(), DOUBT, RESUBMITTED, AGAIN, accepted(), FAILED, RETRIED, intent(NOON + 20), NOT_SENT)
    place.database.unlink()
    with place.open() as store:
        assert store.spent() == [Charge(currency="USD", amount=Decimal("0.40"))]
        assert store.spent(day="2023-11-14") == store.spent()


STORY = (intent(), reply(), accepted(), ready(), delivered())


async def test_with_both_intact_nothing_is_imported(place: Place) -> None:
    """State and witness agree after every single event."""
    job = pending()
    for event in STORY:
        job = await tell(place, event, job=job)
        assert the_row(place) == (job, 0)


async def test_without_its_witness_the_state_stays_right(place: Place) -> None:
    """A state whose witness was deleted goes on alone, and the new witness serves from then on."""
    job = await tell(place, intent())
    place.witness.unlink()
    assert the_row(place) == (job, 0)
    await tell(place, accepted(), job=job)
    place.database.unlink()
    row, imported = the_row(place)
    assert row is not None
    assert (row.state, row.task_id, imported) == (State.RUNNING, "t-1", 1)


async def test_an_older_witness_adds_nothing(place: Place) -> None:
    """When the witness was restored from a backup and the state was not, the state is right."""
    job = await tell(place, intent())
    shutil.copy(place.witness, place.base / "backup")
    job = await tell(place, NOT_SENT, AGAIN, NOT_SENT, job=job)
    shutil.copy(place.base / "backup", place.witness)
    assert the_row(place) == (job, 0)


async def test_a_crash_between_commit_and_witness_leaves_the_state_as_the_truth(place: Place) -> None:
    """A witness cut anywhere in its last batch imports nothing into the state that committed that batch."""
    job = await tell(place, intent(), reply())
    size = place.witness.stat().st_size
    job = await tell(place, accepted(), job=job)
    whole = place.witness.read_bytes()
    for cut in range(size, len(whole), 40):
        place.witness.write_bytes(whole[:cut])
        assert the_row(place) == (job, 0), cut


async def test_an_older_witness_does_not_undo_a_doubt(place: Place) -> None:
    """That an earlier intent was not taken says nothing about the later one that only the state knows."""
    job = await tell(place, intent(), NOT_SENT)
    shutil.copy(place.witness, place.base / "backup")
    job = await tell(place, AGAIN, job=job)
    shutil.copy(place.base / "backup", place.witness)
    assert the_row(place) == (job, 0)
    assert job.state is State.SUBMITTING


async def test_two_histories_are_not_mixed(place: Place) -> None:
    """A witness that names another task for the same attempt belongs to another state: both ids are told, nothing is changed."""
    await tell(place, intent(), accepted("t-theirs"))
    theirs = place.witness.read_bytes()
    shutil.rmtree(place.folder)
    await tell(place, intent(), accepted("t-ours"))
    place.witness.write_bytes(theirs)
    for _ in range(2):
        with pytest.raises(StateUnusable, match=r"t-theirs .* names t-ours"):
            place.open()


async def test_a_damaged_witness_is_refused_before_anything_is_sent(place: Place) -> None:
    """Damage that no crash explains is refused even when the state itself is gone."""
    with place.open() as store:
        for n in range(3):
            await live(store, pending(f"j/{n}"), intent())
    place.database.unlink()
    content = place.witness.read_bytes()
    place.witness.write_bytes(b"\0" + content[1:])
    with pytest.raises(StateUnusable, match=r"submissions\.jsonl:1 is damaged"):
        place.open()


async def test_thousands_are_imported(place: Place) -> None:
    """More submissions than one transaction takes all come back, with their tasks and their money."""
    with place.open() as store:
        await asyncio.gather(
            *(store.commit(move(pending(f"j/{n}"), intent(), accepted(f"t-{n}"))) for n in range(2100))
        )
    place.database.unlink()
    with place.open() as store:
        assert len(store.taken_over.from_witness) == 2100
        assert {(job.id, job.task_id) for job in store.open_rows()} == {(f"j/{n}", f"t-{n}") for n in range(2100)}
        assert store.spent() == [Charge(currency="USD", amount=Decimal(420))]
