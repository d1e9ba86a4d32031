"""Budgets: reserved before every submission, settled by what it cost, never exceeded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from runner.core.answers import Ready
from runner.core.errors import ManifestInvalid
from runner.core.job import State
from runner.core.money import Budget, Price
from runner.core.spec import Limits
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import LOST, TAKES, TAKES_AND_DIES, complaint, done, failed, unsent
from tests.unit.engine.world import World, make_account, spec, specs, usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from runner.core.answers import Exchange, QueryAnswer, Reply


@dataclass(frozen=True, slots=True)
class Metered(Avatar):
    """The digital human, if it said what a task cost."""

    cost: str = "0.05"

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with a price tag on a result."""
        answer = Avatar.read_query(self, reply, inputs)
        return replace(answer, actual=usd(self.cost), units="1") if isinstance(answer, Ready) else answer


def test_a_budget_is_never_exceeded_and_says_so(world: World) -> None:
    """Five jobs fit into a dollar, the sixth does not: it stays pending, and the run tells why."""
    world.price("0.20")
    outcome = world.run(specs(7), budget="1.10")
    assert (outcome.states, outcome.unfinished, outcome.stopped_by) == ({State.SUCCEEDED: 5}, 2, "budget")
    assert "0.20 USD" in outcome.closing_reason
    assert "1.10 USD" in outcome.closing_reason
    assert (world.spent(), len(world.api.posts)) == ("1.00", 5)


def test_earlier_runs_count(world: World) -> None:
    """A budget is for all that the state has ever spent."""
    world.price("0.20")
    world.run(specs(3))
    assert world.run(specs(7), budget="1.00").submitted == 2


def test_the_strictest_budget_wins(world: World) -> None:
    """Of two budgets the smaller one ends submissions."""
    world.price("0.20")
    world.budgets = [Budget(usd("5.00"))]
    assert world.run(specs(7), budget="0.40").submitted == 2


def test_a_budget_of_the_day_forgets_yesterday(world: World) -> None:
    """What an earlier day has spent does not count."""
    world.price("0.20")
    world.now = -86_400.0
    world.run(specs(3))
    world.now = 0.0
    world.budgets = [Budget(usd("0.40"), per_day=True)]
    assert world.run(specs(7)).submitted == 2


def test_what_it_really_cost_replaces_the_reservation(world: World) -> None:
    """A task that cost a quarter of the estimate leaves room for more jobs in the same run."""
    world.price("0.20")
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.operations = {"digital-human/avatar": Metered()}
    outcome = world.run(specs(8), budget="0.35")
    assert (outcome.submitted, world.spent()) == (4, "0.20")


def test_money_that_may_come_back_is_waited_for(world: World) -> None:
    """A job that does not fit beside what is in flight waits for it to settle: more slots must not mean fewer jobs."""
    world.price("0.20")
    world.operations = {"digital-human/avatar": Metered()}
    outcome = world.run(specs(8), budget="0.45")
    assert outcome.submitted == 6
    assert (outcome.stopped_by, world.spent()) == ("budget", "0.30")


def test_a_refusal_gives_its_money_back(world: World) -> None:
    """What was refused costs nothing, and another job may have its place."""
    world.price("0.20")
    world.api.posts_script["hello/000"] = [complaint(400)]
    outcome = world.run(specs(3), budget="0.40")
    assert (outcome.states, world.spent()) == ({State.FAILED: 1, State.SUCCEEDED: 2}, "0.40")


def test_a_failed_task_counts_in_full(world: World) -> None:
    """A generation that failed may be billed: nothing else is bought with that money."""
    world.price("0.20")
    world.api.results["hello/000"] = failed()
    outcome = world.run(specs(3), budget="0.40")
    assert (outcome.submitted, world.spent()) == (2, "0.40")


def test_a_price_by_second_is_reserved_by_the_inputs(world: World) -> None:
    """The estimate counts the seconds that the inputs tell."""
    world.change(prices={"avatar": Price(per_second=Decimal("0.056"))})
    world.run([spec("anna", duration_s=10.0)], budget="1.00")
    assert world.rows()["anna"].reserved == usd("0.560")


