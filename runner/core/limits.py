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


FIRST_PATIENCE_S: Final = 15.0
"""A limit that a server has counted out is left alone so long before one more is tried; twice as long after each try that is refused."""
MOST_PATIENCE_S: Final = 600.0
"""And at most so long: packs are bought while a campaign runs."""


@dataclass(slots=True)
class Concurrency:
    """How many tasks may be in flight: lowered when the server asks for it, raised by one after a full round of successes.

    The additive-increase, multiplicative-decrease rule of TCP: it finds a limit that nobody told us and follows it when it moves. A limit
    that the server counts out is tried more and more rarely, so that its refusals fade away.

    Args:
        ceiling: The account's `in_flight`; never exceeded.
    """

    ceiling: int
    current: int = field(init=False)
    _successes: int = field(init=False, default=0)
    _counted: int = field(init=False, default=0)
    """Where the server's count stood when it last had no slot left; 0 before that, and since it asked to slow down for another reason."""
    _patience_s: float = field(init=False, default=FIRST_PATIENCE_S)
    _patient_until: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        """Start at the ceiling: it is the user's word."""
        self.current = self.ceiling

    def slow_down(self, in_flight: int) -> None:
        """The server asked to slow down while `in_flight` tasks were open (the refused one not counted).

        Lowers to half of what is open, at least 1; never raises.
        """
        self.current = max(1, min(self.current, in_flight) // 2)
        self._successes = self._counted = 0

    def too_many(self, taken: int, now: float) -> None:
        """The server counts its slots and has none left: what it is known to have is what it allows.

        Args:
            taken: The tasks that it is known to have.
            now: Monotonic seconds.
        """
        self.current = max(1, min(self.current, taken))
        self._successes = 0
        if now >= self._patient_until:  # else it belongs to the same rush as the refusal before
            self._patience_s = min(MOST_PATIENCE_S, self._patience_s * 2) if self._counted else FIRST_PATIENCE_S
            self._patient_until = now + self._patience_s
        self._counted = self.current

    def accepted(self, taken: int, now: float) -> None:
        """A submission was accepted.

        Args:
            taken: The tasks that the server is known to have with this one: after a count, so many it allows.
            now: Monotonic seconds.
        """
        if self._counted and taken > self.current:  # it was on its way when another was refused
            self.current = self._counted = min(taken, self.ceiling)
        if self.current >= self.ceiling or now < self._patient_until:
            return
        self._successes += 1
        if self._successes >= self.current:
            self.current += 1
            self._successes = 0
            if self._counted and self.current >= 2 * self._counted:  # the limit has moved
                self._patience_s = FIRST_PATIENCE_S


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
