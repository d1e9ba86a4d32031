"""How fast an account may send, and how much room is left: even spacing, a concurrency that backs off and recovers, a growing wait.

Pure arithmetic over a monotonic time that the caller passes in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ALWAYS_FREE_BYTES: Final = 64 * 1024 * 1024
"""Room on the disk that is always left: the state and the report must still fit when outputs fill it (spec.md section 6)."""


@dataclass(slots=True)
class Spacing:
    """Submissions spaced evenly, without bursts after a pause.

    Args:
        interval_s: Seconds between two submissions; 0 for none.
    """

    interval_s: float
    _next_at: float = float("-inf")

    def wait_s(self, now: float) -> float:
        """Seconds until the next submission may start; 0 when it may start now."""
        return max(0.0, self._next_at - now)

    def started(self, now: float) -> None:
        """A submission starts now."""
        self._next_at = now + self.interval_s

    def pause_until(self, when: float) -> None:
        """No submission before `when` (monotonic seconds)."""
        self._next_at = max(self._next_at, when)


@dataclass(slots=True)
class Concurrency:
    """How many tasks may be in flight: halved when the server asks to slow down, raised by one after a full round of successes.

    The additive-increase, multiplicative-decrease rule of TCP: it finds a limit that nobody told us and follows it when it moves.

    Args:
        ceiling: The account's `in_flight`; never exceeded.
    """

    ceiling: int
    current: int = field(init=False)
    _successes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start at the ceiling: it is the user's word."""
        self.current = self.ceiling

    def slow_down(self, in_flight: int) -> None:
        """The server asked to slow down while `in_flight` tasks were open (the refused one not counted).

        Lowers to half of what is open, at least 1; never raises.
        """
        self.current = max(1, min(self.current, in_flight) // 2)
        self._successes = 0

    def too_many(self, in_flight: int) -> None:
        """The server counts its slots and has none left: `in_flight` tasks are what it allows."""
        self.current = max(1, min(self.current, in_flight))
        self._successes = 0

    def accepted(self) -> None:
        """A submission was accepted. A round of as many successes as slots raises the limit by one."""
        if self.current >= self.ceiling:
            return
        self._successes += 1
        if self._successes >= self.current:
            self.current += 1
            self._successes = 0


def back_off_s(tries: int, *, first_s: float, most_s: float, jitter: float) -> float:
    """Exponential wait with jitter.

    Args:
        tries: How many tries have failed so far, from 1.
        first_s: The first wait in seconds.
        most_s: The longest wait in seconds.
        jitter: A random number in [0, 1): the wait is between half of the full value and all of it.

    Returns:
        `min(most_s, first_s * 2 ** (tries - 1)) * (0.5 + jitter / 2)` seconds.
    """
    full = min(most_s, first_s * 2 ** min(tries - 1, 32))
    return float(full * (0.5 + jitter / 2))
