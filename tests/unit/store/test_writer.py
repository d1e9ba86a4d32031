"""The writer: groups, failing disks, and what is saved when nothing can be saved any more."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.errors import StorageFailed
from runner.core.job import State
from tests.unit.store.lives import LOST, NOON, Place, accepted, intent, live, move, pending

if TYPE_CHECKING:
    from runner.core.events import Event

ROOT = Path(__file__).parents[3]

FULL = """
import asyncio, resource, sys
from pathlib import Path
from runner.core.errors import StorageFailed
from tests.unit.store.lives import *

async def main():
    store = Place(Path(sys.argv[1])).open()
    jobs = [(await live(store, pending(f"j/{n}"), intent())) for n in range(3)]
    # Neither the log nor the witness may grow from here on: what a full disk or a quota does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    for job in [*jobs, jobs[0]]:
        try:
            await store.commit(move(job, accepted("t-" + job.id)))
        except StorageFailed as error:
            print(f"{job.id}: {error} | {error.next_step}")
        else:
            print(f"{job.id}: committed")
    store.close()

asyncio.run(main())
"""


def test_a_full_disk_ends_all_writing_and_loses_no_task_id(place: Place) -> None:
    """The first failed write raises, every later one too, and each task id stands on stderr."""
    command = [sys.executable, "-c", FULL, str(place.base), "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    for line, name in zip(ended.stdout.splitlines(), ["j/0", "j/1", "j/2", "j/0"], strict=True):
        assert line.startswith(f"{name}: could not write the state {place.database}: ")
        assert "run again" in line
    assert [name for name in ("j/0", "j/1", "j/2") if f'"task_id":"t-{name}"' not in ended.stderr] == []
    with place.open() as store:
        assert [job.state for job in store.all_rows()] == [State.SUBMITTING] * 3


def test_a_disk_with_room_for_a_few_bytes_saves_task_ids_beside_the_state(place: Place) -> None:
    """Task ids that the log cannot take go to the emergency file, and the next start finds them there."""
    command = [sys.executable, "-c", FULL, str(place.base), "4096"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "committed" not in ended.stdout
    lines = map(json.loads, (place.folder / "emergency.jsonl").read_text().splitlines())
    assert [line["task_id"] for line in lines if line["kind"] == "accepted"] == ["t-j/0", "t-j/1", "t-j/2", "t-j/0"]
    for imported in (3, 0):
        with place.open() as store:
            assert len(store.taken_over.from_witness) == imported
            assert [(job.state, job.task_id) for job in store.all_rows()] == [
                (State.RUNNING, f"t-j/{n}") for n in range(3)
            ]


@pytest.mark.parametrize(
    ("event", "is_saved"),
    [
        (accepted(), True),
        (events.TaskFound(at=NOON, task_id="t-1"), True),
        (events.SubmitLost(at=NOON, failure=LOST), False),
    ],
)
async def test_a_witness_that_cannot_be_written_ends_all_writing(place: Place, event: Event, is_saved: bool) -> None:
    """Without its second witness a submission must not go out: the commit raises although the state has the move."""
    place.folder.mkdir(parents=True)
    place.witness.mkdir()
    with pytest.raises(StorageFailed, match=r"could not read .*submissions\.jsonl"):
        place.open()
    place.witness.rmdir()
    with place.open() as store:
        place.witness.mkdir()
        with pytest.raises(StorageFailed, match="Is a directory"):
            await store.commit(move(pending(), intent()))
        with pytest.raises(StorageFailed):
            await store.commit(move(move(pending("b"), intent()).after, event))
        with pytest.raises(StorageFailed):
            store.end_run("r", NOON, 74)
        assert [job.state for job in store.all_rows()] == [State.SUBMITTING]
    assert (place.folder / "emergency.jsonl").exists() == is_saved


async def test_an_emergency_file_that_was_cut_off_takes_more(place: Place) -> None:
    """Task ids that follow a torn line of an earlier emergency are found as well."""
    with place.open() as store:
        jobs = [await live(store, pending(f"j/{n}"), intent()) for n in range(2)]
    emergency = place.folder / "emergency.jsonl"
    for job in jobs:
        store = place.open()
        place.witness.rename(place.base / "aside")
        place.witness.mkdir()
        with pytest.raises(StorageFailed):
            await store.commit(move(job, accepted("t-" + job.id)))
        store.close()
        place.witness.rmdir()
        (place.base / "aside").rename(place.witness)
        place.database.unlink()
        emergency.write_bytes(emergency.read_bytes()[:-40] if job is jobs[0] else emergency.read_bytes())
    with place.open() as store:
        assert {row.id: row.task_id for row in store.all_rows()} == {"j/0": None, "j/1": "t-j/1"}


async def test_all_that_wait_share_transactions(place: Place) -> None:
    """Five hundred moves at once take few fsyncs: their witness lines stand in few batches."""
    with place.open() as store:
        await asyncio.gather(*(store.commit(move(pending(f"j/{n}"), intent())) for n in range(500)))
    batches = {json.loads(line)["batch"] for line in place.witness.read_text().splitlines()}
    assert len(batches) <= 25


async def test_a_cancelled_caller_of_a_failing_write_is_cancelled(place: Place) -> None:
    """Cancellation wins over the storage error, and the next caller hears of that error."""
    with place.open() as store:
        place.witness.mkdir()
        task = asyncio.ensure_future(store.commit(move(pending(), intent())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(StorageFailed):
            await store.commit(move(pending("b"), intent()))


def test_one_event_loop_after_another_is_served(place: Place) -> None:
    """The store belongs to no event loop: commits of a second one end as those of the first."""
    with place.open() as store:
        for n in range(2):
            asyncio.run(store.commit(move(pending(f"j/{n}"), intent())))
        assert len(list(store.all_rows())) == 2
