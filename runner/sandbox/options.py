"""How a sandbox behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from runner.sandbox.faults import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Shape = Literal["flat", "data", "data.data"]
"""How often the answer about a digital-human task is wrapped (api-facts.md section 2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox behaves.

    Args:
        task_s: Seconds that a task takes from acceptance to its end, at least 0.
        task_jitter_s: Up to this many seconds more, by the task id.
        shape: How digital-human answers are wrapped.
        max_in_flight: More tasks at once are answered "saturated"; None for no limit.
        requests_per_minute: More creates within any 60 s are answered 429; None for no limit.
        credential: The one Bearer token that is accepted; None accepts any.
        require_credential: Whether requests to the API need a Bearer token at all. False for a sandbox inside a run, which reads
            no credential.
        faults: Probability from 0 to 1 by kind of `runner.sandbox.faults.TABLE`.
        seed: Of those probabilities.
        url_lifetime_s: Seconds that an address of a result works after it was handed out; None for ever.
        cdn_port: Port of the CDN; 0 takes a free one.
        ledger_path: A JSON Lines file that gets every entry of the ledger as it happens. Tasks that it already holds are known
            again, so a restarted sandbox goes on with them. None keeps the ledger in memory.
        lenient_voices: Whether `use_voice` may name voices that are neither presets nor made by a sandbox.
        one_film: One video for all tasks: for measurements that drawing would drown.

    Raises:
        ValueError: A number is out of bounds, or a kind or shape does not exist; the message says which exist.
    """

    task_s: float = 2.0
    task_jitter_s: float = 0.0
    shape: Shape = "data.data"
    max_in_flight: int | None = None
    requests_per_minute: int | None = None
    credential: str | None = field(default=None, repr=False)
    require_credential: bool = True
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    url_lifetime_s: float | None = None
    cdn_port: int = 0
    ledger_path: Path | None = None
    lenient_voices: bool = False
    one_film: bool = False

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise ValueError(f"no shape `{self.shape}`; there are {', '.join(get_args(Shape))}")
        if self.task_s < 0 or self.task_jitter_s < 0:
            raise ValueError("task_s and task_jitter_s are seconds, at least 0")
        for kind, rate in self.faults.items():
            if kind not in TABLE:
                raise ValueError(f"no fault `{kind}`; there are {', '.join(TABLE)}")
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of `{kind}` is a probability from 0 to 1, not {rate}")
