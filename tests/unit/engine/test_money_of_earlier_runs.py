"""Money of tasks that earlier runs have left: counted once, on the day of their submission, by what is known of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.answers import Ready, SignAgain
from runner.core.identity import external_id
from runner.core.job import Job, State
from runner.core.money import Budget, Price
from runner.core.plan import FileState
from runner.core.spec import Limits, Timeouts
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import reply, still_running
from tests.unit.engine.own_ids import KnowingApi, knowing
from tests.unit.engine.speech import DAY_S
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import World, make_account, spec, specs, usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.events import Event

DOUBT = events.SubmitLost(at=EPOCH, failure=events.Failure(cause=None, code="P601", message="lost"))


@dataclass(frozen=True, slots=True)
class Tagged(Avatar):
    """The digital human, if it said what a task cost: those of earlier runs (`old/…`) and the others.

    Args:
        old: What the former cost.
        new: What the latter cost.
    """

    old: str = "0.10"
    new: str = "1.00"

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with a price tag on a result."""
        answer = Avatar.read_query(self, reply, inputs)
        if not isinstance(answer, Ready):
            return answer
        return replace(answer, actual=usd(self.old if "/old/" in str(answer.address) else self.new))


def task_of(job_id: str) -> str:
    """The task of a job that an earlier run has submitted."""
    return f"t-{job_id.replace('/', '-')}"


def left(
    world: World, job_id: str, *story: Event, reserved: str | None, at: float = 0.0, uses: str | None = None
) -> None:
    """Leave a job behind whose submission began at a virtual second; a task of its name has its result since then."""
    uses = uses or "digital-human/avatar"
    job = Job(id=job_id, fingerprint="f1", uses=uses, operation="digital-human/avatar")
    intent = events.SubmitStarted(
        at=EPOCH + at,
        external_id=external_id("spring", job_id, "f1", 1),
        request_sha256="00",
        request=b"{}",
        reserved=None if reserved is None else usd(reserved),
        output_stem=job_id,
    )
    world.api.tasks[task_of(job_id)] = (job_id, at, at)
    world.live(job, intent, *story)


def accepted(job_id: str, at: float = 0.0) -> Event:
    """The API took it."""
    return events.Accepted(at=EPOCH + at, task_id=task_of(job_id))


def knows_ids(world: World) -> KnowingApi:
    """Let the API know own ids."""
    api = KnowingApi(world.say)
    world.api = api
    world.apis = dict.fromkeys(world.accounts, api)
    world.operations = knowing()
    world.change(timeouts=Timeouts(submit_s=20.0, lookup_s=(2.0, 4.0)))
    return api


OLDS = [spec(f"old/{number}", duration_s=10.0) for number in range(4)]


def test_yesterdays_tasks_leave_todays_budget_alone(world: World) -> None:
    """They end today, cheaper than reserved: their money comes back to yesterday, and buys nothing today."""
    world.price("1.00")
    world.operations = {"digital-human/avatar": Tagged()}
    for old in OLDS:
        left(world, old.id, accepted(old.id), reserved="1.00", at=-DAY_S)
    world.budgets = [Budget(usd("2.00"), per_day=True)]
    outcome = world.run([*OLDS, *specs(10)])
    assert (outcome.submitted, outcome.stopped_by) == (2, "budget")
    assert "2.00 USD a day" in outcome.closing_reason


def test_a_day_ends_while_a_run_goes_on(world: World) -> None:
    """Each day has its own budget; what is reserved counts on the day on which it was sent."""
    world.price("1.00")
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.api.task_s = lambda _job: 2000.0
    world.now = 3000.0  # midnight is at 6400
    world.budgets = [Budget(usd("2.00"), per_day=True)]
    outcome = world.run(specs(6))
    assert outcome.submitted == 4
    with world.open() as store:
        by_day = {day: store.spent(day=day)[0].amount for day in ("2023-11-14", "2023-11-15")}
    assert by_day == {"2023-11-14": Decimal("2.00"), "2023-11-15": Decimal("2.00")}


