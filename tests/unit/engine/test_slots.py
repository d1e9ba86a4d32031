"""Slots and pace: never above `in_flight`, never faster than `submits_per_minute`, in any interleaving."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from runner.core.job import State
from runner.core.notices import SlowedDown
from runner.core.spec import Limits, PollBounds
from tests.unit.engine.api import TAKES, TAKES_AND_DIES, complaint, failed, reply, unsent
from tests.unit.engine.world import World, make_account, spec, specs

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.answers import Exchange


def crowd(world: World, in_flight: int, per_minute: float = 6000.0, downloads: int = 2) -> None:
    """Set the account's limits."""
    world.change(limits=Limits(in_flight=in_flight, submits_per_minute=per_minute, downloads=downloads))


def test_a_slot_is_held_from_submission_to_the_end_of_the_task(world: World) -> None:
    """Twelve jobs and five slots: five tasks are open at once, never six."""
    crowd(world, 5)
    outcome = world.run(specs(12))
    assert (outcome.states, world.api.most_open()) == ({State.SUCCEEDED: 12}, 5)


def test_a_slot_is_free_while_the_file_is_fetched(world: World) -> None:
    """The provider counts tasks, not downloads: the next submission does not wait for the file."""
    crowd(world, 1)
    world.home.transfer_s = 500.0
    world.run(specs(2))
    second = world.api.posts[1].began
    assert second < world.api.posts[0].began + 150, "submitted while the first file was still on its way"


ANSWERS: list[Exchange | str] = [
    TAKES,
    TAKES,
    TAKES_AND_DIES,
    unsent(),
    complaint(400),
    complaint(429),
    complaint(429, "token_concurrency_limit_reached"),
    complaint(503, "model_not_found"),
    reply(200, b"{"),
]


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
@given(
    in_flight=st.integers(1, 4),
    script=st.lists(st.sampled_from(range(len(ANSWERS))), max_size=10),
    seconds=st.lists(st.integers(0, 90), min_size=10, max_size=10),
    latencies=st.lists(st.floats(0.01, 30), min_size=10, max_size=10),
    losers=st.sets(st.integers(0, 9), max_size=2),
)
def test_never_above_the_limit_in_any_interleaving(  # noqa: PLR0917  hypothesis gives each by its name
    in_flight: int,
    script: list[int],
    seconds: list[int],
    latencies: list[float],
    losers: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """By the API's own books there are never more open tasks than `in_flight`, in two runs one after the other."""
    world = World(tmp_path_factory.mktemp("slots"))
    crowd(world, in_flight)
    jobs = specs(10)
    at = {job.id: place for place, job in enumerate(jobs)}
    world.api.task_s = lambda job: float(seconds[at[job]])
    world.api.latency_s = lambda job: latencies[at[job]]
    world.api.posts_script["*"] = [ANSWERS[number] for number in script]
    for place in losers:
        world.api.results[jobs[place].id] = failed()
    world.stop_at(100.0)
    assert world.run(jobs).fatal is None
    world.on_start = lambda _run: None
    assert world.run(jobs).fatal is None
    doubts = sum(state == "in_doubt" for state in world.states().values())
    # A doubt of the first run holds no slot in the second: a person may have found that it was never made.
    assert world.api.most_open() <= in_flight + doubts
    assert all(taken == 1 for taken in world.api.taken.values()), "no job is paid twice"


def test_submissions_are_spaced_evenly(world: World) -> None:
    """Thirty a minute: two seconds between any two, also after a pause in which none was sent."""
    crowd(world, 3, per_minute=30.0)
    world.run(specs(9))
    gaps = [later.began - earlier.began for earlier, later in pairwise(world.api.posts)]
    assert min(gaps) >= 2.0
    assert gaps[:2] == pytest.approx([2.0, 2.0], abs=0.01)


def test_downloads_are_bounded(world: World) -> None:
    """Never more transfers at once than `downloads`."""
    crowd(world, 8, downloads=2)
    world.home.transfer_s = 100.0
    outcome = world.run(specs(8))
    assert (outcome.states, world.home.most_at_once) == ({State.SUCCEEDED: 8}, 2)


def test_nothing_is_bought_faster_than_it_is_brought_home(world: World) -> None:
    """Submissions wait while too many results wait for their download."""
    crowd(world, 2, downloads=1)
    world.home.transfer_s = 100_000.0
    world.stop_at(20_000.0)
    world.run(specs(30))
    assert len(world.api.posts) <= 8


def test_slow_down_lowers_the_limit_and_success_raises_it(world: World) -> None:
    """A 429 halves what is open at once; a full round of acceptances raises it by one, up to the ceiling."""
    crowd(world, 4)
    world.api.posts_script["hello/004"] = [complaint(429)]
    world.api.task_s = lambda _job: 20.0
    world.run(specs(24))
    (slowed,) = world.told(SlowedDown)
    assert slowed.limit in (1, 2)
    refused_at = next(post.began for post in world.api.posts if post.job == "hello/004")
    later = [began for _, began, _ in world.api.tasks.values() if began > refused_at + 0.25]
    assert open_at(world, later[0]) <= slowed.limit
    assert max(open_at(world, moment) for moment in later) == 4, "it recovers"


def open_at(world: World, moment: float) -> int:
    """How many tasks were open at a moment, by the API's books."""
    return sum(began <= moment < ends for _, began, ends in world.api.tasks.values())


@pytest.mark.parametrize(("wish", "least", "most"), [("7", 7, 7.1), ("0", 1, 1.1), ("100000", 900, 900.1)])
def test_retry_after_is_honoured_within_bounds(world: World, wish: str, least: float, most: float) -> None:
    """The server's own wish wins over our back-off, from 1 s to 15 min, and holds for the whole account."""
    crowd(world, 1)
    world.api.posts_script["hello/000"] = [complaint(429, retry_after=wish)]
    world.run(specs(2))
    refused, again, *_ = world.api.posts
    assert least <= again.began - (refused.began + 0.25) <= most


def test_pauses_without_a_wish_are_bounded(world: World) -> None:
    """However often the API says "slow down", a minute is the longest pause."""
    world.api.posts_script["anna"] = [complaint(429)] * 20
    world.run([spec("anna")])
    gaps = [later.began - earlier.began for earlier, later in pairwise(world.api.posts)]
    assert len(gaps) == 20
    assert max(gaps) <= 61.0
    assert gaps[-1] > gaps[0]


def test_slow_down_uses_up_no_attempt(world: World) -> None:
    """Twenty refusals later the job is made, in its first attempt."""
    world.api.posts_script["anna"] = [complaint(429)] * 20
    world.run([spec("anna")])
    job = world.rows()["anna"]
    assert (job.state, job.attempt) == (State.SUCCEEDED, 1)


def test_an_account_that_says_not_now_for_an_hour_is_left(world: World) -> None:
    """After an hour of nothing but refusals the account stops; it is not asked once more for each further job."""
    world.api.posts_script["*"] = [complaint(429)] * 1000
    outcome = world.run(specs(50))
    assert 3600 <= world.api.posts[-1].began <= 3700
    assert outcome.account_stops["digital-human"].code == "P102"
    pairs = [later.began - earlier.began for earlier, later in pairwise(world.api.posts)]
    assert sum(gap < 1.0 for gap in pairs) <= 4
    assert set(world.states().values()) <= {"pending", "failed"}
    world.api.posts_script.clear()
    assert world.run(specs(50)).states == {State.SUCCEEDED: 50}, "the next run tries all of them again"


def test_an_api_that_cannot_be_reached_is_given_up(world: World) -> None:
    """After eight refused connections with growing waits the account stops; the next run tries again by itself."""
    world.api.posts_script["*"] = [unsent()] * 100
    outcome = world.run(specs(5))
    assert len(world.api.posts) == 8
    assert 30 <= world.api.posts[-1].began <= 60
    assert outcome.account_stops["digital-human"].code == "P101"
    assert outcome.states == {State.FAILED: 1}
    assert outcome.unfinished == 4
    world.api.posts_script.clear()
    assert world.run(specs(5)).states == {State.SUCCEEDED: 5}


def test_a_wave_of_lost_connections_counts_as_one_try(world: World) -> None:
    """Eight POSTs that time out together while connecting are one failure of the network, not eight."""
    crowd(world, 8)
    world.api.latency_s = lambda _job: 10.0
    world.api.posts_script["*"] = [unsent()] * 8
    outcome = world.run(specs(8))
    assert outcome.states == {State.SUCCEEDED: 8}
    assert not outcome.account_stops


def test_a_gateway_without_a_channel_is_tried_a_few_times(world: World) -> None:
    """503 `model_not_found`: five tries, then the job is left for the next run, which tries again by itself."""
    world.api.posts_script["anna"] = [complaint(503, "model_not_found")] * 10
    world.run([spec("anna")])
    failure = world.rows()["anna"].failure
    assert failure is not None
    assert (failure.code, len(world.api.posts)) == ("P103", 5)
    world.api.posts_script.clear()
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}


