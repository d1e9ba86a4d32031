"""kill -9 around a submission to Kling: the next run finds what was made, sends again what was not, and leaves no doubt."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.api import Moment
from tests.fakeapi.script import ACCEPT, Break, accepted, always, by_turn, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

JOBS = 6
ANSWERED_DELAYS_S = (0.0, 0.002, 0.008)
"""After a reply: it is being read, stored, parsed, committed."""

Point = tuple[Moment, int, float]
"""A moment on the server's side, which time it comes, and how many seconds later the kill follows."""

POINTS: list[Point] = [
    *((Moment.CREATE_ARRIVED, nth, 0.0) for nth in (1, 4)),
    *((Moment.CREATE_ACCEPTED, nth, 0.0) for nth in (1, 6)),
    *((Moment.CREATE_REPLIED, 2, delay) for delay in ANSWERED_DELAYS_S),
    (Moment.LOOKUP_ARRIVED, 3, 0.0),
    (Moment.LOOKUP_REPLIED, 3, 0.001),
]
PAIRS: list[tuple[Point, Point]] = [
    ((Moment.CREATE_ACCEPTED, 2, 0.0), (Moment.LOOKUP_ARRIVED, 1, 0.0)),
    ((Moment.CREATE_ACCEPTED, 3, 0.0), (Moment.LOOKUP_REPLIED, 1, 0.002)),
    ((Moment.CREATE_ACCEPTED, 2, 0.0), (Moment.CREATE_ACCEPTED, 1, 0.0)),
]


def _name(point: Point) -> str:
    moment, nth, delay_s = point
    return f"{moment.name.lower()} {nth} +{delay_s * 1000:g}ms"


@pytest.fixture
def victim(make_stage: Callable[..., Stage]) -> Stage:
    """Six avatars, three at a time, and little patience."""
    stage = make_stage(provider="kling", jobs=JOBS, in_flight=3)
    stage.campaign.account["timeouts"] |= {"submit_s": 1, "lookup_s": [0.3, 0.3]}
    stage.campaign.write()
    return stage


def kill_at(stage: Stage, point: Point) -> None:
    """Start a run, kill it at the point, and make sure that it was the kill that ended it."""
    moment, nth, delay_s = point
    running = stage.start()
    later = threading.Timer(delay_s, running.kill)
    stage.server.strike_at(moment, nth, later.start if delay_s else running.kill)
    running.wait().expect(-signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS, ids=_name)
def test_kill_at_a_point(victim: Stage, point: Point) -> None:
    """One more run is all it takes: no decision, every job paid once."""
    kill_at(victim, point)
    victim.run()
    assert victim.reported() == {"succeeded": JOBS}
    assert len(victim.ledger.accepted) == JOBS


def test_kill_where_look_ups_lag(victim: Stage) -> None:
    """The same where a new task is found only after the POST's hard limit."""
    victim.server.kling.shown_after_s = 1.1
    kill_at(victim, (Moment.CREATE_ACCEPTED, 3, 0.0))
    victim.run()
    assert len(victim.ledger.accepted) == JOBS


def test_kill_before_acceptance(victim: Stage) -> None:
    """A submission that the server did not take is sent again with the same id and bytes, as the same attempt."""
    nth = 3
    victim.script(by_turn({nth: refused(Break.RESET)}, ACCEPT))
    kill_at(victim, (Moment.CREATE_ARRIVED, nth, 0.0))
    victim.run()
    bodies = [create.body for create in victim.ledger.creates]
    assert bodies.count(bodies[nth - 1]) == 2
    assert len(victim.ledger.accepted) == JOBS
    assert {row["attempts"] for row in victim.report()["jobs"]} == {1}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " then ".join(map(_name, pair)))
def test_kill_during_look_ups(victim: Stage, pair: tuple[Point, Point]) -> None:
    """A kill while lost submissions are looked up does no more harm than the first."""
    for point in pair:
        kill_at(victim, point)
    victim.run()
    assert len(victim.ledger.accepted) == JOBS


def test_many_kills(make_stage: Callable[..., Stage]) -> None:
    """A run that is killed again and again gets done without a decision, with every job paid once."""
    stage = make_stage(provider="kling", jobs=16, in_flight=4)
    stage.campaign.account["timeouts"] |= {"submit_s": 0.5, "lookup_s": [0.2, 0.2]}
    stage.campaign.write()
    stage.script(always(accepted(seconds=0.2)))
    pace = random.Random(4)
    for _ in range(4):
        running = stage.start()
        time.sleep(pace.uniform(0.8, 1.6))
        running.kill()
        if running.wait().code != -signal.SIGKILL:
            break
    stage.run()
    assert len(stage.ledger.accepted) == 16
