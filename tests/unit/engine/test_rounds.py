"""Rounds: tasks that run are asked for by pages of the list, and whatever that list is like, every task ends as it would without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.answers import AskAgain, Running
from runner.core.codes import Code
from runner.core.events import Failure
from runner.core.job import Job, State
from runner.core.notices import Waiting
from runner.core.spec import Limits
from runner.engine.rounds import Rounds
from tests.unit.engine.api import LOST, Forever, complaint, failed
from tests.unit.engine.listing_api import Listable, ListingApi, Pages
from tests.unit.engine.virtual_time import EPOCH, VirtualClock, play
from tests.unit.engine.world import USES, World, make_account, spec, specs

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.answers import Exchange, QueryAnswer, Reply
    from runner.core.ports import ListPage

ROUND_S = 5.0
"""Least seconds between two rounds: `poll.min_s` of the account."""
TASK_S = 300.0


def crowd(tmp_path: Path, number: int, *, looks_up: bool = True, **facts: Any) -> World:
    """A world whose API lists its tasks and takes `number` of them at once, each of which takes five minutes."""
    limits = Limits(in_flight=number, submits_per_minute=6000.0, downloads=number)
    world = World(tmp_path, make_account(limits=limits, looks_up=looks_up))
    world.api = ListingApi(world.say, **({"task_s": lambda _job: TASK_S} | facts))
    world.apis = dict.fromkeys(world.accounts, world.api)
    world.operations = {USES: Listable()}
    return world


def listing(world: World) -> ListingApi:
    """The API with a list."""
    assert isinstance(world.api, ListingApi)
    return world.api


def longest_delay(world: World) -> float:
    """The most seconds from the end of a task until its result was seen."""
    ends = {job: ends for job, _, ends in world.api.tasks.values()}
    return max((row.ready_at or 0.0) - EPOCH - ends[row.id] for row in world.rows().values())


# --- requests grow with pages -----------------------------------------------------------------------------------------


def test_two_hundred_tasks_cost_two_requests_a_round(tmp_path: Path) -> None:
    """They stand on one page; now and then one of them is asked for by itself, to see whether the list is right."""
    world = crowd(tmp_path, 200)
    outcome = world.run(specs(200))
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 200}, 200)
    assert listing(world).most_within(ROUND_S) <= 2
    assert len(listing(world).requests()) < 40
    assert longest_delay(world) < 31.0


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "strangers",
    [
        {},
        {"older": 3000},
        {"older": 3000, "newer": 700},
        {"older": 3000, "nameless": frozenset(range(0, 3000, 400))},
    ],
)
def test_the_order_of_a_list_and_strangers_in_it_change_little(
    tmp_path: Path, strangers: dict[str, Any], *, newest_first: bool
) -> None:
    """Once it was found where ours stand, that page alone is read."""
    world = crowd(tmp_path, 30, newest_first=newest_first, **strangers)
    assert world.run(specs(30)).states == {State.SUCCEEDED: 30}
    assert listing(world).most_within(ROUND_S, begin=20.0) <= 2
    assert len(world.api.gets) < 10
    assert longest_delay(world) < 31.0


def test_a_search_costs_no_more_than_single_questions_would(tmp_path: Path) -> None:
    """Reading through thousands of strangers' tasks takes the place of questions, and ends where ours stand."""
    asked = []
    for looks_up in (True, False):
        world = crowd(tmp_path / str(looks_up), 30, looks_up=looks_up, newest_first=False, older=40_000)
        assert world.run(specs(30)).states == {State.SUCCEEDED: 30}
        assert longest_delay(world) < 40.0
        asked.append(len(listing(world).requests()))
    assert asked[0] < asked[1]


