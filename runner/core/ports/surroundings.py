"""Who watches a run, and where it has its time from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner.core.notices import Notice


class Observer(Protocol):
    """Watches a run."""

    def notify(self, notice: Notice) -> None:
        """Take a notice. Quick, and never raises."""


class Clock(Protocol):
    """Time, passed in so that tests can turn it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards: for every time-out and wait."""

    def wall(self) -> float:
        """Unix seconds: for people and tokens only."""

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for 0 or less (after giving others a turn)."""
