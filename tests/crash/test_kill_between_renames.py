"""SIGKILL while jobs get new ids: whatever is killed, and wherever the state is lost, nothing is paid twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.api import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


@pytest.mark.parametrize("loses_database", [False, True])
@pytest.mark.parametrize("seconds", [0.35, 0.5, 0.65])
def test_kills_before_and_while_jobs_are_renamed(
    make_stage: Callable[..., Stage], seconds: float, *, loses_database: bool
) -> None:
    """Killed after three acceptances, renamed, killed at any time of the next start, renamed again: six jobs, six payments."""
    stage = make_stage(jobs=6, in_flight=3)
    running = stage.start()
    stage.server.strike_at(Moment.CREATE_ACCEPTED, 3, running.kill)
    running.wait().expect(-9)
    stage.campaign.manifest["moved"] = [{"from": "hello", "to": "welcome"}]
    stage.campaign.rename("welcome")
    running = stage.start()
    later = threading.Timer(seconds, running.kill)
    later.start()
    running.wait()
    later.cancel()
    if loses_database:
        for path in stage.places.state.parent.glob("state.db*"):
            path.unlink()
    stage.campaign.manifest["moved"].append({"from": "welcome", "to": "greeting"})
    stage.campaign.rename("greeting")
    stage.recover()
    assert len(stage.ledger.accepted) == 6
    assert {job["id"].partition("/")[0] for job in stage.report()["jobs"]} == {"greeting"}
