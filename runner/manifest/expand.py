"""Blocks to jobs: one pass over all rows and combinations, in manifest order.

Nothing is kept of a row but its key and its output path, which have to be unique, and, for blocks whose outputs others use, its
fingerprint. What is wrong with a row goes to the reporter, and its jobs are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core.diagnostics import Label, Severity, Span
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.job_maker import InputsRefused, JobMaker, KeyTaken
from runner.manifest.needed import NeedBroken, Needed
from runner.manifest.paths import folded
from runner.manifest.template_sandbox import Row
from runner.manifest.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic
    from runner.core.spec import JobSpec
    from runner.manifest.blocks import Block
    from runner.manifest.source import Document


class Expansion:
    """One pass over blocks.

    Args:
        blocks: Those that hold, by name, in manifest order.
        document: The manifest.
        report: Takes findings.
        needed: Fingerprints of jobs whose outputs are used; made anew when None.
    """

    def __init__(
        self,
        blocks: Mapping[str, Block],
        document: Document,
        report: Callable[[Diagnostic], None],
        needed: Needed | None = None,
    ) -> None:
        self.jobs_read = 0
        """Jobs met so far, those left out included."""
        self.is_whole = True
        """Whether every job held so far."""
        self._blocks = blocks
        self._document = document
        self._report = report
        self._needed = needed or Needed(blocks, self._fingerprints)
        self._outputs: dict[str, int] = {}

    def jobs(self) -> Iterator[JobSpec]:
        """Every job that holds."""
        for number, block in enumerate(self._blocks.values()):
            with self._needed.inside(block.name):
                yield from self._block(number, block)

    def _fingerprints(self, block: Block) -> tuple[dict[str, str], bool]:
        quiet = Expansion({block.name: block}, self._document, self._cycles_only, self._needed)
        table = {spec.id: spec.fingerprint for spec in quiet.jobs()}
        return table, quiet.is_whole

    def _cycles_only(self, finding: Diagnostic) -> None:
        """All else is found when the block has its own turn; a circle may then be entered at another place and look broken only."""
        if finding.code == Code.CYCLE:
            self._report(finding)

    def _block(self, number: int, block: Block) -> Iterator[JobSpec]:
        trouble = Trouble(block, self._document, self._report)
        maker = JobMaker(block, self._needed)
        for row, span in self._rows(block, trouble):
            try:
                key = maker.key(row, span)
            except Flaw as flaw:
                self._left_out(len(block.combinations))
                trouble.key(flaw, span, _first(block, flaw))
                continue
            for combination in block.combinations:
                try:
                    spec = maker.job(key, combination, span)
                    self._claim(spec, number)
                except Flaw as flaw:
                    self._left_out(1)
                    trouble.job(flaw, maker.scope, span, self._other(flaw))
                except InputsRefused as refused:
                    self._left_out(1)
                    trouble.inputs(refused.complaints, span, maker.scope["job"]["id"])
                except NeedBroken:
                    self._left_out(1)
                else:
                    self.jobs_read += 1
                    yield spec

    def _rows(self, block: Block, trouble: Trouble) -> Iterator[tuple[Row, Span]]:
        if block.rows is None:
            yield Row(), block.source
            return
        check = block.row_check
        for row, span in block.rows.rows(self._row_problem):
            if check is None or check.accepts(row):
                yield row, span
            else:
                self._left_out(len(block.combinations))
                trouble.row(check.complaints(row), span)

    def _row_problem(self, finding: Diagnostic) -> None:
        if finding.severity is Severity.ERROR:
            self._left_out(1)
        self._report(finding)

    def _left_out(self, count: int) -> None:
        self.jobs_read += count
        self.is_whole = False

    def _claim(self, spec: JobSpec, number: int) -> None:
        """Take the output path: two jobs never write to one, even where a file system ignores case.

        Raises:
            Flaw: Another job has it.
        """
        path = folded(spec.output)
        if path in self._outputs:
            raise OutputTaken(self._outputs[path], spec.output)
        # One integer instead of a place: a million of these are kept.
        self._outputs[path] = spec.source.line * len(self._blocks) + number

    def _other(self, flaw: Flaw) -> Label | None:
        if not isinstance(flaw, OutputTaken):
            return None
        line, number = divmod(flaw.claim, len(self._blocks))
        block = list(self._blocks.values())[number]
        return Label(Span(_file(block), line, 1), f"the job made here ({block.name}) has it")


class OutputTaken(Flaw):
    """Two jobs write to one path.

    Args:
        claim: Which line and block has it.
        written: It, as the second job has it.
    """

    def __init__(self, claim: int, written: str) -> None:
        super().__init__(Code.OUTPUT_TAKEN, f"another job writes to `{written}` (capitals do not count)")
        self.claim = claim


def _first(block: Block, flaw: Flaw) -> Label | None:
    if not isinstance(flaw, KeyTaken):
        return None
    return Label(Span(_file(block), flaw.line, 1), "the first is here")


def _file(block: Block) -> str:
    return block.rows.file if block.rows is not None else block.source.file
