"""Following a paid task: polling is always safe to repeat, and only a known end is an end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from runner.core.answers import Fault, NoReply
from runner.core.job import State
from runner.core.notices import JobProgress, Waiting
from runner.core.spec import PollBounds
from tests.unit.engine.api import LOST, Forever, complaint, done, failed, reply, still_running
from tests.unit.engine.world import spec, specs

if TYPE_CHECKING:
    from runner.core.answers import Exchange
    from runner.core.events import Failure
    from tests.unit.engine.world import World

NOTHING_SAID: dict[str, Exchange] = {
    "reset": LOST,
    "garbage": NoReply(Fault.UNREADABLE, sent=True, message="garbage"),
    "unreadable body": reply(200, b"<html>"),
    **{f"{status}": complaint(status) for status in (408, 425, 429, 500, 502, 503, 520)},
    "403 once": complaint(403),
}

UNKNOWN = complaint(400, "task_not_exist", "task_not_exist")


def failure_of(world: World, job_id: str) -> Failure:
    """Why a job failed."""
    failure = world.rows()[job_id].failure
    assert failure is not None
    return failure


@pytest.mark.parametrize("case", list(NOTHING_SAID))
def test_a_poll_that_says_nothing_is_repeated(world: World, case: str) -> None:
    """Transport errors, rate limits, 5xx and unreadable bodies end nothing; nothing is submitted a second time."""
    world.api.gets_script["anna"] = [NOTHING_SAID[case]] * 4
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 1}, 1)


def test_waits_grow_while_polls_fail(world: World) -> None:
    """A sick API is asked less and less often, at most a minute apart, and the user hears why."""
    world.api.gets_script["anna"] = [complaint(502)] * 12
    world.run([spec("anna")])
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(world.api.gets)]
    assert max(gaps) <= 60.1
    assert gaps[8] > gaps[0]
    assert world.told(Waiting)


def test_retry_after_of_a_poll_is_honoured(world: World) -> None:
    """The server's wish for polls wins where it is longer than our own wait."""
    world.api.gets_script["anna"] = [complaint(429, retry_after="300")]
    world.run([spec("anna")])
    (first, _), (second, _), *_ = world.api.gets
    assert 300 <= second - first <= 301


def test_an_unknown_status_is_said_once_and_polled_on(world: World) -> None:
    """A word that no table lists neither ends nor fails a task; the user is told once."""
    odd = reply(200, {"code": "success", "data": {"status": "DANCING", "progress": "10%"}})
    world.api.gets_script["anna"] = [odd, odd, odd]
    outcome = world.run([spec("anna")])
    assert outcome.states == {State.SUCCEEDED: 1}
    notes = [notice.note for notice in world.told(JobProgress) if notice.note]
    assert len(notes) == 1
    assert "DANCING" in notes[0]


def test_success_without_an_address_is_no_success(world: World) -> None:
    """The address may come a few polls later; until then the task is followed."""
    bare = done(address=None)
    world.api.gets_script["anna"] = [bare, bare, bare]
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.home.orders)) == ({State.SUCCEEDED: 1}, 1)


def test_success_without_an_address_is_asked_for_again_by_the_next_run(world: World) -> None:
    """A few polls are spent on the missing address; then the job fails without being lost: the next run asks the same task."""
    world.api.gets_script["anna"] = [done(address=None)] * 6
    world.run([spec("anna")])
    assert failure_of(world, "anna").code == "P304"
    again = world.run([spec("anna")])
    assert (again.states, again.submitted) == ({State.SUCCEEDED: 1}, 0)


def test_the_poll_deadline_leaves_a_job_running(world: World) -> None:
    """A task that takes longer than `deadline_s` keeps its slot, stays paid, and the next run goes on with it."""
    world.change(poll=PollBounds(min_s=5.0, max_s=30.0, deadline_s=600.0))
    world.api.task_s = lambda job: 5000.0 if job == "hello/000" else 60.0
    outcome = world.run(specs(6))
    assert outcome.left_running == outcome.unfinished == 1
    assert world.rows()["hello/000"].state is State.RUNNING
    last_of_it = max(at for at, job in world.api.gets if job == "hello/000")
    assert 590 <= last_of_it <= 601
    world.now = 5000.0
    again = world.run(specs(6))
    assert (again.states, len(world.api.posts)) == ({State.SUCCEEDED: 6}, 6)


