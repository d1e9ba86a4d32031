"""Gives the findings of rows and jobs their places, and says only once what is true of every row.

What a row did (its values made a template fail) stands at the row, at the field where one is at fault, with the template's place beside
it. What the manifest does by itself stands in the manifest, once, however many rows go through it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.core.collected import MOST_KEPT
from runner.core.diagnostics import Diagnostic, Label, Span
from runner.manifest.blocks import KEY, OUTPUT
from runner.manifest.codes import Code
from runner.manifest.examination import examine
from runner.manifest.findings import from_complaint, from_flaw, use_label
from runner.manifest.flaws import Flaw, SaidAlready
from runner.manifest.job_maker import KeyTaken
from runner.manifest.rows.use import is_row_path, row_path
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.manifest.blocks import Block
    from runner.manifest.examination import Examination
    from runner.manifest.flaws import Suggestions
    from runner.manifest.inputs import Pointer
    from runner.manifest.job_maker import JobMaker
    from runner.manifest.rows.fields import Fields
    from runner.manifest.schema.explain import Complaint
    from runner.manifest.text.source import Document

_OF_COLUMNS: Final = (Code.MISSING_KEY, Code.UNKNOWN_KEY)
_MOST_EXAMINED: Final = 10_000
"""Jobs of a block whose every part is looked at, a third of a millisecond each: nobody reads on, and a million take minutes."""
_MOST_FIRSTS: Final = 20
"""Duplicates whose first is looked up in the file, which takes a pass up to it each time; as many are shown of a file."""


class Trouble:
    """The findings of one block.

    Args:
        block: The block.
        document: The manifest.
        report: Takes the findings.
        suggestions: Those of the pass.
    """

    def __init__(
        self, block: Block, document: Document, report: Callable[[Diagnostic], None], suggestions: Suggestions
    ) -> None:
        self._block = block
        self._document = document
        self._report = report
        self._suggestions = suggestions
        self._said: set[tuple[Pointer, str]] = set()
        self._examined = 0
        self._firsts = 0
        self._fields: Fields | None = block.rows.fields() if block.rows is not None else None
        self._row: Span | None = None
        self._places: dict[Pointer, Span] = {}
        self._looked_up = 0

    # --- what happens -------------------------------------------------------------------------------------------------

    def key(self, flaw: Flaw, maker: JobMaker, span: Span) -> None:
        """A row's key does not hold; its jobs are looked at all the same, without an id."""
        if not isinstance(flaw, SaidAlready):
            label = self._first(flaw) if isinstance(flaw, KeyTaken) else None
            self._place(flaw, KEY, span, self._block.name, label)
        for combination in self._block.combinations if self._examined < _MOST_EXAMINED else ():
            maker.scope["matrix"] = combination.values
            self._say(examine(maker, unknown=frozenset(("job",))), span, self._block.name)

    def row(self, complaints: Iterable[Complaint], span: Span) -> None:
        """A row does not satisfy its schema."""
        for complaint in complaints:
            column = f"`{_dotted(complaint.at)}`: " if complaint.at and not complaint.on_key else ""
            finding = Diagnostic(
                code=Code.ROW_REFUSED,
                message=f"{column}{complaint.message}",
                span=self._field(span, complaint.at),
                hint=complaint.hint,
                job=self._block.name,
                notes=self._how_to_mend(complaint),
            )
            if complaint.code in _OF_COLUMNS and len(complaint.at) <= 1 and (header := self._header(complaint.at)):
                self._once(("foreach", "schema"), replace(finding, span=header))
            else:
                self._report(finding)

    def job(self, error: Exception, maker: JobMaker, span: Span) -> None:
        """A job does not hold: everything that is wrong with it.

        Args:
            error: What making it stopped at.
            maker: Its scope is that of the job.
            span: The job's row, or its place in the manifest.
        """
        if self._examined >= _MOST_EXAMINED:
            text = f"more than {_MOST_EXAMINED:,} jobs do not hold; what is wrong with the rest was not looked at"
            rest = Diagnostic(code=Code.SCHEMA, message=text, span=self._block.source, job=self._block.name)
            self._once((), rest)
            return
        job_id = maker.scope["job"]["id"]
        found = examine(maker)
        self._say(found, span, job_id)
        if isinstance(error, Flaw) and not (found.flaws or found.complaints or found.contents or found.is_explained):
            self._place(error, ("with",), span, job_id)

    def output(self, flaw: Flaw, job_id: str, span: Span, other: Label) -> None:
        """A job's output path is that of another job."""
        # Without `output:` the path is the id, which the key has made.
        at = OUTPUT if self._block.output is not None else KEY if self._block.key is not None else ()
        self._place(flaw, at, span, job_id, other)

    def unmade(self, maker: JobMaker) -> None:
        """The block made no job; when none was looked at either, what the manifest says about them by itself."""
        if self._examined:
            return
        maker.scope |= {"row": Row(), "matrix": Matrix(), "job": JobFacts()}
        found = examine(maker, unknown=frozenset(("row", "matrix", "job")))
        self._say(found, self._block.source, self._block.name)

    def obstacle(self, flaw: Flaw, span: Span, job_id: str) -> Diagnostic:
        """The finding of a file that is not there: the job carries it. What every row meets is the same finding each time."""
        at = ("with", *(flaw.within or ()))
        here = self._document.span((*self._block.pointer, *at))
        if self._block.depends_on_row(at):
            place, used = self._at_fault(at, span), Label(here, "used here")
            return from_flaw(flaw, place, self._suggestions, job=job_id, labels=(used,))
        return from_flaw(flaw, here, self._suggestions, job=self._block.name)

    # --- where it is said ---------------------------------------------------------------------------------------------

    def _say(self, found: Examination, span: Span, job_id: str) -> None:
        self._examined += 1
        for at, flaw in (*found.flaws.items(), *found.contents):
            self._place(flaw, at, span, job_id)
        for complaint in found.complaints:
            at = ("with", *complaint.at)
            finding = from_complaint(complaint, self._document, (*self._block.pointer, "with"), job=job_id)
            if self._block.depends_on_row(at) and not self._is_key_of_manifest(complaint):
                label = Label(finding.span, "made here")
                self._report(replace(finding, span=self._at_fault(at, span), labels=(label, *finding.labels)))
            else:
                self._once(complaint.at, finding)

    def _place(self, flaw: Flaw, at: Pointer, span: Span, job_id: str, label: Label | None = None) -> None:
        pointer = (*self._block.pointer, *at)
        here = self._document.span(pointer)
        labels = (label,) if label is not None else ()
        template = self._block.templates.get(at)
        # What a template does with an output it does whatever the row holds, and so it is with names other than the row's.
        is_slip = flaw.code is Code.BROKEN_REFERENCE or (
            flaw.code is Code.UNKNOWN_NAME and template is not None and "row" not in template.names
        )
        if is_slip or not self._block.depends_on_row(at):
            labels = (*labels, *use_label(self._document, pointer))
            self._once(at, from_flaw(flaw, here, self._suggestions, job=job_id, labels=labels))
            return
        used = labels or (Label(here, "used here"),)
        if flaw.per_header and (header := self._header(())) is not None:
            self._once(at, from_flaw(flaw, header, self._suggestions, job=self._block.name, labels=used))
        else:
            self._report(from_flaw(flaw, self._at_fault(at, span), self._suggestions, job=job_id, labels=used))

    def _is_key_of_manifest(self, complaint: Complaint) -> bool:
        """Whether it is about keys that the manifest has (or has not), and not a template's value."""
        at = ("with", *complaint.at)
        is_about_given_key = complaint.code is Code.UNKNOWN_KEY or bool(complaint.also)
        longest = len(at) - 1 if is_about_given_key else len(at)
        return complaint.on_key and not any(at[:length] in self._block.templates for length in range(1, longest + 1))

    def _once(self, at: Pointer, finding: Diagnostic) -> None:
        if (at, finding.message) not in self._said:
            self._said.add((at, finding.message))
            self._report(finding)

    # --- places in rows -----------------------------------------------------------------------------------------------

    def _at_fault(self, at: Pointer, row: Span) -> Span:
        """The field that the value at `at` was made of; the row when it is not one field alone."""
        for length in range(len(at), 0, -1):
            template = self._block.templates.get(at[:length])
            if template is not None:
                path = row_path(template.source)
                if path is None:
                    return row
                return self._field(row, (*path, *at[length:]) if is_row_path(template.source) else path)
        return row

    def _field(self, row: Span, path: Pointer) -> Span:
        """The place of a field; the row for findings that come after those which are kept."""
        if self._fields is None or not path:
            return row
        if row != self._row:
            self._row, self._places = row, {}
        if path not in self._places:
            is_kept = self._looked_up < MOST_KEPT
            self._looked_up += is_kept
            self._places[path] = self._fields.find(row, path) if is_kept else row
        return self._places[path]

    def _header(self, path: Pointer) -> Span | None:
        """Where the columns are named, or the one of them that a path begins with; None for rows that each name their own."""
        if self._fields is None:
            return None
        return (self._fields.column(str(path[0])) if path else None) or self._fields.header()

    def _first(self, flaw: KeyTaken) -> Label:
        """The row that has a key already."""
        rows = self._block.rows
        key = self._block.key
        assert rows is not None
        assert key is not None
        place = Span(rows.file, flaw.line, flaw.column)
        self._firsts += 1
        if self._firsts <= _MOST_FIRSTS:
            place = rows.fields().find(place, row_path(key.source) or ())
        return Label(place, "the first is here")

    def _how_to_mend(self, complaint: Complaint) -> tuple[str, ...]:
        if complaint.code is not Code.WRONG_TYPE or self._block.rows is None or not self._block.rows.has_header:
            return ()
        return (
            "every value of a CSV file is text; let the schema say `type: string` with a `pattern`, or use JSON lines",
        )


def _dotted(path: Pointer) -> str:
    """A path in a row as templates write it: `address.city`, `tags[1]`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
