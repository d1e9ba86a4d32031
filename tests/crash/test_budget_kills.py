"""A budget is never exceeded by what was accepted and what is in doubt, whatever is killed and however many are sent at once."""

from __future__ import annotations

import random
import signal
import time
import wave
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.audit import budget_holds
from tests.fakeapi.script import Break, accepted, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakeapi.ledger import Create
    from tests.fakeapi.script import Reaction, Script
    from tests.stage import Stage

JOBS = 16
PER_SECOND = Decimal("0.04")
_HERTZ = 8000


def priced(stage: Stage, price: dict[str, str], budget: str) -> None:
    """Give the campaign a price and a budget."""
    uses = stage.campaign.job["uses"]
    stage.campaign.manifest |= {"budget": {"max": budget, "currency": "USD"}, "prices": {uses: price}}
    stage.budget = Decimal(budget)
    stage.campaign.write()


def per_job(stage: Stage) -> int:
    """0.20 a job, money for seven of them and a little."""
    priced(stage, {"per_job": "0.20"}, "1.50")
    stage.costs = dict.fromkeys(stage.campaign.rows.values(), Decimal("0.20"))
    return 7


def per_second(stage: Stage) -> int:
    """0.04 a second of recordings between 2 and 5 s, all in local files; money for about half of them."""
    stage.campaign.job["with"]["sound_file"] = {"file": "sounds/{{ row.key }}.wav"}
    (stage.campaign.folder / "sounds").mkdir()
    for number, (key, speech) in enumerate(stage.campaign.rows.items()):
        write_sound(stage.campaign.folder / "sounds" / f"{key}.wav", 2 + number % 4, number)
        stage.costs[speech] = PER_SECOND * (2 + number % 4)
    priced(stage, {"per_second": str(PER_SECOND)}, "1.05")
    return 6


def write_sound(path: Path, seconds: int, pitch: int) -> None:
    """A recording of its own."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_HERTZ)
        period = bytes(step * (pitch + 3) % 256 for step in range(_HERTZ))
        file.writeframes(period * seconds)


PRICES = {
    "digital-human, per job": ("digital-human", per_job),
    "kling, per job": ("kling", per_job),
    "kling, per second": ("kling", per_second),
}


@pytest.fixture(params=list(PRICES.values()), ids=list(PRICES))
def poor(request: pytest.FixtureRequest, make_stage: Callable[..., Stage]) -> tuple[Stage, int]:
    """More jobs than there is money for, ten at once; with the least number of them that the money is enough for."""
    provider, set_prices = request.param
    stage = make_stage(provider=provider, jobs=JOBS, in_flight=10)
    stage.campaign.account["timeouts"] |= {"submit_s": 0.5, "lookup_s": [0.2, 0.2]}
    return stage, set_prices(stage)


def test_budget_with_many_at_once(poor: tuple[Stage, int]) -> None:
    """Ten at once spend no more than one by one, and no less: what is left would not pay another job."""
    stage, affordable = poor
    stage.script(taking(stage, seconds=0.1))
    stage.run(code=5)
    assert len(stage.ledger.accepted) >= affordable
    assert_all_is_spent(stage)


def taking(stage: Stage, seconds: float) -> Script:
    """Takes every submission; its video lasts as long as its recording, where that has a price."""
    return lambda create, _number: accepted(seconds=seconds, duration=str(stage.costs[create.speech] / PER_SECOND))


def losing(takes: Script) -> Script:
    """The same, but the second, fifth and eighth reply are lost, and the fifth submission does not arrive."""

    def react(create: Create, number: int) -> Reaction:
        reaction = takes(create, number)
        if number == 5:
            return refused(Break.RESET)
        return replace(reaction, reply=Break.RESET) if number in (2, 8) else reaction

    return react


def assert_all_is_spent(stage: Stage) -> None:
    """What is left would not pay the first job that was not made; a submission that a person had sent again counts as paid."""
    assert stage.budget is not None
    made = {create.speech for create in stage.ledger.accepted}
    doubted = [it.speech for it in stage.ledger.creates if not it.is_accepted and it.external_id is None]
    left = stage.budget - sum(stage.costs[speech] for speech in (*made, *doubted))
    assert left < next(cost for speech, cost in stage.costs.items() if speech not in made)


def test_budget_with_kills(poor: tuple[Stage, int]) -> None:
    """Killed again and again, and replies lost meanwhile: the budget holds after each kill, and is spent in the end."""
    stage, _ = poor
    takes = taking(stage, seconds=0.3)
    stage.script(losing(takes))
    pace = random.Random(stage.campaign.job["uses"])
    for _ in range(2):
        running = stage.start()
        time.sleep(pace.uniform(0.8, 1.3))
        running.kill()
        if running.wait().code != -signal.SIGKILL:
            break
        assert not list(budget_holds(stage.evidence()))
    stage.script(takes)
    while stage.callsheet("run", "campaign.yaml").code == 6:
        assert not list(budget_holds(stage.evidence()))
        assert stage.settle_doubts()
    assert_all_is_spent(stage)