def test_tasks_of_every_age_are_noticed_in_time(tmp_path: Path) -> None:
    """A crowd in which tasks come and go all the time asks few questions, and sees results as soon."""
    lengths = {f"hello/{number:03d}": 20.0 + number * 37 % 600 for number in range(60)}
    asked, delays = [], []
    for looks_up in (True, False):
        world = crowd(tmp_path / str(looks_up), 20, looks_up=looks_up, older=2000, task_s=lengths.__getitem__)
        assert world.run(specs(60)).states == {State.SUCCEEDED: 60}
        asked.append(len(listing(world).requests()))
        delays.append(longest_delay(world))
    assert asked[0] * 4 < asked[1]
    assert delays[0] < max(31.0, delays[1])


def test_a_page_has_to_answer_two() -> None:
    """Where pages are tiny, single questions take their place, the longest waiting first; all together are no more than there are tasks."""
    api, alone = ListingApi(newest_first=False), list[str]()

    async def scene() -> None:
        rounds = _rounds(api, page_size=1, alone=alone)
        jobs = [_running(api, name) for name in "abcdefgh"]
        await asyncio.gather(*(rounds.answer(job, {}, 1.0) for job in jobs))

    _, now = play(scene)
    assert (len(api.lists), alone, now < 2.0) == (4, list("efgh"), True)


def test_one_or_two_tasks_are_asked_for_by_themselves(tmp_path: Path) -> None:
    """No page is cheaper."""
    world = crowd(tmp_path, 2)
    assert world.run(specs(6)).states == {State.SUCCEEDED: 6}
    assert not listing(world).lists


def test_an_account_without_look_ups_is_asked_for_no_list(tmp_path: Path) -> None:
    """`lookup: false`: a gateway in front of it passes none on."""
    world = crowd(tmp_path, 20, looks_up=False)
    assert world.run(specs(20)).states == {State.SUCCEEDED: 20}
    assert not listing(world).lists


def test_tasks_of_an_earlier_run_are_asked_for_at_once_and_together(tmp_path: Path) -> None:
    """A resumed run begins with one page, not with a question for each."""
    world = crowd(tmp_path, 30)
    world.stop_at(60.0)
    world.run(specs(30))
    listing(world).lists.clear()
    world.api.gets.clear()
    world.on_start = lambda _run: None
    began = world.now = 100.0
    assert world.run(specs(30)).states == {State.SUCCEEDED: 30}
    assert listing(world).lists[0][0] < began + 0.1
    assert listing(world).most_within(ROUND_S) <= 2


# --- lists that are not to be relied on -------------------------------------------------------------------------------


UNRELIABLE: dict[str, tuple[dict[str, Any], float]] = {
    "new tasks come late": ({"lag_s": 20.0}, 51.0),
    "it stands still": ({"stands_still_at": 30.0}, 160.0),
    "it is empty": ({"stands_still_at": -1.0}, 41.0),
    "it is empty, beside strangers": ({"stands_still_at": -1.0, "older": 2000}, 41.0),
    "it has no results": ({"shows_results": False}, 41.0),
    "some tasks are unreadable": ({"odd": frozenset(f"hello/{number:03d}" for number in range(0, 25, 3))}, 41.0),
    "always 500": ({"fails": Forever([complaint(500)])}, 41.0),
    "always 404": ({"fails": Forever([complaint(404)])}, 41.0),
    "always reset": ({"fails": Forever([LOST])}, 41.0),
    "always rate limited": ({"fails": Forever([complaint(429, retry_after="30")])}, 61.0),
    "500 at times": ({"fails": [complaint(500)] * 3}, 41.0),
}


@pytest.mark.parametrize("case", list(UNRELIABLE))
def test_a_list_that_is_not_to_be_relied_on_keeps_nobody_waiting(tmp_path: Path, case: str) -> None:
    """Tasks that it does not show, or shows wrongly, are asked for by themselves; none is unknown, none fails, none is late."""
    facts, most_late_s = UNRELIABLE[case]
    world = crowd(tmp_path, 25, **facts)
    outcome = world.run(specs(25))
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 25}, 25)
    assert longest_delay(world) < most_late_s


