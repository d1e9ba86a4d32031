"""Collects what is wrong with one manifest and gives each finding its place."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.core.diagnostics import Diagnostic, Label, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.manifest.flaws import Flaw
    from runner.manifest.inputs import Pointer
    from runner.manifest.schema.explain import Complaint
    from runner.manifest.text.source import Document

_MOST_LABELS: Final = 5


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
        labels=(
            *(Label(document.key_span((*root, *path)), words) for path, words in complaint.also),
            *use_label(document, at),
        ),
        job=job,
    )


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
        self.all: list[Diagnostic] = []
        self._broken: set[Pointer] = set()
        self._document = document

    def is_broken(self, at: Pointer) -> bool:
        """Whether there is an error at the value that the pointer leads to, or inside it."""
        return at in self._broken

    def _break(self, at: Pointer) -> None:
        self._broken.update(at[:length] for length in range(1, len(at) + 1))

    def flaw(
        self, at: Pointer, flaw: Flaw, *, on_key: bool = False, job: str | None = None, labels: Sequence[Label] = ()
    ) -> None:
        """A flaw of a value of the manifest."""
        span = self._document.key_span(at) if on_key else self._document.span(at)
        self.all.append(from_flaw(flaw, span, job=job, labels=(*labels, *use_label(self._document, at))))
        self._break(at)

    def complaint(self, complaint: Complaint, root: Pointer = (), *, job: str | None = None) -> None:
        """A complaint of a schema about a value of the manifest."""
        self.all.append(from_complaint(complaint, self._document, root, job=job))
        self._break((*root, *complaint.at))

    def reporter(self, root: Pointer, *, job: str | None = None) -> Callable[[Pointer, Flaw], None]:
        """Takes flaws by their pointer below `root`."""
        return lambda at, flaw: self.flaw((*root, *at), flaw, job=job)

    @property
    def has_errors(self) -> bool:
        """Whether anything found keeps a run from starting."""
        return any(finding.severity is Severity.ERROR for finding in self.all)


def in_order(findings: Iterable[Diagnostic], manifest: str) -> list[Diagnostic]:
    """Position order, the manifest before the files that it reads. What several jobs have in one place is one finding."""
    groups: dict[tuple[str, str, Span], list[Diagnostic]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.message, finding.span), []).append(finding)
    unique = (group[0] if len(group) == 1 else _as_one(group) for group in groups.values())
    return sorted(
        unique, key=lambda it: (it.span.file != manifest, it.span.file, it.span.line, it.span.column, it.code)
    )


def _as_one(group: Sequence[Diagnostic]) -> Diagnostic:
    """Findings with one place and message, with the labels of the first few and how many jobs more have it."""
    jobs = dict.fromkeys(finding.job for finding in group if finding.job is not None)
    labels = dict.fromkeys(label for finding in group for label in finding.labels)
    others = len(jobs) - 1
    note = (f"{others:,} more {'job has' if others == 1 else 'jobs have'} it",) if others > 0 else ()
    return replace(
        group[0],
        job=next(iter(jobs), None),
        labels=tuple(islice(labels, _MOST_LABELS)),
        notes=(*group[0].notes, *note),
    )