def test_an_unknown_price_under_a_budget_is_a_finding(world: World) -> None:
    """Nothing is sent when a budget is set and a price is not known; each operation is named once."""
    with pytest.raises(ManifestInvalid) as refused:
        world.run(specs(3), budget="1.00")
    assert [finding.code for finding in refused.value.diagnostics] == ["M601"]
    assert not world.api.posts


def test_without_a_budget_an_unknown_price_is_fine(world: World) -> None:
    """What it cost stays unknown, never zero."""
    outcome = world.run(specs(2))
    assert outcome.states == {State.SUCCEEDED: 2}
    assert world.rows()["hello/000"].actual is None


ANSWERS: list[Exchange | str] = [TAKES, TAKES_AND_DIES, LOST, unsent(), complaint(400), complaint(429), complaint(500)]


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
@given(
    cents=st.integers(1, 200),
    in_flight=st.integers(1, 6),
    actual=st.integers(0, 20),
    script=st.lists(st.sampled_from(range(len(ANSWERS))), max_size=8),
    losers=st.sets(st.integers(0, 9), max_size=3),
)
def test_the_ledger_never_goes_over_the_budget(  # noqa: PLR0917  hypothesis gives each by its name
    cents: int,
    in_flight: int,
    actual: int,
    script: list[int],
    losers: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With many submissions at once, any answers and two runs, what the state calls spent is within the budget after every commit."""
    world = World(tmp_path_factory.mktemp("money"))
    world.price("0.20")
    world.change(limits=Limits(in_flight=in_flight, submits_per_minute=6000.0))
    world.operations = {"digital-human/avatar": Metered(cost=f"0.{actual:02d}")}
    world.api.posts_script["*"] = [ANSWERS[number] for number in script]
    jobs = specs(10)
    for place in losers:
        world.api.results[jobs[place].id] = failed()
    budget = f"{cents / 100:.2f}"
    most: list[Decimal] = []
    world.after_commit = lambda store: most.append(sum((each.amount for each in store.spent()), Decimal(0)))
    for _ in range(2):
        assert world.run(jobs, budget=budget).fatal is None
    assert max(most, default=Decimal(0)) <= Decimal(budget)


def test_a_full_disk_closes_submissions_alone(world: World) -> None:
    """Nothing is bought that cannot be stored; what is paid is brought home; with room again the rest is made."""
    world.api.task_s = lambda _job: 20.0
    world.run(specs(1))
    world.home.free = 64 * 2**20 + 3000
    outcome = world.run(specs(9))
    assert (outcome.stopped_by, outcome.fatal) == ("space", None)
    assert "MiB" in outcome.closing_reason
    assert outcome.states[State.SUCCEEDED] < 9
    assert set(world.states().values()) == {"succeeded"}
    world.home.free = 10**12
    assert world.run(specs(9)).states == {State.SUCCEEDED: 9}


def test_results_that_wait_for_their_download_need_room_too(world: World) -> None:
    """Room is kept for tasks in flight and for results that are still on their way."""
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0, downloads=1))
    world.home.transfer_s = 10_000.0
    world.home.free = 64 * 2**20 + 5 * 2**19
    outcome = world.run(specs(9))
    assert outcome.stopped_by == "space"
    assert len(world.api.posts) == 2


def test_a_result_without_any_address_costs_what_the_list_says(world: World) -> None:
    """The price list speaks where the provider says nothing."""
    world.price("0.20")
    world.api.results["anna"] = done("anna")
    world.run([spec("anna")])
    assert world.rows()["anna"].actual == usd("0.20")


def test_what_an_empty_account_did_not_take_is_there_for_another(tmp_path: Path) -> None:
    """A task that ended for lack of credit owes nothing: in the same run its money buys a job of another account."""
    prices = {"avatar": Price(per_job=Decimal("0.20"))}
    world = World(tmp_path, make_account(prices=prices), make_account(name="second", prices=prices))
    world.api.results["anna"] = failed(-3)
    outcome = world.run([spec("anna"), spec("ben", uses="second/avatar")], budget="0.20")
    assert world.states() == {"anna": "pending", "ben": "succeeded"}
    assert (outcome.unfinished, world.spent()) == (1, "0.20")