def test_two_accounts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """One account that is stopped leaves the other at work."""
    world = World(tmp_path, make_account(), make_account(name="second"))
    world.api.posts_script["hello/000"] = [complaint(401)]
    mine = specs(3)
    yours = specs(3, "there", uses="second/avatar")
    outcome = world.run([*mine, *yours])
    assert list(outcome.account_stops) == ["digital-human"]
    assert [world.states().get(job.id) for job in yours] == ["succeeded"] * 3


def test_many_paid_tasks_of_an_earlier_run_do_not_raise_the_limit(world: World) -> None:
    """After `in_flight` was lowered, nothing new is submitted before the paid tasks have made room."""
    crowd(world, 6)
    world.api.task_s = lambda _job: 1000.0
    world.stop_at(10.0)
    world.run(specs(6))
    world.on_start = lambda _run: None
    crowd(world, 2)
    world.api.task_s = lambda _job: 50.0
    world.run(specs(8))
    first_new = world.api.posts[6].began
    ended = sorted(ends for *_, ends in list(world.api.tasks.values())[:6])
    assert first_new > ended[4], "five of six had to end before two slots had one free"


def test_polls_stay_within_their_bounds(world: World) -> None:
    """Between two polls of a job lie at least `min_s` and at most `max_s` seconds."""
    world.change(poll=PollBounds(min_s=4.0, max_s=9.0))
    world.api.task_s = lambda _job: 300.0
    world.run([spec("anna")])
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(world.api.gets)]
    assert min(gaps) >= 4.0
    assert max(gaps) <= 9.1
