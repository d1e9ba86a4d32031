"""kill -9 anywhere: no job paid twice, no accepted task lost, no bad file under a final name."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.api import Moment
from tests.fakeapi.script import FilePlan, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

JOBS = 6
TASK = accepted(seconds=0.1, file=FilePlan(padding_bytes=300_000, pause_s=0.03))

Point = tuple[Moment, int, float]
"""A moment on the server's side, which time it comes, and how many seconds later the kill follows."""

REPLY_DELAYS_S = (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016)
"""After a reply: it is being read, stored, parsed, committed, its task polled."""
FILE_DELAYS_S = (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03)
"""After the last byte of a file: verified, synced, renamed, committed, tidied."""

POINTS: list[Point] = [
    *((Moment.CREATE_ARRIVED, nth, 0.0) for nth in (1, 2, 4, 6)),
    *((Moment.CREATE_ACCEPTED, nth, 0.0) for nth in (1, 2, 3, 6)),
    *((Moment.CREATE_REPLIED, nth, delay) for nth in (1, 3) for delay in REPLY_DELAYS_S),
    *((Moment.POLL_ARRIVED, nth, 0.0) for nth in (1, 3, 6)),
    *((Moment.POLL_REPLIED, nth, delay) for nth, delay in ((1, 0.0), (2, 0.001), (4, 0.002), (6, 0.004))),
    *((Moment.FETCH_ARRIVED, nth, 0.0) for nth in (1, 3, 6)),
    *((Moment.FETCH_HALFWAY, nth, delay) for nth, delay in ((1, 0.0), (2, 0.002), (4, 0.01), (6, 0.0))),
    *((Moment.FETCH_DONE, nth, delay) for nth in (1, 5) for delay in FILE_DELAYS_S),
]
TIMES_S = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
PAIRS: list[tuple[Point, Point]] = [
    ((Moment.CREATE_ACCEPTED, 2, 0.0), (Moment.CREATE_ACCEPTED, 1, 0.0)),
    ((Moment.CREATE_REPLIED, 3, 0.0), (Moment.CREATE_REPLIED, 1, 0.001)),
    ((Moment.CREATE_REPLIED, 2, 0.001), (Moment.POLL_ARRIVED, 1, 0.0)),
    ((Moment.POLL_REPLIED, 4, 0.001), (Moment.FETCH_HALFWAY, 1, 0.0)),
    ((Moment.FETCH_HALFWAY, 1, 0.0), (Moment.FETCH_HALFWAY, 1, 0.0)),
    ((Moment.FETCH_DONE, 1, 0.001), (Moment.FETCH_DONE, 1, 0.001)),
]


def _name(point: Point) -> str:
    moment, nth, delay_s = point
    return f"{moment.name.lower()} {nth} +{delay_s * 1000:g}ms"


def _pair_name(pair: tuple[Point, Point]) -> str:
    return " then ".join(map(_name, pair))


def _kill_at(stage: Stage, point: Point) -> None:
    """Start a run, kill it at the point, and make sure that it was the kill that ended it."""
    moment, nth, delay_s = point
    running = stage.start()
    later = threading.Timer(delay_s, running.kill)
    stage.server.strike_at(moment, nth, later.start if delay_s else running.kill)
    running.wait().expect(-signal.SIGKILL)


@pytest.fixture
def victim(make_stage: Callable[..., Stage]) -> Stage:
    """Six jobs, three at a time, with files large enough to be hit in the middle."""
    stage = make_stage(jobs=JOBS, in_flight=3)
    stage.script(always(TASK))
    return stage


@pytest.mark.parametrize("point", POINTS, ids=_name)
def test_kill_at_a_point(victim: Stage, point: Point) -> None:
    """After a kill at this point every job is finished by the runs that follow, and was paid once."""
    _kill_at(victim, point)
    victim.recover()
    assert len(victim.ledger.accepted) == JOBS


@pytest.mark.parametrize("after_s", TIMES_S)
def test_kill_at_a_time(victim: Stage, after_s: float) -> None:
    """The same for a kill so many seconds after the start, wherever the run is then."""
    victim.script(always(accepted(seconds=1.0)))
    running = victim.start()
    time.sleep(after_s)
    running.kill()
    running.wait().expect(-signal.SIGKILL)
    victim.script(always(TASK))
    victim.recover()
    assert len(victim.ledger.accepted) == JOBS


@pytest.mark.parametrize("pair", PAIRS, ids=_pair_name)
def test_kill_during_recovery(victim: Stage, pair: tuple[Point, Point]) -> None:
    """A kill while the first one is recovered from does no more harm than the first."""
    for point in pair:
        _kill_at(victim, point)
    victim.recover()
    assert len(victim.ledger.accepted) == JOBS


@pytest.mark.parametrize("seed", [1, 2])
def test_many_kills(make_stage: Callable[..., Stage], seed: int) -> None:
    """A run that is killed again and again gets done, with every job paid once."""
    stage = make_stage(jobs=16, in_flight=4)
    stage.script(always(accepted(seconds=0.2)))
    pace = random.Random(seed)
    for _ in range(5):
        running = stage.start()
        time.sleep(pace.uniform(0.6, 1.4))
        running.kill()
        if running.wait().code != -signal.SIGKILL:
            break
        stage.settle_doubts()
    stage.recover()
    assert len(stage.ledger.accepted) == 16
