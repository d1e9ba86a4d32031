"""Polling learns how long tasks take: few polls, and the end is noticed soon."""

from random import Random

import pytest

from runner.core.polling import Durations, next_poll_s
from runner.core.spec import PollBounds

BOUNDS = PollBounds(min_s=1.0, max_s=30.0)


def watch(duration_s: float, known: Durations, bounds: PollBounds) -> tuple[int, float]:
    """Polls and delay until a task of this duration is seen to have ended."""
    age, polls = 0.0, 0
    while True:
        age += next_poll_s(age, known, bounds)
        polls += 1
        if age >= duration_s:
            return polls, age - duration_s


def learned(durations: list[float]) -> Durations:
    """Knowledge of these tasks."""
    known = Durations()
    for duration in durations:
        known.add(duration)
    return known


@pytest.mark.parametrize("duration_s", [20.0, 90.0, 240.0])
def test_knowledge_saves_polls_and_delay(duration_s: float) -> None:
    """Tasks that vary by a tenth: half the polls of somebody who knows nothing, and no more delay."""
    rng = Random(7)
    tasks = [duration_s * rng.uniform(0.95, 1.05) for _ in range(200)]
    known = learned(tasks[:50])
    blind = [watch(task, Durations(), BOUNDS) for task in tasks[50:]]
    taught = [watch(task, known, BOUNDS) for task in tasks[50:]]
    assert sum(polls for polls, _ in taught) <= 0.75 * sum(polls for polls, _ in blind)
    assert sum(delay for _, delay in taught) <= sum(delay for _, delay in blind)


def test_without_knowledge_the_end_is_noticed_at_most_an_eighth_late() -> None:
    """The wait grows with the task's age, within the bounds."""
    for duration_s in (10.0, 50.0, 100.0):
        _, delay = watch(duration_s, Durations(), PollBounds(min_s=0.1, max_s=1e9))
        assert delay <= 0.125 * duration_s


@pytest.mark.parametrize("age_s", [0.0, 1.0, 50.0, 1e6])
@pytest.mark.parametrize("count", [0, 3, 200])
def test_the_account_bounds_hold(age_s: float, count: int) -> None:
    """Never more often than `min_s`, never more seldom than `max_s`."""
    assert BOUNDS.min_s <= next_poll_s(age_s, learned([60.0] * count), BOUNDS) <= BOUNDS.max_s


def test_only_the_latest_tasks_count() -> None:
    """A provider that has become slower is believed after 64 tasks."""
    known = learned([10.0] * 64 + [100.0] * 64)
    assert known.quantile(0.0) == 100.0
    assert len(known) == 64
