"""Collects what is wrong with one manifest and gives each finding its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.core.collected import Collected
from runner.core.diagnostics import Diagnostic, Label, Span
from runner.manifest.flaws import Flaw, Suggestions
from runner.manifest.schema.explain import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.core.collected import Found
    from runner.manifest.inputs import Pointer
    from runner.manifest.schema.explain import Complaint
    from runner.manifest.text.source import Document


def from_flaw(
    flaw: Flaw, span: Span, suggestions: Suggestions, *, job: str | None = None, labels: Sequence[Label] = ()
) -> Diagnostic:
    """A flaw with its place."""
    return Diagnostic(
        code=flaw.code,
        message=flaw.message,
        span=span,
        hint=suggestions.hint(flaw, span.file),
        labels=tuple(labels),
        job=job,
        notes=flaw.notes,
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
        hint=_hint(complaint, document, at),
        labels=(
            *(Label(document.key_span((*root, *path)), words) for path, words in complaint.also),
            *use_label(document, at),
        ),
        job=job,
        notes=complaint.notes,
    )


def _hint(complaint: Complaint, document: Document, at: Pointer) -> str | None:
    """Its words; what belongs between quotes is shown as written, since `007` is read as 7."""
    written = document.scalar(at) if complaint.wants_quotes else None
    return complaint.hint if written is None else quoted(written)


def use_label(document: Document, at: Pointer) -> tuple[Label, ...]:
    """The place that uses a value which was written elsewhere and stands there by alias or merge; empty for any other value."""
    place = document.use_span(at)
    return () if place is None else (Label(place, "used here"),)


class Findings:
    """The findings of one manifest.

    Args:
        document: The manifest.
    """

    def __init__(self, document: Document) -> None:
        self.collected = Collected()
        """All of them."""
        self.count = 0
        """How often something was found wrong so far."""
        self._suggestions = Suggestions()
        self._broken: set[Pointer] = set()
        self._document = document

    def is_broken(self, at: Pointer) -> bool:
        """Whether there is an error at the value that the pointer leads to, or inside it."""
        return at in self._broken

    def _take(self, finding: Diagnostic, at: Pointer) -> None:
        self.count += 1
        self.collected(finding)
        self._broken.update(at[:length] for length in range(1, len(at) + 1))

    def flaw(
        self, at: Pointer, flaw: Flaw, *, on_key: bool = False, job: str | None = None, labels: Sequence[Label] = ()
    ) -> None:
        """A flaw of a value of the manifest."""
        span = self._document.key_span(at) if on_key else self._document.span(at)
        used = use_label(self._document, at)
        self._take(from_flaw(flaw, span, self._suggestions, job=job, labels=(*labels, *used)), at)

    def inside(self, at: Pointer, flaw: Flaw, place: Span, *, job: str) -> None:
        """A flaw inside a file that a value of the manifest names."""
        named = Label(self._document.span(at), "named here")
        self._take(from_flaw(flaw, place, self._suggestions, job=job, labels=(named,)), at)

    def complaint(self, complaint: Complaint, root: Pointer = (), *, job: str | None = None) -> None:
        """A complaint of a schema about a value of the manifest."""
        self._take(from_complaint(complaint, self._document, root, job=job), (*root, *complaint.at))

    def reporter(self, root: Pointer, *, job: str | None = None) -> Callable[[Pointer, Flaw], None]:
        """Takes flaws by their pointer below `root`."""
        return lambda at, flaw: self.flaw((*root, *at), flaw, job=job)


def in_order(found: Found, manifest: str) -> Found:
    """The findings in position order, the manifest before the files that it reads."""
    ordered = sorted(
        found.diagnostics,
        key=lambda it: (it.span.file != manifest, it.span.file, it.span.line, it.span.column, it.code),
    )
    return replace(found, diagnostics=tuple(ordered))
