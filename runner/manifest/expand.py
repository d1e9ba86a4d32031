"""Blocks to jobs: one pass over all rows and combinations, in manifest order.

Nothing is kept of a row but its key and its output path, which have to be unique, and, for blocks whose outputs others use, its
fingerprint. What is wrong with a row goes to the reporter, and its jobs are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.diagnostics import Label, Severity, Span
from runner.manifest.codes import Code
from runner.manifest.file_inputs import SeenFiles
from runner.manifest.flaws import Flaw, Suggestions
from runner.manifest.job_maker import InputsRefused, JobMaker
from runner.manifest.needed import NeedBroken, Needed
from runner.manifest.paths import folded
from runner.manifest.renames import RenameWatch
from runner.manifest.templates.sandbox import Row
from runner.manifest.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic
    from runner.core.renames import Renames
    from runner.core.spec import JobSpec
    from runner.manifest.blocks import Block
    from runner.manifest.text.source import Document


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all parts of a pass see alike.

    Args:
        needed: Fingerprints of jobs whose outputs are used.
        seen: Local files.
        suggestions: Hints of findings.
    """

    needed: Needed
    seen: SeenFiles = field(default_factory=SeenFiles)
    suggestions: Suggestions = field(default_factory=Suggestions)


class Expansion:
    """One pass over blocks.

    Args:
        blocks: By name, in manifest order. Those that do not hold are gone through for what else is wrong with them.
        document: The manifest.
        report: Takes findings.
        shared: Of the pass that this one is part of; made anew when None.
        renames: Ids that the jobs must not have any more.
        are_all: Whether these are all blocks that the manifest means to have.
    """

    def __init__(
        self,
        blocks: Mapping[str, Block],
        document: Document,
        report: Callable[[Diagnostic], None],
        shared: _Shared | None = None,
        renames: Renames | None = None,
        *,
        are_all: bool = True,
    ) -> None:
        self.jobs_read = 0
        """Jobs met so far, those left out included."""
        self.is_whole = True
        """Whether every job was made so far."""
        self._blocks = blocks
        self._document = document
        self._report = report
        self._shared = shared or _Shared(Needed(blocks, self._fingerprints))
        self._outputs: dict[str, int] = {}
        self._renames = renames
        self._are_all = are_all

    def jobs(self) -> Iterator[JobSpec]:
        """Every job that holds."""
        return self._watched(self._made(), self._renames) if self._renames else self._made()

    def _made(self) -> Iterator[JobSpec]:
        for number, block in enumerate(self._blocks.values()):
            with self._shared.needed.inside(block.name):
                yield from self._block(number, block)

    def _watched(self, jobs: Iterator[JobSpec], renames: Renames) -> Iterator[JobSpec]:
        watch = RenameWatch(renames)
        for spec in jobs:
            finding = watch.see(spec)
            if finding is None:
                yield spec
            else:
                self._report(finding)
        if self.is_whole and self._are_all:  # else one of the jobs that do not hold may have the id
            for finding in watch.missed():
                self._report(finding)

    def _fingerprints(self, block: Block) -> tuple[dict[str, str], bool]:
        quiet = Expansion({block.name: block}, self._document, self._cycles_only, self._shared)
        table: dict[str, str] = {}
        for spec in quiet.jobs():
            table[spec.id] = spec.fingerprint
            if spec.obstacles:
                self._shared.needed.obstacles[spec.id] = spec.obstacles
        return table, quiet.is_whole

    def _cycles_only(self, finding: Diagnostic) -> None:
        """All else is found when the block has its own turn; a circle may then be entered at another place and look broken only."""
        if finding.code == Code.CYCLE:
            self._report(finding)

    def _block(self, number: int, block: Block) -> Iterator[JobSpec]:
        trouble = Trouble(block, self._document, self._report, self._shared.suggestions)
        maker = JobMaker(block, self._shared.needed, self._shared.seen, trouble.obstacle)
        is_made = False
        for row, span in self._rows(block, trouble):
            try:
                key = maker.key(row, span)
            except Flaw as flaw:
                self._left_out(len(block.combinations))
                trouble.key(flaw, maker, span)
                continue
            for combination in block.combinations:
                try:
                    spec = maker.job(key, combination, span)
                    self._claim(spec, number)
                except OutputTaken as taken:
                    self._left_out(1)
                    trouble.output(taken, maker.scope["job"]["id"], span, self._other(taken))
                except (Flaw, InputsRefused, NeedBroken) as error:
                    self._left_out(1)
                    trouble.job(error, maker, span)
                else:
                    is_made = True
                    self.jobs_read += 1
                    yield spec
        if not is_made:
            trouble.unmade(maker)

    def _rows(self, block: Block, trouble: Trouble) -> Iterator[tuple[Row, Span]]:
        if not block.has_foreach:
            yield Row(), block.source
            return
        if block.rows is None:
            self._left_out(1)
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
        if not spec.delivers_file:
            return
        path = folded(spec.output)
        if path in self._outputs:
            raise OutputTaken(self._outputs[path], spec.output)
        # One integer instead of a place: a million of these are kept.
        self._outputs[path] = spec.source.line * len(self._blocks) + number

    def _other(self, taken: OutputTaken) -> Label:
        line, number = divmod(taken.claim, len(self._blocks))
        block = list(self._blocks.values())[number]
        file = block.rows.file if block.rows is not None else block.source.file
        return Label(Span(file, line, 1), f"the job made here ({block.name}) has it")


class OutputTaken(Flaw):
    """Two jobs write to one path.

    Args:
        claim: Which line and block has it.
        written: It, as the second job has it.
    """

    def __init__(self, claim: int, written: str) -> None:
        super().__init__(Code.OUTPUT_TAKEN, f"another job writes to `{written}` (capitals do not count)")
        self.claim = claim