def test_an_unknown_task_is_believed_late(world: World) -> None:
    """Ten answers over a quarter of an hour, then the job fails with what is known; it is never submitted again."""
    world.api.gets_script["anna"] = Forever([UNKNOWN])
    outcome = world.run([spec("anna")])
    asked = [at for at, _ in world.api.gets]
    assert len(asked) >= 10
    assert 900 <= asked[-1] - asked[0] <= 1000
    assert (failure_of(world, "anna").code, outcome.states) == ("P303", {State.FAILED: 1})
    assert world.run([spec("anna")]).submitted == 0


def test_a_task_that_is_unknown_for_a_while_is_waited_for(world: World) -> None:
    """Nine such answers prove nothing."""
    world.api.gets_script["anna"] = [UNKNOWN] * 9
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}


def test_a_known_answer_starts_the_count_of_unknowns_anew(world: World) -> None:
    """Nine unknowns, a sign of life, nine unknowns: the task lives."""
    world.api.gets_script["anna"] = [*[UNKNOWN] * 9, still_running(), *[UNKNOWN] * 9]
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}


def test_a_failed_task_ends_its_job_for_good(world: World) -> None:
    """A generation that failed stays failed until the user allows another attempt; its money counts."""
    world.price("0.20")
    world.api.results["anna"] = failed(-103)
    world.run([spec("anna")], budget="1.00")
    assert (failure_of(world, "anna").code, world.spent()) == ("P307", "0.20")
    assert world.run([spec("anna")]).submitted == 0
    world.api.results.clear()
    outcome = world.run([spec("anna")], retry_failed=True, budget="1.00")
    job = world.rows()["anna"]
    assert (outcome.states, job.attempt, world.spent()) == ({State.SUCCEEDED: 1}, 2, "0.40")


def test_out_of_credit_as_the_end_of_a_task_stops_the_account(world: World) -> None:
    """`web_work_status` -3: nothing is owed; the job is pending again with its next attempt, and the account stops."""
    world.price("0.20")
    world.change(limits=world.account.limits.__class__(in_flight=1, submits_per_minute=60.0))
    world.api.results["hello/000"] = failed(-3)
    outcome = world.run(specs(3), budget="0.60")
    job = world.rows()["hello/000"]
    assert (job.state, job.attempt, job.task_id) == (State.PENDING, 2, None)
    assert (outcome.unfinished, outcome.account_stops["digital-human"].code) == (3, "P212")
    assert len(world.api.posts) == 1
    world.api.results.clear()
    again = world.run(specs(3), budget="0.60")
    assert (again.states, again.unfinished) == ({State.SUCCEEDED: 3}, 0), "what was not owed does not count"
    first, second = (post for post in world.api.posts if post.job == "hello/000")
    assert first.body == second.body


@pytest.mark.parametrize("status", [401, 402])
def test_a_poll_that_is_refused_the_key_stops_submissions_alone(world: World, status: int) -> None:
    """Polls and downloads go on: what is paid is brought home once the key works again."""
    world.change(limits=world.account.limits.__class__(in_flight=1, submits_per_minute=60.0))
    world.api.gets_script["hello/000"] = [complaint(status)]
    outcome = world.run(specs(3))
    assert "digital-human" in outcome.account_stops
    assert (outcome.states, outcome.unfinished) == ({State.SUCCEEDED: 1}, 2)


def test_polls_learn_how_long_tasks_take(world: World) -> None:
    """Once tasks of an operation have ended, a later one is asked for little and noticed soon after its end."""
    world.api.task_s = lambda _job: 300.0
    world.run(specs(8))
    asked = {job: sum(at_job == job for _, at_job in world.api.gets) for job in ("hello/000", "hello/007")}
    assert asked["hello/007"] < asked["hello/000"]
    (_, _, ends), *_ = (task for task in world.api.tasks.values() if task[0] == "hello/007")
    noticed = max(at for at, job in world.api.gets if job == "hello/007")
    assert noticed - ends <= 30.0
