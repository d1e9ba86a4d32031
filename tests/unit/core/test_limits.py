"""Pace: even spacing, a concurrency that backs off and recovers, a wait that grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.limits import Concurrency, Spacing, back_off_s


def test_submissions_are_spaced_evenly_without_a_burst_after_a_pause() -> None:
    """A long silence does not save up submissions."""
    spacing = Spacing(2.0)
    assert spacing.wait_s(100.0) == 0.0
    spacing.started(100.0)
    assert spacing.wait_s(100.5) == 1.5
    assert spacing.wait_s(500.0) == 0.0
    spacing.started(500.0)
    assert spacing.wait_s(500.0) == 2.0


def test_a_pause_only_lengthens_the_wait() -> None:
    """A server's wish does not shorten the spacing."""
    spacing = Spacing(2.0)
    spacing.started(10.0)
    spacing.pause_until(11.0)
    assert spacing.wait_s(10.0) == 2.0
    spacing.pause_until(20.0)
    assert spacing.wait_s(10.0) == 10.0


@given(st.lists(st.sampled_from(["slow", "many", "ok"])), st.integers(1, 50), st.integers(0, 60))
def test_concurrency_stays_between_one_and_its_ceiling(story: list[str], ceiling: int, in_flight: int) -> None:
    """Whatever the server says and in whatever order."""
    concurrency = Concurrency(ceiling)
    for word in story:
        before = concurrency.current
        if word == "slow":
            concurrency.slow_down(in_flight)
            assert concurrency.current <= before
        elif word == "many":
            concurrency.too_many(in_flight, 0.0)
            assert concurrency.current <= before
        else:
            concurrency.accepted(in_flight, 0.0)
            assert concurrency.current >= before
        assert 1 <= concurrency.current <= ceiling


def test_concurrency_halves_and_recovers_by_one_a_round() -> None:
    """Eight, asked to slow down at eight: four; after four successes five, after five more six."""
    concurrency = Concurrency(8)
    concurrency.slow_down(8)
    assert concurrency.current == 4
    for _ in range(4):
        concurrency.accepted(
            8, 0.0
        )  # four that were on their way: they prove nothing about the pace that is asked for now
    assert concurrency.current == 5
    for _ in range(5):
        concurrency.accepted(5, 0.0)
    assert concurrency.current == 6


def test_a_limit_that_a_server_counts_out_is_tried_more_and_more_rarely() -> None:
    """Five slots, an acceptance a second for half an hour: the sixth is tried after 15 s, then 30 s, 1, 2, 4, 8 and 10 minutes."""
    concurrency, tries = Concurrency(200), list[int]()
    concurrency.too_many(5, 0.0)
    for second in range(1800):
        concurrency.accepted(5, float(second))
        if concurrency.current > 5:
            tries.append(second)
            concurrency.too_many(5, float(second))
    assert tries == [19, 53, 117, 241, 485, 969, 1573]


def test_a_limit_that_moves_is_followed() -> None:
    """Once more is allowed, one more is tried after each round of successes."""
    concurrency = Concurrency(10)
    concurrency.too_many(2, 0.0)
    successes = 0
    while concurrency.current < 10:
        successes += 1
        concurrency.accepted(concurrency.current, 15.0 + successes)
    assert successes == sum(range(2, 10))


def test_a_rush_of_refusals_counts_as_one() -> None:
    """Two hundred at once against five slots: the limit is tried again after 15 s all the same."""
    concurrency = Concurrency(200)
    for _ in range(195):
        concurrency.too_many(5, 1.0)
    for _ in range(5):
        concurrency.accepted(5, 16.0)
    assert concurrency.current == 6


def test_what_was_on_its_way_when_a_slot_was_refused_counts_once_it_is_accepted() -> None:
    """The refusal overtakes three acceptances: the limit is five, not two."""
    concurrency = Concurrency(200)
    concurrency.too_many(2, 0.0)
    for taken in (3, 4, 5):
        concurrency.accepted(taken, 0.1)
    assert concurrency.current == 5


@pytest.mark.parametrize(("tries", "least", "most"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (5, 8.0, 16.0), (99, 15.0, 30.0)])
def test_the_wait_doubles_up_to_its_bound(tries: int, least: float, most: float) -> None:
    """Jitter takes at most half of it."""
    assert back_off_s(tries, first_s=1.0, most_s=30.0, jitter=0.0) == least
    assert back_off_s(tries, first_s=1.0, most_s=30.0, jitter=0.999999) == pytest.approx(most, rel=1e-3)
