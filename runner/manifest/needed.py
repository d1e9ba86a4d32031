"""Fingerprints of jobs whose outputs others use, made on demand: a needed job may stand later in the manifest.

For a name whose outputs are used, the fingerprints of all its jobs are kept as long as the pass lasts: about 250 bytes for each of
its jobs. Names that nobody refers to cost nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Any

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, suggestion
from runner.manifest.graph import circle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic
    from runner.core.references import OutputRef
    from runner.manifest.blocks import Block


class NeedBroken(Exception):
    """The job uses outputs of one that has findings of its own: nothing more is to be said."""


class Needed:
    """The jobs of other blocks, by id.

    Args:
        blocks: By name.
        expand: Gives the fingerprints of a block's jobs by id, and whether all of its jobs held.
    """

    def __init__(
        self,
        blocks: Mapping[str, Block],
        expand: Callable[[Block], tuple[dict[str, str], bool]],
    ) -> None:
        self._blocks = blocks
        self.are_kept = not any(block.schema.lifetimes_s for block in blocks.values())
        """Whether nothing is known of any output that its provider would forget."""
        self._expand = expand
        self.obstacles: dict[str, tuple[Diagnostic, ...]] = {}
        """What keeps jobs from being made whose outputs are used, by id, as far as their fingerprints were asked for."""
        self._tables: dict[str, tuple[dict[str, str], bool]] = {}
        self._entered: list[str] = []

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """While the jobs of this name are being made: a way back to it is a cycle."""
        self._entered.append(name)
        try:
            yield
        finally:
            self._entered.remove(name)

    def fingerprint_of(self, job_id: str) -> str:
        """The fingerprint of a job.

        Raises:
            Flaw: No job has this id, or the way to it is a circle.
            NeedBroken: The job, or all of its name, does not hold.
        """
        name = job_id.partition("/")[0]
        if name not in self._blocks or not self._blocks[name].is_sound:
            raise NeedBroken(name)
        if name in self._entered:
            raise circle([*self._entered[self._entered.index(name) :], name])
        if name not in self._tables:
            self._tables[name] = self._expand(self._blocks[name])
        table, is_whole = self._tables[name]
        if job_id in table:
            return table[job_id]
        if not is_whole:
            raise NeedBroken(job_id)
        raise Flaw(Code.UNKNOWN_JOB, f"there is no job `{job_id}`", hint=suggestion(job_id, table))

    def sample(self, ref: OutputRef) -> Any:
        """A value of the kind that an output will have; raises `LookupError` for an output of which nothing is known."""
        return self._blocks[ref.job.partition("/")[0]].schema.samples[ref.output]

    def lifetime_s(self, ref: OutputRef) -> float:
        """Seconds that the provider keeps an output; infinite where nothing is known of it."""
        block = self._blocks.get(ref.job.partition("/")[0])
        return inf if block is None else block.schema.lifetimes_s.get(ref.output, inf)
