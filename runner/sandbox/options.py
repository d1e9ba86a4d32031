"""How a sandbox behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from runner.sandbox.faults import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ListOrder = Literal["newest", "oldest"]
"""Which tasks stand on the first page of a list; no document says (api-facts.md section 1.4)."""

Shape = Literal["flat", "data", "data.data"]
"""How often the answer about a digital-human task is wrapped (api-facts.md section 2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox behaves.

    Args:
        task_s: Seconds that a task takes from acceptance to its end, at least 0.
        task_jitter_s: Up to this many seconds more, by the task id.
        shape: How digital-human answers are wrapped.
        max_in_flight: More tasks at once, of all APIs together, are answered "saturated"; None for no limit.
        kling_parallel: More Kling avatars at once are answered 1303, as by a resource pack; None for no limit.
        requests_per_minute: More creates within any 60 s are answered 429; None for no limit.
        list_order: Which of Kling's tasks stand on the first page of a list.
        list_lag_s: Seconds until a task of Kling stands in a list.
        lookup_lag_s: Seconds until the client's own id finds a task of Kling.
        clock_skew_s: The sandbox's clock is this many seconds ahead of the machine's: in times, signatures and `Date` headers.
        credential: The one Bearer token that is accepted, or for Kling the key pair, as `ACCESS:SECRET`, that must have signed it;
            None accepts any.
        require_credential: Whether requests to the API need a Bearer token at all. False for a sandbox inside a run, which reads
            no credential.
        faults: Probability from 0 to 1 by kind of `runner.sandbox.faults.TABLE`.
        seed: Of those probabilities.
        url_lifetime_s: Seconds that an address of a result works after it was handed out; None for ever.
        cdn_port: Port of the CDN; 0 takes a free one.
        ledger_path: A JSON Lines file that gets every entry of the ledger as it happens. Tasks that it already holds are known
            again, so a restarted sandbox goes on with them. None keeps the ledger in memory.
        lenient: Whether inputs pass that only a real account can judge: voices, recordings and videos that the sandbox has neither
            listed nor made, bytes that it cannot read as media, fields that one model needs.
        one_film: One video for all tasks: for measurements that drawing would drown.

    Raises:
        ValueError: A number is out of bounds, or a kind or shape does not exist; the message says which exist.
    """

    task_s: float = 2.0
    task_jitter_s: float = 0.0
    shape: Shape = "data.data"
    max_in_flight: int | None = None
    kling_parallel: int | None = None
    requests_per_minute: int | None = None
    list_order: ListOrder = "newest"
    list_lag_s: float = 0.0
    lookup_lag_s: float = 0.0
    clock_skew_s: float = 0.0
    credential: str | None = field(default=None, repr=False)
    require_credential: bool = True
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    url_lifetime_s: float | None = None
    cdn_port: int = 0
    ledger_path: Path | None = None
    lenient: bool = False
    one_film: bool = False

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise ValueError(f"no shape `{self.shape}`; there are {', '.join(get_args(Shape))}")
        if self.list_order not in get_args(ListOrder):
            raise ValueError(f"no list_order `{self.list_order}`; there are {', '.join(get_args(ListOrder))}")
        for name in ("task_s", "task_jitter_s", "list_lag_s", "lookup_lag_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a number of seconds, at least 0")
        for kind, rate in self.faults.items():
            if kind not in TABLE:
                raise ValueError(f"no fault `{kind}`; there are {', '.join(TABLE)}")
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of `{kind}` is a probability from 0 to 1, not {rate}")
