"""Gives the findings of rows and jobs their places, and says only once what is true of every row.

What a row did (its values made a template fail) stands at the row, with the template's place beside it. What the manifest does by
itself stands in the manifest, once, however many rows go through it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.core.diagnostics import Diagnostic, Label
from runner.manifest.codes import Code
from runner.manifest.findings import from_complaint, from_flaw
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.core.diagnostics import Span
    from runner.manifest.blocks import Block
    from runner.manifest.explain import Complaint
    from runner.manifest.inputs import Pointer
    from runner.manifest.source import Document
    from runner.manifest.template import Scope, Template

_KEY: Final = ("foreach", "key")
_FIELD: Final[dict[Code, str]] = {Code.BAD_OUTPUT: "output", Code.OUTPUT_TAKEN: "output", Code.WRONG_FORM: "tags"}
"""The field that a flaw of a whole job comes from; `with` for all other codes."""


class Trouble:
    """The findings of one block.

    Args:
        block: The block.
        document: The manifest.
        report: Takes the findings.
    """

    def __init__(self, block: Block, document: Document, report: Callable[[Diagnostic], None]) -> None:
        self._block = block
        self._document = document
        self._report = report
        self._said: set[tuple[Pointer, str]] = set()
        self._templates: dict[Pointer, Template] = {("with", *at): it for at, it in block.inputs.templates.items()}
        self._templates |= {("tags", *at): it for at, it in block.tags.templates.items()}
        if block.output is not None:
            self._templates["output",] = block.output

    def key(self, flaw: Flaw, span: Span, label: Label | None) -> None:
        """A row's key does not hold; `label` is the row that has it already."""
        self._place(flaw, _KEY, span, self._block.name, label)

    def row(self, complaints: Sequence[Complaint], span: Span) -> None:
        """A row does not satisfy its schema."""
        for complaint in complaints:
            column = f"`{complaint.at[0]}`: " if complaint.at else ""
            message = f"{column}{complaint.message}"
            self._report(
                Diagnostic(code=Code.ROW_REFUSED, message=message, span=span, hint=complaint.hint, job=self._block.name)
            )

    def job(self, flaw: Flaw, scope: Scope, span: Span, label: Label | None) -> None:
        """A job does not hold: every template that fails, or else the flaw of the whole job."""
        job_id = scope["job"]["id"]
        failing = [(at, found) for at, template in self._templates.items() if (found := _flaw_of(template, scope))]
        for at, found in failing:
            self._place(found, at, span, job_id, None)
        if not failing:
            self._place(flaw, self._origin(flaw), span, job_id, label)

    def _origin(self, flaw: Flaw) -> Pointer:
        if flaw.within is not None:
            return ("with", *flaw.within)
        field = _FIELD.get(flaw.code, "with")
        # Without `output:` the path is the id, which the key has made.
        return _KEY if field == "output" and self._block.output is None and self._block.key is not None else (field,)

    def inputs(self, complaints: Sequence[Complaint], span: Span, job_id: str) -> None:
        """The rendered inputs do not satisfy the operation's schema."""
        for complaint in complaints:
            finding = from_complaint(complaint, self._document, (*self._block.pointer, "with"), job=job_id)
            if self._depends_on_row(("with", *complaint.at)):
                label = Label(finding.span, "made here")
                self._report(replace(finding, span=span, labels=(label, *finding.labels)))
            else:
                self._once(complaint.at, finding)

    def _place(self, flaw: Flaw, at: Pointer, span: Span, job_id: str, label: Label | None) -> None:
        here = self._document.span((*self._block.pointer, *at))
        used = (Label(here, "used here"),)
        header = self._block.rows.header if self._block.rows is not None else None
        if not self._depends_on_row(at):
            self._once(at, from_flaw(flaw, here, job=job_id, labels=(label,) if label else ()))
        elif flaw.per_header and header is not None:
            self._once(at, from_flaw(flaw, header, job=self._block.name, labels=used))
        else:
            self._report(from_flaw(flaw, span, job=job_id, labels=(label,) if label else used))

    def _depends_on_row(self, at: Pointer) -> bool:
        if self._block.rows is None:
            return False
        if at == _KEY:
            return True
        related = (it for here, it in self._templates.items() if at[: len(here)] == here[: len(at)])
        return any(not it.names.isdisjoint(("row", "job")) for it in related)

    def _once(self, at: Pointer, finding: Diagnostic) -> None:
        if (at, finding.message) not in self._said:
            self._said.add((at, finding.message))
            self._report(finding)


def _flaw_of(template: Template, scope: Scope) -> Flaw | None:
    try:
        template.render(scope)
    except Flaw as flaw:
        return flaw
    return None
