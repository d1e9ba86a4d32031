"""How a run ends before its time: signal, deadline, a failing store, a bug."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import StorageFailed
from runner.core.events import Accepted, ReplyReceived, SubmitStarted, TaskReady
from runner.core.job import State
from runner.core.notices import Stopping
from runner.core.spec import Limits
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import NEVER, Forever, complaint
from tests.unit.engine.world import spec, specs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import QueryAnswer, Reply
    from runner.core.events import Event
    from runner.core.ports import Move
    from runner.engine.run import Run
    from tests.unit.engine.world import World


def at_once(world: World, in_flight: int = 4) -> None:
    """Submissions without spacing."""
    world.change(limits=Limits(in_flight=in_flight, submits_per_minute=60_000.0))


@pytest.mark.parametrize("by", ["signal", "deadline"])
def test_a_stop_waits_for_what_is_on_the_wire(world: World, by: str) -> None:
    """Replies that are under way are awaited and become task ids; nothing new is sent; the next run goes on for free."""
    at_once(world)
    world.api.latency_s = lambda _job: 20.0
    world.stop_at(5.0, by)
    outcome = world.run(specs(8))
    assert (outcome.stopped_by, outcome.unfinished, outcome.fatal) == (by, 8, None)
    assert len(world.api.posts) == 4
    assert world.states() == dict.fromkeys([job.id for job in specs(4)], "running")
    (notice,) = world.told(Stopping)
    assert notice.submissions == 4
    assert 20.0 <= world.now <= 21.0
    world.on_start = lambda _run: None
    assert world.run(specs(8)).states == {State.SUCCEEDED: 8}
    assert len(world.api.posts) == 8


def test_patience_ends(world: World) -> None:
    """A reply that does not come within 30 s is given up: the job is in doubt, and says so in the state."""
    at_once(world)
    world.api.posts_script["hello/000"] = [NEVER]
    world.stop_at(5.0)
    world.run(specs(1))
    assert 35.0 <= world.now <= 36.0
    assert world.states() == {"hello/000": "in_doubt"}


@pytest.mark.parametrize("second", [0.0, 0.1, 3.0, 30.0, 61.0, 61.5, 62.0, 63.0, 70.0])
def test_a_stop_at_any_time_leaves_every_job_resumable(world: World, second: float) -> None:
    """Whatever the run was doing: nothing is in doubt, nothing is paid twice, the next run finishes all."""
    at_once(world, 3)
    world.stop_at(second)
    jobs = [*specs(6), spec("after", needs=["hello/*"])]
    assert world.run(jobs).fatal is None
    assert not {"in_doubt", "failed"} & set(world.states().values())
    world.on_start = lambda _run: None
    assert world.run(jobs).states == {State.SUCCEEDED: 7}
    assert set(world.api.taken.values()) == {1}


def test_a_stop_before_the_first_step(world: World) -> None:
    """A signal that comes before the loop begins: nothing is sent."""
    world.on_start = lambda run: run.stop("signal")
    outcome = world.run(specs(3))
    assert (outcome.submitted, outcome.unfinished, len(world.api.posts)) == (0, 3, 0)


def test_a_stop_leaves_nothing_behind_that_never_began(world: World) -> None:
    """A watch over an older task that is cancelled before its first step is closed (else Python warns on standard error)."""
    world.stop_at(30.0)
    world.run([spec("anna")])
    world.on_start = lambda run: run.stop("signal")
    world.run([spec("anna", fingerprint="f2")])
    gc.collect()
    assert world.states() == {"anna": "running"}


def test_a_second_stop_changes_nothing(world: World) -> None:
    """The first reason stands."""

    def both(run: Run) -> None:
        asyncio.get_running_loop().call_later(5.0, run.stop, "deadline")
        asyncio.get_running_loop().call_later(6.0, run.stop, "signal")

    world.on_start = both
    assert world.run(specs(8)).stopped_by == "deadline"
    assert len(world.told(Stopping)) == 1


@pytest.mark.parametrize("kind", [SubmitStarted, ReplyReceived, Accepted, TaskReady])
def test_a_store_that_fails_ends_the_run_and_nothing_more_is_sent(world: World, kind: type[Event]) -> None:
    """After the first failed commit there is no further submission, and the outcome holds the failure."""
    at_once(world, 3)
    failed_at: list[float] = []

    def breaks(move: Move) -> Exception | None:
        if not isinstance(move.events[-1], kind) or move.after.id != "hello/001":
            return None
        failed_at.append(asyncio.get_running_loop().time())
        return StorageFailed("the disk is full")

    world.breaks = breaks
    outcome = world.run(specs(9))
    assert isinstance(outcome.fatal, StorageFailed)
    assert all(post.began <= failed_at[0] for post in world.api.posts)
    if kind is SubmitStarted:
        assert "hello/001" not in {post.job for post in world.api.posts}, "no POST without a durable intent"


def test_after_a_store_failure_the_next_run_pays_nothing_twice(world: World) -> None:
    """What was on the wire when the disk filled up is in doubt or known; the rest is made."""
    at_once(world, 3)

    def breaks(move: Move) -> Exception | None:
        return StorageFailed("full") if isinstance(move.events[-1], ReplyReceived) else None

    world.breaks = breaks
    world.run(specs(6))
    taken = dict(world.api.taken)
    world.breaks = lambda _move: None
    world.run(specs(6))  # in the run that finds them, the doubts keep their slots
    outcome = world.run(specs(6))
    assert outcome.states == {State.IN_DOUBT: len(taken), State.SUCCEEDED: 6 - len(taken)}
    assert set(world.api.taken.values()) == {1}


def test_a_task_id_in_our_hands_is_handed_to_the_failing_store(world: World) -> None:
    """The store keeps it in its emergency file: the reply could not be stored, but what it says is not thrown away."""
    world.breaks = lambda move: StorageFailed("full") if isinstance(move.events[-1], ReplyReceived) else None
    world.run([spec("anna")])
    assert [entry for entry in world.log if entry[0] == "lost"] == [
        ("lost", "anna: ReplyReceived"),
        ("lost", "anna: Accepted"),
    ]


class Bug(RuntimeError):
    """A provider that breaks its promise never to raise."""


class BuggyQuery(Avatar):
    """Raises over the first query."""

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """Raise for one job."""
        if "hello/001" in inputs["avatar_url"]:
            raise Bug("never raises, it said")
        return super().read_query(reply, inputs)


def test_a_bug_in_a_provider_ends_the_run_without_losing_replies(world: World) -> None:
    """The run ends as a bug; replies on the wire are stored and read; the next run, mended, goes on for free."""
    at_once(world, 3)
    world.api.latency_s = lambda job: 0.1 if job == "hello/001" else 10.0
    world.operations = {"digital-human/avatar": BuggyQuery()}
    outcome = world.run(specs(6))
    assert isinstance(outcome.fatal, Bug)
    assert len(world.api.posts) == 3
    assert set(world.states().values()) == {"running"}
    world.operations = {"digital-human/avatar": Avatar()}
    assert world.run(specs(6)).states == {State.SUCCEEDED: 6}
    assert set(world.api.taken.values()) == {1}


class BuggySubmission(Avatar):
    """Raises over every reply to a submission."""

    def read_submission(self, reply: Reply) -> Any:
        """Raise."""
        raise Bug(f"HTTP {reply.status}")


def test_a_reply_that_a_bug_kept_from_being_read_is_read_later(world: World) -> None:
    """The raw reply is stored before the bug strikes, and the mended programme finds the task in it."""
    world.operations = {"digital-human/avatar": BuggySubmission()}
    assert isinstance(world.run(specs(1)).fatal, Bug)
    assert world.states() == {"hello/000": "submitting"}
    world.operations = {"digital-human/avatar": Avatar()}
    assert world.run(specs(1)).states == {State.SUCCEEDED: 1}
    assert len(world.api.posts) == 1


def test_a_bug_outranks_a_store_failure(world: World) -> None:
    """When both happen the outcome is the bug: the failing store may be its consequence."""
    world.api.gets_script["hello/000"] = Forever([Bug("in the wire")])
    outcome = world.run(specs(2))
    assert isinstance(outcome.fatal, Bug)


def test_an_account_stop_does_not_end_the_jobs_that_run(world: World) -> None:
    """What is paid is followed and brought home after the account has stopped."""
    world.api.posts_script["hello/002"] = [complaint(402)]
    outcome = world.run(specs(4))
    assert outcome.states == {State.SUCCEEDED: 2}
    assert outcome.unfinished == 2