def test_a_file_that_is_fetched_again_frees_no_money(world: World) -> None:
    """The tasks are settled since long; that a run was stopped while it asked for them again changes nothing."""
    world.price("1.00")
    world.operations = {"digital-human/avatar": Tagged()}
    world.run(OLDS)
    assert world.spent() == "0.40"
    for old in OLDS:
        world.home.lost[f"{old.id}.mp4"] = FileState.MISSING
        world.api.gets_script[old.id] = [still_running(), still_running()]
    world.stop_at(2.0)
    world.run(OLDS)
    assert set(world.states().values()) == {"running"}
    world.on_start = lambda _run: None
    outcome = world.run([*OLDS, *specs(10)], budget="2.00")
    assert (outcome.submitted, world.spent()) == (1, "1.40")


STORIES: dict[str, tuple[list[Event], str]] = {
    "running": ([accepted("old/0")], "succeeded"),
    "downloading": (
        [accepted("old/0"), events.TaskReady(at=EPOCH, address="https://cdn.example.com/o.mp4")],
        "succeeded",
    ),
    "in doubt": ([DOUBT], "in_doubt"),
}


@pytest.mark.parametrize("name", STORIES)
def test_an_open_task_without_a_reservation_counts_at_todays_price(world: World, name: str) -> None:
    """Its price was not known when it was submitted; one more of the same price fits beside it, and no two."""
    story, end = STORIES[name]
    world.change(
        prices={"avatar": Price(per_second=Decimal("0.10"))}, limits=Limits(in_flight=8, submits_per_minute=6000.0)
    )
    left(world, "old/0", *story, reserved=None)
    outcome = world.run([OLDS[0], *specs(3, duration_s=10.0)], budget="2.50")
    assert (outcome.submitted, outcome.stopped_by) == (1, "budget")
    assert world.states()["old/0"] == end


def test_what_is_assumed_is_replaced_by_what_it_cost(world: World) -> None:
    """Four unpriced tasks turn out to cost a tenth of today's price: after them the rest is there for others."""
    world.price("1.00")
    world.operations = {"digital-human/avatar": Tagged(new="0.90")}
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    for old in OLDS:
        left(world, old.id, accepted(old.id), reserved=None)
    outcome = world.run([*OLDS, *specs(10)], budget="5.00")
    assert (outcome.submitted, world.spent()) == (5, "4.90")


def test_an_open_task_of_an_account_without_work_counts_too(tmp_path: Path) -> None:
    """A doubt on another account, submitted without a price, takes its part of the budget."""
    prices = {"avatar": Price(per_job=Decimal("1.00"))}
    world = World(tmp_path, make_account(name="a", prices=prices), make_account(name="b", prices=prices))
    left(world, "old/0", DOUBT, reserved=None, uses="b/avatar")
    outcome = world.run(specs(3, uses="a/avatar"), budget="2.00")
    assert (outcome.submitted, outcome.stopped_by) == (1, "budget")


def test_what_never_arrived_is_assumed_no_more(world: World) -> None:
    """The API denies a submission that had no reservation: its own money is there for it."""
    knows_ids(world)
    world.price("1.00")
    left(world, "anna", reserved=None)
    outcome = world.run([spec("anna")], budget="1.00")
    assert (outcome.states, world.spent()) == ({State.SUCCEEDED: 1}, "1.00")


def test_a_doubt_that_is_found_counts_once(world: World) -> None:
    """It was assumed when the run began; that its task is found adds nothing."""
    api = knows_ids(world)
    world.price("1.00")
    left(world, "anna", DOUBT, reserved=None)
    api.own[external_id("spring", "anna", "f1", 1)] = ("t-anna", 0.0)
    outcome = world.run([spec("anna"), *specs(3)], budget="2.00")
    assert (outcome.submitted, world.spent()) == (1, "2.00")


def test_fetching_again_is_free_whatever_the_price_list_says(world: World) -> None:
    """What a result cost was settled when it was first seen."""
    world.price("0.20")
    world.run([spec("anna")])
    world.price("5.00")
    world.home.lost["anna.mp4"] = FileState.MISSING
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert (world.spent(), world.rows()["anna"].actual) == ("0.20", usd("0.20"))


