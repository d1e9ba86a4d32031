"""Nothing is bought that cannot be stored: room on the disk against what is in flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.core.limits import ALWAYS_FREE_BYTES

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.ports import Delivery

_FIRST_GUESS_BYTES = 1024 * 1024
"""A result's size before the first one has come."""


_ASK_EVERY = 16
_PLENTY = 8
"""So many times what is needed cannot be used up by sixteen results; a neighbour who fills the disk is noticed by the download itself."""


@dataclass(slots=True)
class Space:
    """Watches the room where the outputs go.

    Args:
        delivery: Knows the room.
    """

    delivery: Delivery
    _mean_bytes: float = _FIRST_GUESS_BYTES
    _seen: int = 0
    _free_bytes: int = 0
    _asked_ago: int = 0

    def learn(self, job: Job) -> None:
        """A job's file tells how large results are."""
        if job.output is not None:
            self._seen += 1
            self._mean_bytes += (job.output.size_bytes - self._mean_bytes) / self._seen

    def is_enough(self, in_flight: int) -> bool:
        """Whether one more result would fit beside those in flight.

        The disk is asked each time when room is scarce, and every `_ASK_EVERY`th time when there is plenty.
        """
        needed = ALWAYS_FREE_BYTES + self._mean_bytes * (in_flight + 1)
        self._asked_ago += 1
        if self._asked_ago >= _ASK_EVERY or self._free_bytes < _PLENTY * needed:
            self._free_bytes, self._asked_ago = self.delivery.free_bytes(), 0
        return self._free_bytes >= needed

    def shortage(self) -> str:
        """What is missing, for people."""
        free, kept = self.delivery.free_bytes() // 2**20, ALWAYS_FREE_BYTES // 2**20
        return f"only {free} MiB are free where the outputs go; {kept} MiB beyond what is in flight are always left"
