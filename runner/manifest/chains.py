"""What inputs ask of the outputs that are put into them: to be young enough, to last neither too short nor too long, to say how long a result lasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.core import references
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
        most_age_s: Seconds that an output may be used in it; infinite for ever.
        least_s: Seconds that the recording it names has to last; None without a bound.
        most_s: Seconds that it may last; None likewise.
        tells_length: Whether the result lasts as long as what stands in it.
    """

    at: tuple[str, ...]
    most_age_s: float
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

    def of(self, inputs: Any, lifetime_s: Callable[[OutputRef], float] | None = None) -> Chained:
        """What a job asks of those whose outputs it uses.

        Args:
            inputs: Rendered, references as markers.
            lifetime_s: Seconds that a provider keeps an output, infinite where nothing is known of it; None when they keep all for ever.
        """
        if not self._demands and lifetime_s is None:
            return NOT_CHAINED
        lasts_as, lengths = None, dict[str, tuple[float | None, float | None]]()
        for demand in self._demands:
            value = demand.value(inputs)
            whole = _whole(value) if isinstance(value, str) else None
            if whole is not None:
                lasts_as = whole.job if demand.tells_length else lasts_as
                if demand.least_s is not None or demand.most_s is not None:
                    lengths[whole.job] = (demand.least_s, demand.most_s)
        ageing = self._ageing(inputs, lifetime_s)
        return Chained(lasts_as, tuple(ageing.items()), tuple((job, *bounds) for job, bounds in lengths.items()))

    def _ageing(self, inputs: Any, lifetime_s: Callable[[OutputRef], float] | None) -> dict[str, float]:
        """By needed job: how old its outputs may be, by the inputs that take them and by the providers that keep them."""
        ageing: dict[str, float] = {}
        for demand in self._demands if self.least_age_s < inf else ():
            for ref in references.find(demand.value(inputs)):
                ageing[ref.job] = min(demand.most_age_s, ageing.get(ref.job, inf))
        if lifetime_s is not None:
            for ref in references.find(inputs):
                ageing[ref.job] = min(lifetime_s(ref), ageing.get(ref.job, inf))
        return {job: most_s for job, most_s in ageing.items() if most_s < inf}

    @property
    def least_age_s(self) -> float:
        """The least time that an output may be used in any input; infinite when all may be for ever."""
        return min((it.most_age_s for it in self._demands), default=inf)


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
    every = {block.name: block.schema for block in blocks}
    for block in blocks:
        if not block.has_references:
            continue
        names = every if any(it.job_names_unknown for it in block.templates.values()) else block.waits_for
        for schema in (every[name] for name in names if name in every):
            kept_s = min(schema.lifetimes_s.values(), default=inf)
            found[schema.name] = min(block.chains.least_age_s, kept_s, found.get(schema.name, inf))
    return found


def _demands(
    schema: Mapping[str, Any], at: tuple[str, ...], accepts: Mapping[str, Mapping[str, Any]]
) -> Iterator[_Demand]:
    for name, facts in schema.get("properties", {}).items():
        here = (*at, name)
        limits = {**facts.get("x-limits", {}), **accepts.get(".".join(here), {})}
        bounds = (limits.get("max_age_s", inf), limits.get("min_duration_s"), limits.get("max_duration_s"))
        demand = _Demand(here, *bounds, tells_length="x-result-lasts" in facts)
        if demand.tells_length or bounds != (inf, None, None):
            yield demand
        yield from _demands(facts, here, accepts)


@lru_cache(_MOST_KNOWN)
def _whole(text: str) -> OutputRef | None:
    """The output that a text is and nothing else; None when it is anything else."""
    ref = next(references.find(text), None)
    return ref if ref is not None and references.marker(ref) == text else None