def test_a_result_of_unknown_cost_is_not_priced_later(world: World) -> None:
    """It was delivered without a price; a list that is written afterwards makes no debt of it."""
    world.run([spec("anna")])
    world.price("5.00")
    world.home.lost["anna.mp4"] = FileState.MISSING
    world.run([spec("anna")], budget="1.00")
    assert (world.spent(), world.rows()["anna"].actual) == ("0", None)


def test_the_providers_word_corrects_what_was_settled(world: World) -> None:
    """It names another amount when it is asked again: that counts instead, not in addition."""
    world.price("0.20")
    world.run([spec("anna")])
    world.operations = {"digital-human/avatar": Tagged(new="0.30")}
    world.home.lost["anna.mp4"] = FileState.MISSING
    world.run([spec("anna")], budget="1.00")
    assert world.spent() == "0.30"


def test_money_is_not_free_while_a_submission_is_signed_again(world: World) -> None:
    """Between the refusal of a stale signature and the second submission another job must not take its money."""

    class Picky(Avatar):
        def read_submission(self, reply: Reply) -> SubmitAnswer:
            stale = SignAgain("the signature is too old")
            return stale if reply.status == 498 else Avatar.read_submission(self, reply)

    world.price("1.00")
    world.change(limits=Limits(in_flight=4, submits_per_minute=6000.0))
    world.operations = {"digital-human/avatar": Picky()}
    world.api.posts_script["hello/000"] = [reply(498)]
    sums: list[Decimal] = []
    world.after_commit = lambda store: sums.append(sum((each.amount for each in store.spent()), Decimal(0)))
    outcome = world.run(specs(3), budget="1.00")
    assert (outcome.states, set(sums)) == ({State.SUCCEEDED: 1}, {Decimal("1.00")})
    assert [json.loads(post.body)["avatar_url"] for post in world.api.posts] == [
        "https://faces.example.com/hello/000.png"
    ] * 2


# --- tasks that are only watched ----------------------------------------------------------------------------------------


def two_accounts(tmp_path: Path) -> World:
    """A task on account `b` that belongs to no job, 1.00 reserved; both accounts have work."""
    prices = {"avatar": Price(per_job=Decimal("1.00"))}
    world = World(tmp_path, make_account(name="a", prices=prices), make_account(name="b", prices=prices))
    left(world, "old/0", accepted("old/0"), reserved="1.00", uses="b/avatar")
    world.api.tasks[task_of("old/0")] = ("old/0", 0.0, 500.0)
    return world


def chain() -> list[Any]:
    """A job on `a`, and one on `b` that needs it."""
    return [spec("x", uses="a/avatar"), spec("z", uses="b/avatar", needs=("x",))]


def test_money_of_a_watched_task_is_waited_for(tmp_path: Path) -> None:
    """It costs less than reserved, and what comes back buys a job on another account."""
    world = two_accounts(tmp_path)
    world.operations = {"digital-human/avatar": Tagged(old="0.10", new="0.50")}
    outcome = world.run(chain(), budget="1.60")
    assert (outcome.states, world.spent()) == ({State.SUCCEEDED: 2}, "1.10")


def test_money_that_cannot_suffice_is_not_waited_for(tmp_path: Path) -> None:
    """Even if the watched task cost nothing, the next job would not fit: the run ends at once and says why."""
    world = two_accounts(tmp_path)
    outcome = world.run(chain(), budget="0.90")
    assert (outcome.stopped_by, outcome.unfinished, world.now) == ("budget", 2, 0.0)
    assert "does not fit into the budget of 0.90 USD" in outcome.closing_reason


def test_a_watched_task_that_frees_nothing_ends_in_a_reason(tmp_path: Path) -> None:
    """It is waited for, costs all that was reserved, and the run says that the budget is used up."""
    world = two_accounts(tmp_path)
    outcome = world.run(chain(), budget="1.50")
    assert (outcome.stopped_by, outcome.unfinished) == ("budget", 2)
    assert world.now >= 500.0
