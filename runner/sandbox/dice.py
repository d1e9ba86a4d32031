"""Which faults strike which request: magic words, seeded chance, and how often each has struck."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from runner.sandbox.faults import TABLE, Fault, Stage, magic_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_ONCE = frozenset({Stage.POLL, Stage.RESULT, Stage.CDN})
"""What chance gives strikes once in these stages: a network that never recovers would be asked for by word."""


class Dice:
    """Decides about faults. The same seed and the same bodies give the same faults, in whatever order requests come.

    Args:
        rates: Probability from 0 to 1 by kind.
        seed: Any number.
    """

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        self._rates = rates
        self._seed = seed
        self._arrivals: Counter[str] = Counter()
        self._struck: Counter[tuple[str, str]] = Counter()

    def faults_of(
        self, texts: Iterable[str], body_sha256: str, plays: Callable[[str], bool] = TABLE.__contains__
    ) -> tuple[Fault, ...]:
        """The faults of a request that has just arrived: those it asks for, then those that chance gives it.

        Args:
            texts: Where magic words count.
            body_sha256: Digest of the body.
            plays: Whether the request's API plays a kind: chance gives no other.
        """
        return (*magic_words(texts), *(fault for fault in self._rolled(body_sha256) if plays(fault.kind)))

    def strikes(self, fault: Fault, key: str) -> bool:
        """Whether the fault strikes now; counts it against the fault's `@N`.

        Args:
            fault: The fault.
            key: What `@N` is counted for: the digest of a body, or a task id.
        """
        if fault.times is None:
            return True
        self._struck[fault.kind, key] += 1
        return self._struck[fault.kind, key] <= fault.times

    def first(self, faults: Iterable[Fault], stage: Stage, key: str) -> Fault | None:
        """The first fault of a stage that strikes now; None when there is none."""
        return next((fault for fault in faults if fault.stage is stage and self.strikes(fault, key)), None)

    def _rolled(self, body_sha256: str) -> Iterable[Fault]:
        if not self._rates:
            return
        self._arrivals[body_sha256] += 1
        for kind, rate in self._rates.items():
            chance = Random(f"{self._seed}/{kind}/{body_sha256}/{self._arrivals[body_sha256]}")
            if chance.random() < rate:
                yield Fault(kind, times=1 if TABLE[kind].stage in _ONCE else None)