def test_a_broken_list_is_asked_for_less_and_less(tmp_path: Path) -> None:
    """It is tried again after longer and longer pauses."""
    world = crowd(tmp_path, 20, fails=Forever([complaint(404)]), task_s=lambda _job: 1500.0)
    world.run(specs(20))
    assert len(listing(world).lists) <= 12
    assert len(world.api.gets) > 100


def test_a_list_that_fails_makes_all_wait(tmp_path: Path) -> None:
    """Its `Retry-After` holds for everybody: nobody asks again before, and the users hear why when it lasts."""
    world = crowd(tmp_path, 40, fails=[complaint(429, retry_after="60")] * 2)
    assert world.run(specs(40)).states == {State.SUCCEEDED: 40}
    (first, *_), (second, *_) = listing(world).lists[:2]
    assert second - first >= 60.0
    assert sum(first <= at < first + 59.0 for at in listing(world).requests()) == 1
    assert {notice.wait_s >= 60.0 for notice in world.told(Waiting)} == {True}


def test_pages_that_are_too_large_are_halved_for_good(tmp_path: Path) -> None:
    """A reply that was cut is no page; the size that fits is kept."""
    world = crowd(tmp_path, 40, most_fitting=30)
    assert world.run(specs(40)).states == {State.SUCCEEDED: 40}
    sizes = [size for _, _, size in listing(world).lists]
    assert sizes[0] > 30
    assert set(sizes[4:]) == {20}


def test_failed_tasks_are_read_from_the_list(tmp_path: Path) -> None:
    """A task that ended without a result ends its job, with the words of the list."""
    world = crowd(tmp_path, 10)
    world.api.results["hello/003"] = failed(-103)
    assert world.run(specs(10)).states == {State.SUCCEEDED: 9, State.FAILED: 1}
    failure = world.rows()["hello/003"].failure
    assert failure is not None
    assert failure.message == "no face"


def test_a_key_that_is_refused_to_a_list_stops_submissions_alone(tmp_path: Path) -> None:
    """As it does when a single task is asked for."""
    world = crowd(tmp_path, 5)
    world.operations = {USES: Listable(_Refusing())}
    listing(world).fails = [complaint(401)]
    outcome = world.run(specs(12))
    assert (outcome.states, outcome.unfinished) == ({State.SUCCEEDED: 5}, 7)
    assert "digital-human" in outcome.account_stops


class _Refusing(Pages):
    """Reads a 401 as a word about the account."""

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """The tasks of a page."""
        if reply.status == 401:
            return AskAgain("no", stops_account=Failure(cause=None, code=Code.KEY_REFUSED, message="no"))
        return Pages.read(self, reply)


# --- coming and going -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [0.5, 1.5])
def test_a_round_ends_with_those_who_wait(second: float) -> None:
    """Whether it is still to begin or reads a page, nothing of it outlives them."""
    api = ListingApi(get_s=1.0)

    async def scene() -> tuple[set[asyncio.Task[Any]], int]:
        rounds = _rounds(api)
        waiting = [asyncio.create_task(rounds.answer(_running(api, name), {}, wait_s)) for name, wait_s in FOUR]
        await asyncio.sleep(second)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        asked = len(api.lists)
        await asyncio.sleep(0.01)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(100.0)
        return left, len(api.lists) - asked

    assert play(scene)[0] == (set(), 0)


def test_a_run_that_is_stopped_leaves_its_tasks_running(tmp_path: Path) -> None:
    """In the middle of a page; the next run goes on with all of them."""
    world = crowd(tmp_path, 20)
    listing(world).get_s = 1.0
    world.stop_at(6.0)
    outcome = world.run(specs(20))
    assert (outcome.fatal, set(world.states().values())) == (None, {"running"})
    world.on_start = lambda _run: None
    assert (world.run(specs(20)).states, len(world.api.posts)) == ({State.SUCCEEDED: 20}, 20)


