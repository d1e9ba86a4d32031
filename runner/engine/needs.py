"""Which jobs wait for which: a job whose needs are not met is held, and let go or skipped when they end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.engine.worklist import Queue

EVERY = "/*"
"""A need `name/*` means every job of that name."""


class Met(Enum):
    """How far a need is."""

    OPEN = "open"
    YES = "yes"
    NO = "no"


@dataclass(slots=True)
class _Block:
    open: int = 0
    failed: int = 0


@dataclass(slots=True)
class Waiters:
    """Jobs of one account that need the same.

    Args:
        account: The account's name.
        jobs: Their tickets.
        missing: How many of their needs are open; 0 once they wait no longer.
    """

    account: str
    jobs: Queue
    missing: int = 0


@dataclass(slots=True)
class Released:
    """Jobs that waited and wait no longer.

    Args:
        ready: Those that may go now.
        lost: Those that never will, with the need that failed.
    """

    ready: list[Waiters] = field(default_factory=list)
    lost: list[tuple[Waiters, str]] = field(default_factory=list)


@dataclass(slots=True)
class Needs:
    """What the needed jobs have come to, and who waits for them.

    Memory: one entry for each job written by itself in the manifest, one for each block of many, one for
    each set of needs that jobs wait for, and eight bytes for each waiting job.
    """

    _single: dict[str, Met] = field(default_factory=dict)
    _fingerprints: dict[str, str] = field(default_factory=dict)
    _blocks: dict[str, _Block] = field(default_factory=dict)
    _waiting: dict[str, list[Waiters]] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    """How many jobs wait, by account."""

    def note(self, job_id: str, name: str, fingerprint: str, met: Met) -> None:
        """The survey tells of a job: kept by its own id when it was written by itself, else counted in its block."""
        block = self._blocks.setdefault(name, _Block())
        block.open += met is Met.OPEN
        block.failed += met is Met.NO
        if job_id == name:
            self.remember(job_id, fingerprint, met)

    def remember(self, job_id: str, fingerprint: str, met: Met) -> None:
        """Keep a job by its own id, because another needs it."""
        self._single[job_id] = met
        self._fingerprints[job_id] = fingerprint

    def unknown(self, needs: Iterable[str]) -> set[str]:
        """Those ids among `needs` that nothing was noted of."""
        return {need for need in needs if not need.endswith(EVERY) and need not in self._single}

    def fingerprint(self, job_id: str) -> str | None:
        """What a needed job's row is known by; None for a job that nobody needs."""
        return self._fingerprints.get(job_id)

    def met(self, need: str) -> Met:
        """How far a need is. Something unknown is not met: the manifest was checked, so it was not selected."""
        if not need.endswith(EVERY):
            return self._single.get(need, Met.NO)
        block = self._blocks.get(need.removesuffix(EVERY), _Block())
        if block.failed:
            return Met.NO
        return Met.OPEN if block.open else Met.YES

    def hold(self, waiters: Waiters, needs: Sequence[str]) -> str | None:
        """Hold jobs until their needs are met.

        Returns:
            None when they are held; "" when all needs are met already; else the need that failed.
        """
        states = {need: self.met(need) for need in needs}
        failed = next((need for need, met in states.items() if met is Met.NO), None)
        if failed is not None:
            return failed
        still_open = [need for need, met in states.items() if met is Met.OPEN]
        if not still_open:
            return ""
        waiters.missing = len(still_open)
        self.held[waiters.account] += len(waiters.jobs)
        for need in still_open:
            self._waiting.setdefault(need, []).append(waiters)
        return None

    def ended(self, job_id: str, name: str, *, succeeded: bool) -> Released:
        """A job that was open has ended: which jobs may go now, and which never will."""
        released = Released()
        if job_id in self._single:
            self._single[job_id] = Met.YES if succeeded else Met.NO
        block = self._blocks[name]
        block.open -= 1
        block.failed += not succeeded
        for need in (job_id, name + EVERY):
            met = self.met(need) if need in self._waiting else Met.OPEN
            if met is not Met.OPEN:
                for waiters in self._waiting.pop(need):
                    self._let_go(waiters, None if met is Met.YES else need, released)
        return released

    def _let_go(self, waiters: Waiters, failed_need: str | None, released: Released) -> None:
        if waiters.missing == 0:  # another need of theirs failed before
            return
        if failed_need is not None:
            released.lost.append((waiters, failed_need))
        elif waiters.missing > 1:
            waiters.missing -= 1
            return
        else:
            released.ready.append(waiters)
        waiters.missing = 0
        self.held[waiters.account] -= len(waiters.jobs)
