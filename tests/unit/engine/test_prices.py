"""What jobs are expected to cost: by the length of a recording that another job makes, by units, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core.answers import Ended, Ready
from runner.core.codes import Code
from runner.core.errors import ManifestInvalid
from runner.core.events import Cause
from runner.core.job import State
from runner.core.money import Price
from runner.core.spec import Limits
from runner.engine.survey import Scope, survey
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import failed
from tests.unit.engine.speech import speaking, speech, with_speech
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import Sheet, World, spec, specs, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from runner.core.answers import QueryAnswer, Reply
    from runner.core.spec import JobSpec

BY_LENGTH = {"speech": Price(per_job=Decimal("0.10")), "avatar": Price(per_second=Decimal("0.05"))}
BY_UNIT = Price(per_unit=Decimal("0.10"), expected_units=Decimal(4))


@dataclass(frozen=True, slots=True)
class Counted(Avatar):
    """The digital human, if it counted units and did not charge for failures.

    Args:
        units: What each task takes.
    """

    units: str = "4"

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with what it takes."""
        match Avatar.read_query(self, reply, inputs):
            case Ready() as ready:
                return replace(ready, units=self.units)
            case Ended() as ended:
                return replace(ended, charged=False)
            case answer:
                return answer


@pytest.fixture
def spoken(world: World) -> World:
    """An API whose recordings last 12 s, and whose avatars are priced by the second."""
    with_speech(world)
    world.change(prices=BY_LENGTH)
    return world


def length_in_plan(world: World, jobs: Sequence[JobSpec], job_id: str) -> float | None:
    """How long a plan says that a job's result will last."""
    with world.open() as store:
        sheet, scope = Sheet(jobs, world.accounts, str(world.folder)), Scope(now=EPOCH + world.now)
        found = {it.spec.id: it.spec.duration_s for it in survey(sheet, store, world.home, scope, lambda _: None)}
    return found[job_id]


# --- by second --------------------------------------------------------------------------------------------------------


def test_an_avatar_is_reserved_by_the_length_of_its_recording(spoken: World) -> None:
    """Unknown when the run begins, exact when its turn comes; the budget does not keep it from beginning."""
    spoken.run([speech(), speaking("anna")], budget="0.70")
    assert (spoken.rows()["anna"].reserved, spoken.states()["anna"]) == (usd("0.600"), "succeeded")


def test_what_does_not_fit_by_its_length_is_left(spoken: World) -> None:
    """The recording is made, and the avatar that would exceed the budget is not sent."""
    outcome = spoken.run([speech(), speaking("anna")], budget="0.69")
    assert (outcome.stopped_by, [post.job for post in spoken.api.posts]) == ("budget", ["voice"])
    assert "0.600 USD" in outcome.closing_reason


def test_a_plan_knows_the_length_as_soon_as_the_recording_is_there(spoken: World) -> None:
    """Before, it is not known; after, it is that of the recording which the job asks for."""
    jobs = [speech(), speaking("anna")]
    assert length_in_plan(spoken, jobs, "anna") is None
    spoken.run([speech()])
    assert length_in_plan(spoken, jobs, "anna") == 12.0
    other = speaking("anna", content=b'{"audio_url":{"job":"f2","output":"audio_id"}}')
    assert length_in_plan(spoken, [speech(fingerprint="f2"), other], "anna") is None


def test_under_a_budget_nothing_of_unknown_price_is_sent(world: World) -> None:
    """The recording says nothing of its length: the avatar fails unsent and says why, and others are made."""
    with_speech(world, lasts_s=None)
    world.change(prices=BY_LENGTH)
    world.run([speech(), speaking("anna"), speech("ben")], budget="5.00")
    failure = world.rows()["anna"].failure
    assert failure is not None
    assert (failure.cause, failure.code) == (Cause.NOT_ACCEPTED, Code.UNPRICED)
    assert "how long what `voice` gave lasts is not known" in failure.message
    assert sorted(post.job for post in world.api.posts) == ["ben", "voice"]
    assert world.spent() == "0.20"


def test_without_a_budget_an_unknown_length_is_fine(world: World) -> None:
    """It is sent, and what it cost stays unknown."""
    with_speech(world, lasts_s=None)
    world.change(prices=BY_LENGTH)
    assert world.run([speech(), speaking("anna")]).states == {State.SUCCEEDED: 2}
    assert world.rows()["anna"].reserved is None


# --- by unit ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(per_unit=Decimal("0.10")), "add `expected_units`"),
        (Price(per_second=Decimal("0.10")), "price it `per_job`"),
        (None, "say it under `prices:`"),
    ],
)
def test_a_finding_says_what_would_make_the_price_known(world: World, price: Price | None, words: str) -> None:
    """Each kind of unknown has its own remedy."""
    world.change(prices={} if price is None else {"avatar": price})
    with pytest.raises(ManifestInvalid) as refused:
        world.run([spec("anna")], budget="1.00")
    (finding,) = refused.value.diagnostics
    assert finding.code == "M601"
    assert words in finding.notes[0]


def test_expected_units_are_reserved_and_counted_units_settle(world: World) -> None:
    """Two jobs fit at a time; as they take a quarter of what was expected, more follow."""
    world.change(prices={"avatar": BY_UNIT}, limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.operations = {"digital-human/avatar": Counted(units="1")}
    outcome = world.run(specs(8), budget="0.90")
    assert (outcome.submitted, world.spent(), outcome.stopped_by) == (6, "0.60", "budget")
    row = world.rows()["hello/000"]
    assert (row.reserved, row.actual, row.units) == (usd("0.40"), usd("0.10"), "1")


def test_more_units_than_expected_shrink_what_is_left(world: World) -> None:
    """The provider's word counts: what it took is spent, and nothing is submitted that no longer fits."""
    world.change(prices={"avatar": BY_UNIT}, limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.operations = {"digital-human/avatar": Counted(units="9")}
    outcome = world.run(specs(3), budget="1.20")
    assert (outcome.submitted, world.spent(), outcome.stopped_by) == (1, "0.90", "budget")


# --- what comes back --------------------------------------------------------------------------------------------------


def test_a_failure_that_is_not_charged_gives_its_money_back(world: World) -> None:
    """In the same run its money buys another job, and its cost is known: nothing."""
    world.price("0.20")
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.operations = {"digital-human/avatar": Counted()}
    world.api.results["hello/000"] = failed()
    outcome = world.run(specs(3), budget="0.40")
    assert (outcome.states, world.spent()) == ({State.FAILED: 1, State.SUCCEEDED: 2}, "0.40")
    assert world.rows()["hello/000"].actual == usd("0")
