"""Ends that come at once, and ends that belong to somebody else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from runner.core.answers import Accepted, Ended, Ready
from runner.core.events import Cause, Failure
from runner.core.identity import external_id
from runner.core.job import State
from runner.providers.digital_human import Avatar
from runner.providers.registry import PROVIDERS
from tests.unit.engine.api import done, failed
from tests.unit.engine.world import spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from tests.unit.engine.world import World


@dataclass(frozen=True, slots=True)
class Failing(Avatar):
    """The digital human, if a task could fail in the reply to its own submission."""

    charged: bool | None = None

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """The real answer, with the end of the task."""
        answer = Avatar.read_submission(self, reply)
        failure = Failure(cause=Cause.GENERATION, code="P301", message="no such voice")
        return replace(answer, ended=Ended(failure, charged=self.charged)) if isinstance(answer, Accepted) else answer


@dataclass(frozen=True, slots=True)
class Naming(Avatar):
    """The digital human, if its replies named the task: they call it `names`."""

    names: tuple[str, ...] = ()

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with the names."""
        answer = Avatar.read_query(self, reply, inputs)
        if not isinstance(answer, Ready | Ended):
            return answer
        return replace(answer, names=self.names) if "stranger" in str(answer) else answer


@pytest.mark.parametrize(("charged", "spent"), [(True, "0.20"), (None, "0.20"), (False, "0")])
def test_a_task_that_fails_at_once_may_cost_money(world: World, charged: bool | None, spent: str) -> None:
    """It was taken and has failed: no poll asks for it, and what it was charged is not forgotten."""
    world.price("0.20")
    world.operations = {"digital-human/avatar": Failing(charged=charged)}
    outcome = world.run([spec("anna")])
    assert (outcome.states, world.api.gets) == ({State.FAILED: 1}, [])
    assert float(world.spent()) == float(spent)
    assert world.rows()["anna"].task_id == "t-anna-1"


@pytest.mark.parametrize("end", ["ready", "ended"])
def test_the_end_of_another_task_ends_nothing(world: World, end: str) -> None:
    """A gateway that mixes tasks up is asked again, and nobody else's video comes home."""
    world.operations = {"digital-human/avatar": Naming(names=("t-other-1", "cs-0"))}
    failure = {"fail_reason": "stranger"}
    odd = (
        done("stranger")
        if end == "ready"
        else replace(failed(), body=failed().body.replace(b'"FAILURE"', _with(failure)))
    )
    world.api.gets_script["anna"] = [odd]
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 1}, 1)
    assert len(world.api.gets) > 1
    assert "stranger" not in str(world.rows()["anna"].outputs)


@pytest.mark.parametrize("names", [("x", "t-anna-1"), ("x", external_id("spring", "anna", "f1", 1)), ("x",)])
def test_the_end_under_our_own_id_ends_the_job(world: World, names: tuple[str, ...]) -> None:
    """A gateway may have a name of its own for a task; that alone does not make it another's."""
    world.operations = {"digital-human/avatar": Naming(names=names)}
    world.api.gets_script["anna"] = [done("stranger")]
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert "stranger" in str(world.rows()["anna"].outputs)


def _with(fields: Mapping[str, str]) -> bytes:
    """The status of a failure, with more fields behind it."""
    more = "".join(f',"{name}":"{value}"' for name, value in fields.items())
    return f'"FAILURE"{more}'.encode()


def test_bytes_that_the_api_serves_itself_are_fetched_by_the_id_that_was_asked_for(world: World) -> None:
    """The id in an answer may be another name of the task."""
    real = PROVIDERS["digital-human"].operations["avatar"]
    serving = replace(real.traits, content_path="/bytes/{task_id}/content")
    world.operations = {"digital-human/avatar": Naming(traits=serving)}
    world.api.gets_script["anna"] = [done("stranger", address="")]
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert [order.address for order in world.home.orders] == ["https://api.example.com/v1/bytes/t-anna-1/content"]
