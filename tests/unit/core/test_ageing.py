"""Outputs that may be used for a time only: how old they are, and how it is said."""

from __future__ import annotations

from math import inf

import pytest

from runner.core.ageing import age_s, margin_s, too_old
from runner.core.job import Job, State

DAY_S = 86_400.0


def delivered(*, submitted_at: float | None, ready_at: float | None) -> Job:
    """A delivered job of which these times are known."""
    return Job(
        id="a", fingerprint="f", uses="k/tts", operation="kling/tts", state=State.SUCCEEDED,
        submitted_at=submitted_at, ready_at=ready_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("submitted_at", "ready_at", "age"), [(100.0, 160.0, 900.0), (None, 160.0, 840.0), (None, None, inf)]
)
def test_age_counts_from_the_submission(submitted_at: float | None, ready_at: float | None, age: float) -> None:
    """The earliest that is known counts, and what is not known at all is too old for everything."""
    assert age_s(delivered(submitted_at=submitted_at, ready_at=ready_at), 1000.0) == age


@pytest.mark.parametrize(("most_s", "margin"), [(30 * DAY_S, DAY_S / 2), (DAY_S, DAY_S / 10), (600.0, 60.0)])
def test_a_night_is_left_for_the_run_and_of_a_short_time_a_tenth(most_s: float, margin: float) -> None:
    """A margin that is longer than the time itself would have the output made again for ever."""
    assert margin_s(most_s) == margin


@pytest.mark.parametrize(
    ("age", "most_s", "said"),
    [
        (31.5 * DAY_S, 30 * DAY_S, "its outputs are 31 days old, and `anna` takes none older than 30 days"),
        (29.8 * DAY_S, 30 * DAY_S, "its outputs will soon be 30 days old, and `anna` takes none older than 30 days"),
        (5000.0, 3600.0, "its outputs are 1 hour old, and `anna` takes none older than 1 hour"),
        (inf, 30 * DAY_S, "its outputs are of unknown age, and `anna` takes none older than 30 days"),
    ],
)
def test_the_reason_names_age_limit_and_user(age: float, most_s: float, said: str) -> None:
    """Whoever reads the plan sees what is old, for whom, and by which limit."""
    assert too_old(age, most_s, "anna") == said
