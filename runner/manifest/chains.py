"""What inputs ask of the outputs that are put into them: to be young enough, to last neither too short nor too long, to say how long a result lasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.core import references
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.core.references import OutputRef
    from runner.core.spec import Account
    from runner.manifest.blocks import Block

_MOST_KNOWN: Final = 10_000
"""Texts with references that are kept read: a block that refers to one job has the same few texts in a million rows."""


class Chained(NamedTuple):
    """What a job asks of those whose outputs it uses: fields of `runner.core.spec.JobSpec`."""

    lasts_as: str | None = None
    ageing: tuple[tuple[str, float], ...] = ()
    lengths: tuple[tuple[str, float | None, float | None], ...] = ()


NOT_CHAINED: Final = Chained()
"""Of a job that uses no outputs."""


@dataclass(frozen=True, slots=True)
class _Demand:
    """What one input asks.

    Args:
        at: Where it stands in the inputs.
        most_age_s: Seconds that an output may be used in it; None for ever.
        least_s: Seconds that the recording it names has to last; None without a bound.
        most_s: Seconds that it may last; None likewise.
        tells_length: Whether the result lasts as long as what stands in it.
    """

    at: tuple[str, ...]
    most_age_s: float | None
    least_s: float | None
    most_s: float | None
    tells_length: bool

    def value(self, inputs: Any) -> Any:
        """What stands there; None when nothing does."""
        for step in self.at:
            inputs = inputs.get(step) if isinstance(inputs, dict) else None
        return inputs


class Chains:
    """What the inputs of an operation ask of outputs, on one account.

    Args:
        operation: `<type>/<operation>`; None for one that does not exist, which asks nothing.
        accepts: Limits that the account says otherwise, by input (nested ones with dots).
    """

    def __init__(self, operation: str | None, accepts: Mapping[str, Mapping[str, Any]]) -> None:
        inputs = {} if operation is None else load_schema(operation)["$defs"]["inputs"]
        self._demands = tuple(_demands(inputs, (), accepts))

    def of(self, inputs: Any) -> Chained:
        """What a job asks of those whose outputs it uses.

        Args:
            inputs: Rendered, references as markers.
        """
        if not self._demands:
            return NOT_CHAINED
        lasts_as, ageing, lengths = None, dict[str, float](), dict[str, tuple[float | None, float | None]]()
        for demand in self._demands:
            value = demand.value(inputs)
            whole = _whole(value) if isinstance(value, str) else None
            if demand.most_age_s is not None:
                for ref in references.find(value):
                    ageing[ref.job] = min(demand.most_age_s, ageing.get(ref.job, demand.most_age_s))
            if whole is not None:
                lasts_as = whole.job if demand.tells_length else lasts_as
                if demand.least_s is not None or demand.most_s is not None:
                    lengths[whole.job] = (demand.least_s, demand.most_s)
        return Chained(lasts_as, tuple(ageing.items()), tuple((job, *bounds) for job, bounds in lengths.items()))

    @property
    def least_age_s(self) -> float | None:
        """The least time that an output may be used in any input; None when all may be for ever."""
        return min((it.most_age_s for it in self._demands if it.most_age_s is not None), default=None)


def chains_of(operation: str, account: Account | None) -> Chains:
    """What the inputs of an operation ask on an account.

    Args:
        operation: `<type>/<operation>`.
        account: The account; None for one that does not hold.
    """
    return Chains(operation, {} if account is None else account.accepts.get(operation.partition("/")[2], {}))


def ageing_operations(blocks: Iterable[Block]) -> dict[str, float]:
    """See `runner.core.spec.Campaign.ageing`. A block whose templates make up the ids that it needs may need any other."""
    found: dict[str, float] = {}
    every = {block.name: block.schema.name for block in blocks}
    for block in blocks:
        least_s = block.chains.least_age_s
        if least_s is None or not block.has_references:
            continue
        names = every if any(it.job_names_unknown for it in block.templates.values()) else block.waits_for
        for operation in {every[name] for name in names if name in every}:
            found[operation] = min(least_s, found.get(operation, least_s))
    return found


def _demands(
    schema: Mapping[str, Any], at: tuple[str, ...], accepts: Mapping[str, Mapping[str, Any]]
) -> Iterator[_Demand]:
    for name, facts in schema.get("properties", {}).items():
        here = (*at, name)
        limits = {**facts.get("x-limits", {}), **accepts.get(".".join(here), {})}
        bounds = (limits.get("max_age_s"), limits.get("min_duration_s"), limits.get("max_duration_s"))
        demand = _Demand(here, *bounds, tells_length="x-result-lasts" in facts)
        if demand.tells_length or bounds != (None, None, None):
            yield demand
        yield from _demands(facts, here, accepts)


@lru_cache(_MOST_KNOWN)
def _whole(text: str) -> OutputRef | None:
    """The output that a text is and nothing else; None when it is anything else."""
    ref = next(references.find(text), None)
    return ref if ref is not None and references.marker(ref) == text else None
