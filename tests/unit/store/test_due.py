"""What the second witness lacks after a kill between a commit and the append of its lines is said by the next opening."""

from __future__ import annotations

import asyncio
import json
import shutil
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.job import State
from runner.store.due import Due
from runner.store.knowledge import Knowledge, encode_lines
from runner.store.witness import Reading, Witness
from tests.unit.store.lives import LOST, NOON, REFUSED, Place, accepted, delivered, intent, live, move, pending, ready
from tests.unit.store.test_reconcile import assert_safe, hear, walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.core.events import Event
    from runner.core.job import Job
    from runner.core.ports import Move

DOUBT = events.SubmitLost(at=NOON + 2, failure=LOST)
NOT_SENT = events.NotSent(at=NOON + 2, reason="refused")
FOUND = events.TaskFound(at=NOON + 3, task_id="t-1")
ADOPTED = events.Adopted(at=NOON + 3, who="ann@desk", why="seen", task_id="t-1")
AGAIN = intent(NOON + 9)

LAST_MOVES: dict[str, tuple[Sequence[Event], Sequence[Event], State | None]] = {
    "intent": ((), [intent()], State.IN_DOUBT),
    "intent again": ((intent(), NOT_SENT), [AGAIN], State.IN_DOUBT),
    "accepted": ((intent(),), [accepted()], State.RUNNING),
    "found": ((intent(), DOUBT), [FOUND], State.RUNNING),
    "adopted": ((intent(), DOUBT), [ADOPTED], State.RUNNING),
    "second attempt accepted": (
        (intent(), accepted(), events.TaskFailed(at=NOON + 4, failure=REFUSED), events.Retried(at=NOON + 5), AGAIN),
        [accepted("t-2")],
        State.RUNNING,
    ),
    "not sent": ((intent(),), [NOT_SENT], None),
    "not found": ((intent(), DOUBT), [events.NotFound(at=NOON + 9)], None),
    "refused": ((intent(),), [events.Refused(at=NOON + 2, failure=REFUSED)], None),
    "unpaid": ((intent(), accepted()), [events.Unpaid(at=NOON + 9, failure=REFUSED)], State.RUNNING),
    "failed": ((intent(), accepted()), [events.TaskFailed(at=NOON + 9, failure=REFUSED)], State.RUNNING),
    "free failure": (
        (intent(), accepted()),
        [events.TaskFailed(at=NOON + 9, failure=REFUSED, charged=False)],
        State.RUNNING,
    ),
    "delivered": ((intent(), accepted(), ready()), [delivered()], State.RUNNING),
    "abandoned": (
        (intent(), DOUBT),
        [events.Abandoned(at=NOON + 9, who="ann@desk", why="no")],
        State.CANCELLED,
    ),
    "resubmitted": (
        (intent(), DOUBT),
        [events.Resubmitted(at=NOON + 9, who="ann@desk", why="no")],
        State.PENDING,
    ),
    "all at once": ((), [intent(), NOT_SENT, AGAIN, accepted()], State.RUNNING),
}
"""Before, the last move, and the row that a witness with all of it makes again when the state is lost."""


def said(place: Place) -> bytes:
    """The witness's bytes."""
    return place.witness.read_bytes() if place.witness.exists() else b""


def killed(place: Place, base: Path, witness: bytes) -> Place:
    """What a kill leaves: the files of an open, idle state as they are, log included, and this much of the witness."""
    shutil.rmtree(base, ignore_errors=True)
    left = Place(base)
    shutil.copytree(place.folder, left.folder)
    left.witness.write_bytes(witness)
    return left


def lines(place: Place) -> list[dict[str, Any]]:
    """The witness's lines without their batches."""
    return [{name: line[name] for name in line if name != "batch"} for line in Reading(place.witness).lines()]


def learned(place: Place) -> Knowledge:
    """All that the witness says."""
    knowledge = Knowledge()
    knowledge.hear(lines(place))
    return knowledge


def lose_state(place: Place) -> dict[str, Job]:
    """Delete the database and open again: the rows that come back, by id."""
    place.database.unlink()
    with place.open() as store:
        return {job.id: job for job in store.all_rows()}


@pytest.mark.parametrize("name", LAST_MOVES)
async def test_a_kill_before_the_append_is_made_good(place: Place, tmp_path: Path, name: str) -> None:
    """The next opening appends what the commit owed, once; a state that is lost after that comes back as if nobody had been killed."""
    before, last, state = LAST_MOVES[name]
    with place.open() as store:
        job = await live(store, pending(), *before)
        short = said(place)
        step = move(job, *last)
        await store.commit(step)
        left = killed(place, tmp_path / "left", short)
    for _ in range(2):
        with left.open() as store:
            assert store.rows([job.id]) == {job.id: [step.after]}
            assert store.taken_over.from_witness == ()
    assert lines(left) == lines(place)
    row = lose_state(left).get(job.id)
    assert row == lose_state(place).get(job.id)
    assert (None if row is None else row.state) is state


