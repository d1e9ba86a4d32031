"""When to ask for a task again: learns how long tasks of an operation really take.

Polls are free but not unlimited, and a finished task that nobody asks for delays its campaign. Before anything is known the wait
grows with the task's age. Once some tasks have ended, the first poll waits until the quickest of them would be done, the polls
are dense while most end, and thin out again after that.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.core.spec import PollBounds

_SAMPLES = 64
_LEAST_SAMPLES = 3
_AGE_SHARE = 0.12
"""Without knowledge the next poll comes after this share of the task's age: a task that takes t is noticed at most 12 % late."""
_WINDOW_SHARE = 1 / 6
"""Between the quick tenth and the slow tenth of known tasks, polls divide that window into six."""


@dataclass(slots=True)
class Durations:
    """How long the last tasks of one operation on one account took, in seconds from acceptance to the end."""

    _recent: deque[float] = field(default_factory=deque)
    _sorted: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        """How many are known."""
        return len(self._sorted)

    def add(self, duration_s: float) -> None:
        """A task ended after `duration_s` seconds."""
        if len(self._recent) >= _SAMPLES:
            self._sorted.remove(self._recent.popleft())
        self._recent.append(duration_s)
        insort(self._sorted, duration_s)

    def quantile(self, share: float) -> float:
        """The duration below which `share` of the tasks ended.

        Args:
            share: 0 to 1.

        Raises:
            ValueError: Nothing is known yet.
        """
        if not self._sorted:
            raise ValueError("no task has ended yet")
        return self._sorted[min(len(self._sorted) - 1, int(share * len(self._sorted)))]


def next_poll_s(age_s: float, known: Durations, bounds: PollBounds) -> float:
    """Seconds until a task should be asked for again.

    Args:
        age_s: Seconds since the task was accepted.
        known: How long earlier tasks of the operation took.
        bounds: The account's least and most seconds between polls.

    Returns:
        Seconds within `[bounds.min_s, bounds.max_s]`.
    """
    if len(known) < _LEAST_SAMPLES:
        wait = age_s * _AGE_SHARE
    else:
        quick, slow = known.quantile(0.1), known.quantile(0.9)
        if age_s < quick:
            # A poll lands on the quick tenth itself: a multiple of max_s would land anywhere.
            wait = quick - age_s
        elif age_s <= slow:
            wait = max((slow - quick) * _WINDOW_SHARE, quick * 0.02)
        else:
            wait = (age_s - slow) * 0.5 + (slow - quick) * _WINDOW_SHARE
    return min(max(wait, bounds.min_s), max(bounds.max_s, bounds.min_s))
