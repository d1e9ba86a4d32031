"""Two hundred avatars at once: the server's limit is found and kept, and lists are asked instead of tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.kling_replies import refusal
from tests.fakeapi.script import Answer, Break, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

CROWD = 200
ROUND_S = 0.5
WATCHED_S = 4.0


def test_server_that_allows_five(make_stage: Callable[..., Stage]) -> None:
    """All succeed; after the first seconds hardly a create is answered with 1303."""
    stage = make_stage(provider="kling", jobs=CROWD, in_flight=CROWD, watches_intents=False)
    stage.campaign.account["poll"] = {"min_s": 0.1, "max_s": 0.2}
    stage.campaign.write()
    stage.server.kling.slots = 5
    stage.script(always(accepted(seconds=0.2)))
    stage.run(seconds=120)
    assert stage.reported() == {"succeeded": CROWD}
    creates = stage.ledger.creates
    began = creates[0].at
    settled = [create for create in creates if create.at > began + 3.0]
    refusals = sum(not create.is_accepted for create in settled)
    assert len(settled) > CROWD / 2, "the crowd was through before anything could fade away"
    assert refusals <= len(settled) / 30, f"{refusals} of {len(settled)} creates were refused after the first seconds"


def test_rounds_of_a_crowd(make_stage: Callable[..., Stage]) -> None:
    """While two hundred tasks run, a round of questions is at most two requests."""
    stage = make_stage(provider="kling", jobs=CROWD, in_flight=CROWD, watches_intents=False)
    stage.campaign.account["poll"] = {"min_s": ROUND_S, "max_s": ROUND_S}
    stage.campaign.write()
    stage.script(always(accepted(seconds=60.0)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.accepted) == CROWD, 30)
    time.sleep(ROUND_S)
    before = asked(stage)
    time.sleep(WATCHED_S)
    requests = asked(stage) - before
    stage.server.end_tasks()
    running.wait().expect(0)
    rounds = WATCHED_S / ROUND_S
    assert rounds / 4 <= requests <= 2 * (rounds + 1)
    assert stage.reported() == {"succeeded": CROWD}


def asked(stage: Stage) -> int:
    """Questions about running tasks so far."""
    return len(stage.ledger.polls) + len(stage.ledger.lists)


@pytest.mark.parametrize(
    "habit",
    [
        pytest.param({"newest_first": False}, id="oldest first"),
        pytest.param({"strangers": 1200}, id="others' tasks first"),
        pytest.param({"strangers": 1200, "newest_first": False}, id="others' tasks, then the oldest"),
        pytest.param({"shown_after_s": 60.0}, id="lagging"),
        pytest.param({"list_answers": [refusal(5000), Break.CUT_BODY, Answer(200, b"[]"), refusal(1302)]}, id="ailing"),
        pytest.param({"list_answers": [refusal(1203)] * 1000}, id="without lists"),
    ],
)
def test_whatever_lists_are_like(make_stage: Callable[..., Stage], habit: dict[str, object]) -> None:
    """Lists in any order, late, full of others' tasks, or broken: every task comes home, and none is asked for more often than by itself."""
    stage = make_stage(provider="kling", jobs=12, in_flight=12)
    for name, value in habit.items():
        setattr(stage.server.kling, name, value)
    stage.script(always(accepted(seconds=1.0)))
    stage.run()
    assert stage.reported() == {"succeeded": 12}
    assert asked(stage) <= 12 * 12
