"""Collects what is wrong with one manifest and gives each finding its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core.diagnostics import Diagnostic, Label, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.manifest.explain import Complaint
    from runner.manifest.flaws import Flaw
    from runner.manifest.inputs import Pointer
    from runner.manifest.source import Document


def from_flaw(
    flaw: Flaw, span: Span, *, job: str | None = None, labels: Sequence[Label] = (), notes: Sequence[str] = ()
) -> Diagnostic:
    """A flaw with its place."""
    return Diagnostic(
        code=flaw.code,
        message=flaw.message,
        span=span,
        hint=flaw.hint,
        labels=tuple(labels),
        job=job,
        notes=(*flaw.notes, *notes),
    )


def from_complaint(complaint: Complaint, document: Document, root: Pointer, *, job: str | None = None) -> Diagnostic:
    """A schema's complaint about a value of the manifest.

    Args:
        complaint: What is wrong.
        document: The manifest.
        root: Pointer of the value that was checked.
        job: The job concerned, or None.
    """
    at = (*root, *complaint.at)
    return Diagnostic(
        code=complaint.code,
        message=complaint.message,
        span=document.key_span(at) if complaint.on_key else document.span(at),
        hint=complaint.hint,
        labels=tuple(Label(document.key_span((*root, *path)), words) for path, words in complaint.also),
        job=job,
    )


class Findings:
    """The findings of one manifest.

    Args:
        document: The manifest.
    """

    def __init__(self, document: Document) -> None:
        self.all: list[Diagnostic] = []
        self.broken: set[Pointer] = set()
        """Pointers, one or two steps long, of the sections that have an error in them."""
        self._document = document

    def flaw(self, at: Pointer, flaw: Flaw, *, on_key: bool = False, job: str | None = None) -> None:
        """A flaw of a value of the manifest."""
        span = self._document.key_span(at) if on_key else self._document.span(at)
        self.all.append(from_flaw(flaw, span, job=job))
        self.broken.add(at[:2])

    def complaint(self, complaint: Complaint, root: Pointer = (), *, job: str | None = None) -> None:
        """A complaint of a schema about a value of the manifest."""
        self.all.append(from_complaint(complaint, self._document, root, job=job))
        self.broken.add((*root, *complaint.at)[:2])

    def reporter(self, root: Pointer, *, job: str | None = None) -> Callable[[Pointer, Flaw], None]:
        """Takes flaws by their pointer below `root`."""
        return lambda at, flaw: self.flaw((*root, *at), flaw, job=job)

    @property
    def has_errors(self) -> bool:
        """Whether anything found keeps a run from starting."""
        return any(finding.severity is Severity.ERROR for finding in self.all)


def in_order(findings: Iterable[Diagnostic], manifest: str) -> list[Diagnostic]:
    """Position order, the manifest before the files that it reads; each finding once."""
    unique = dict.fromkeys(findings)
    return sorted(
        unique, key=lambda it: (it.span.file != manifest, it.span.file, it.span.line, it.span.column, it.code)
    )
