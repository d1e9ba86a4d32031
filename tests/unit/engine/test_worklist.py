"""The jobs with work: memory is eight bytes a job, and the next one costs the same at any number."""

from __future__ import annotations

import tracemalloc
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import ManifestInvalid, StorageFailed
from runner.core.plan import Action
from runner.core.spec import FileInput, Verify
from runner.engine.needs import Met, Needs
from runner.engine.prepare import prepare
from runner.engine.survey import Scope
from runner.engine.worklist import Queue, Worklist
from tests.unit.engine.world import Home, Sheet, World, make_account, spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.core.spec import JobSpec

MANY = 15_000
FACE = FileInput(at=("faces", 0), written="a.png", path="/a/\ud800.png", sha256="ab" * 32, size_bytes=7)


def test_a_job_comes_back_as_it_went_in(tmp_path: Path) -> None:
    """Every field survives, texts of all scripts and lone surrogates included."""
    worklist = Worklist(tmp_path)
    odd = spec(
        "a/1", tags=("x", "y"), verify=Verify.FRAME, needs=("b",), text="你好 \ud800", duration_s=1.5, files=(FACE,)
    )
    tickets = [worklist.add(job, Action.CREATE, is_new=True) for job in (spec("z"), odd, spec("y"))]
    work = worklist.read(tickets[1])
    assert (work.spec, work.action, work.is_new, work.ticket) == (odd, Action.CREATE, True, tickets[1])
    worklist.close()


def test_a_queue_gives_what_was_put_back_first(tmp_path: Path) -> None:
    """Manifest order, but a job that was begun comes before one that was not; put back first, out first."""
    queue = Queue()
    for ticket in (1, 2, 3):
        queue.append(ticket)
    first, second = queue.pop(), queue.pop()
    queue.put_back(first)
    queue.put_back(second)
    assert [queue.pop() for _ in range(len(queue))] == [1, 2, 3]
    with pytest.raises(IndexError):
        queue.pop()


def streamed(number: int, make: Callable[[int], JobSpec]) -> Sheet:
    """A campaign whose jobs exist only while they are looked at."""

    class Stream:
        def __iter__(self) -> Iterator[JobSpec]:
            return (make(index) for index in range(number))

    return Sheet(Stream(), {"digital-human": make_account()}, "")


@pytest.mark.parametrize("needs", [(), ("anna",)], ids=["free", "each-needs-another"])
def test_memory_does_not_grow_with_the_number_of_jobs(tmp_path: Path, needs: tuple[str, ...]) -> None:
    """Preparing a run keeps at most a few dozen bytes a job, also when every row needs the same voice."""
    world = World(tmp_path)
    sheet = streamed(MANY, lambda index: spec(f"many/{index:06d}", needs=needs) if index else spec("anna"))
    with world.open() as store:
        tracemalloc.start()
        prepared = prepare(sheet, store, Home(), Scope(now=0.0), folder=tmp_path)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert prepared.work == MANY
    assert kept < MANY * 40 + 500_000
    prepared.worklist.close()


def test_the_next_job_costs_the_same_at_any_number(tmp_path: Path) -> None:
    """Taking and reading a thousand jobs takes as long out of fifteen thousand as out of one thousand."""

    def taking(number: int) -> float:
        worklist, queue = Worklist(tmp_path), Queue()
        for index in range(number):
            queue.append(worklist.add(spec(f"many/{index}"), Action.CREATE, is_new=True))
        worklist.read(0)
        times = []
        for _ in range(4):
            began = perf_counter()
            for _ in range(250):
                worklist.read(queue.pop())
            times.append(perf_counter() - began)
        worklist.close()
        return min(times)

    assert taking(MANY) < 4 * taking(1_000)


def test_letting_go_costs_the_same_at_any_number() -> None:
    """A job's end is counted in constant time, however many jobs its block has."""
    needs = Needs()
    for index in range(MANY):
        needs.note(f"many/{index}", "many", "f", Met.OPEN)
    began = perf_counter()
    for index in range(1000):
        needs.ended(f"many/{index}", "many", succeeded=True)
    assert perf_counter() - began < 0.5


def test_a_folder_that_is_not_there_is_a_storage_failure(tmp_path: Path) -> None:
    """The message names the folder and what to do."""
    with pytest.raises(StorageFailed, match="nowhere") as refused:
        Worklist(tmp_path / "nowhere")
    assert refused.value.next_step


def test_an_invalid_manifest_leaves_no_file_open(tmp_path: Path) -> None:
    """A finding ends the preparation and closes its temporary file (an open one would be a ResourceWarning)."""
    world = World(tmp_path)
    with pytest.raises(ManifestInvalid):
        world.run([spec("anna")], budget="1.00")