async def test_a_batch_torn_anywhere_is_said_again(place: Place, tmp_path: Path) -> None:
    """Whatever a kill or a power cut leaves of the last batch, the witness ends up with all of it, and each job's last word is last."""
    with place.open() as store:
        jobs = [await live(store, pending(f"j/{n}"), intent()) for n in range(2)]
        short = len(said(place))
        steps = [move(job, NOT_SENT, AGAIN, accepted(f"t-{job.id}")) for job in jobs]
        await asyncio.gather(*map(store.commit, steps))
        whole = said(place)
        for cut in range(short, len(whole) + 1, 211):
            for torn in (whole[:cut], whole[:short] + b"\0" * (cut - short) + whole[cut:]):
                left = killed(place, tmp_path / "left", torn)
                left.open().close()
                assert learned(left) == learned(place)
                assert {row.task_id for row in lose_state(left).values()} == {"t-j/0", "t-j/1"}


async def test_a_second_kill_during_the_repair_is_made_good(place: Place, tmp_path: Path) -> None:
    """A repair that was cut off at any byte, or right before the state noted it, is repeated without harm and without end."""
    with place.open() as store:
        job = await live(store, pending(), intent())
        short = said(place)
        await live(store, job, accepted())
        first = killed(place, tmp_path / "first", short)
        first.open().close()
        repaired = said(first)
        for cut in range(len(short), len(repaired) + 1, 37):
            left = killed(place, tmp_path / "left", repaired[:cut])
            left.open().close()
            assert learned(left) == learned(place)
        left = killed(place, tmp_path / "left", repaired)
        left.open().close()
    assert said(left) == repaired
    assert lose_state(left)[job.id].state is State.RUNNING


async def test_a_witness_that_went_on_is_not_contradicted(place: Place, tmp_path: Path) -> None:
    """When a backup of the state was put back after the kill, and submitted again, the killed state's older lines stay unsaid."""
    with place.open() as store:
        job = await live(store, pending(), intent())
        short = said(place)
        earlier = killed(place, tmp_path / "earlier", short)
        await live(store, job, NOT_SENT)
        left = killed(place, tmp_path / "left", short)
    with earlier.open() as store:
        await live(store, job, events.NotSent(at=NOON + 5, reason="not now"), AGAIN)
    left.witness.write_bytes(said(earlier))
    with left.open() as store:
        assert [row.state for row in store.all_rows()] == [State.IN_DOUBT]
    assert said(left) == said(earlier)


async def test_what_was_imported_is_not_said_again(place: Place) -> None:
    """Rows that came from the witness are no news for it."""
    with place.open() as store:
        await live(store, pending(), intent(), accepted())
    before = said(place)
    assert lose_state(place)
    place.open().close()
    assert said(place) == before


@pytest.mark.parametrize("seed", range(6))
async def test_random_lives_cut_between_any_commit_and_its_append(tmp_path: Path, seed: int) -> None:
    """At every such moment of several jobs' lives: the opening completes the witness, and a state lost after that loses nothing."""
    random = Random(seed)
    place = Place(tmp_path / "run")
    lives = [walk(random, f"j/{n}") for n in range(4)]
    done: dict[str, list[Move]] = {}
    with place.open() as store:
        for turn in range(max(map(len, lives))):
            short = said(place)
            steps = [life[turn] for life in lives if turn < len(life)]
            await asyncio.gather(*map(store.commit, steps))
            for step in steps:
                done.setdefault(step.after.id, []).append(step)
            whole = said(place)
            cut = random.choice([len(short), random.randint(len(short), len(whole))])
            left = killed(place, tmp_path / "left", whole[:cut])
            left.open().close()
            assert learned(left) == hear([step for moves in done.values() for step in moves])
            rows = lose_state(left)
            for name, moves in done.items():
                assert_safe(moves[-1].after, rows.get(name))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_lacking_ends_every_torn_batch_right(tmp_path: Path, seed: int) -> None:
    """For random batches of which random lines were lost: what is appended gives the witness the whole batch's knowledge."""
    random = Random(seed)
    for turn in range(30):
        moves = [step for n in range(3) for step in walk(random, f"j/{n}")]
        owed = [line for step in moves for line in encode_lines(step)]
        kept = [line for line in owed if random.random() < 0.6]
        path = tmp_path / f"{turn}.jsonl"
        witness = Witness.at_end(path)
        witness.append(kept)
        due = Due(owed)
        list(due.listen(Reading(path).lines()))
        witness.append(due.lacking())
        witness.close()
        heard, again = Knowledge(), Due(owed)
        heard.hear(again.listen(Reading(path).lines()))
        assert heard == hear(moves)
        assert again.lacking() == []
        assert {json.loads(line)["job"] for line in due.lacking()} <= {step.after.id for step in moves}