def test_a_round_goes_on_when_the_one_who_started_it_leaves() -> None:
    """The others are answered by the page that is being read, and nobody asks a second time."""
    api = ListingApi(get_s=1.0)

    async def scene() -> list[QueryAnswer]:
        rounds = _rounds(api)
        first, *others = [asyncio.create_task(rounds.answer(_running(api, name), {}, wait_s)) for name, wait_s in FOUR]
        await asyncio.sleep(1.5)
        first.cancel()
        return list(await asyncio.gather(*others))

    answers, now = play(scene)
    assert answers == [Running()] * 3
    assert (len(api.lists), api.gets, now < 2.1) == (1, [], True)


def test_the_next_one_due_starts_a_round_when_the_first_one_leaves() -> None:
    """Whoever leaves before the round takes nobody's timer along."""
    api = ListingApi()

    async def scene() -> list[QueryAnswer]:
        rounds = _rounds(api)
        first, *others = [asyncio.create_task(rounds.answer(_running(api, name), {}, wait_s)) for name, wait_s in FOUR]
        await asyncio.sleep(0.5)
        first.cancel()
        return list(await asyncio.gather(*others))

    answers, now = play(scene)
    assert (answers, 2.0 <= now < 2.2) == ([Running()] * 3, True)


def test_a_bug_while_a_page_is_read_reaches_all_who_wait() -> None:
    """None of them waits for ever; the border of the jobs ends the run."""
    api = ListingApi(fails=[ZeroDivisionError("bug")])

    async def scene() -> list[Any]:
        rounds = _rounds(api)
        waiting = [rounds.answer(_running(api, name), {}, wait_s) for name, wait_s in FOUR]
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    assert [type(answer) for answer in play(scene)[0]] == [ZeroDivisionError] * 4


def test_a_bug_while_a_page_is_read_ends_the_run(tmp_path: Path) -> None:
    """As a bug anywhere else does."""
    world = crowd(tmp_path, 5, fails=[ZeroDivisionError("bug")])
    assert isinstance(world.run(specs(5)).fatal, ZeroDivisionError)


def test_a_question_for_a_task_is_answered_though_the_list_fails_meanwhile() -> None:
    """Those who asked before keep their answers; those who wait get the trouble."""
    trouble: list[Exchange | BaseException] = [complaint(500)]
    api = ListingApi(fails=trouble)

    async def scene() -> list[QueryAnswer]:
        rounds = _rounds(api)
        return list(await asyncio.gather(*(rounds.answer(_running(api, name), {}, wait_s) for name, wait_s in FOUR)))

    assert all(isinstance(answer, AskAgain) for answer in play(scene)[0])


FOUR = (("a", 1.0), ("b", 2.0), ("c", 2.0), ("d", 60.0))
"""Jobs, and the seconds after which each wants to know."""


def _rounds(api: ListingApi, *, page_size: int = 500, alone: list[str] | None = None) -> Rounds:
    """Rounds of which nobody asks for a task by itself, unless there is a list that notes who does."""

    async def ask(job: Job, inputs: Any) -> QueryAnswer:
        assert alone is not None, f"{job.id} was asked for by itself"
        alone.append(job.id)
        return Running()

    return Rounds(Pages(page_size), api, VirtualClock(), ask, min_s=ROUND_S, delivers_file=True)


def _running(api: ListingApi, name: str) -> Job:
    """A job whose task the API has."""
    task_id = api._take(name, 0.0)
    api.tasks[task_id] = (name, 0.0, 1000.0)
    return Job(id=name, fingerprint="f1", uses=USES, operation=USES, state=State.RUNNING, task_id=task_id)


def test_without_a_list_everything_is_as_before(tmp_path: Path) -> None:
    """An operation that has none asks for each task by itself, at the very same moments as ever."""
    world = crowd(tmp_path, 3, looks_up=False)
    world.run([spec("anna")])
    other = World(tmp_path / "other", make_account(limits=world.account.limits))
    other.api.task_s = lambda _job: TASK_S
    other.run([spec("anna")])
    assert world.api.gets == other.api.gets
