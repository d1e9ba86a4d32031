"""A finding in a manifest, as a value: one bad file never hides another."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error keeps a run from starting, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text in a file.

    Args:
        file: The path as the user would type it.
        line: First line, from 1; 0 when the finding is about the whole file.
        column: First column, from 1, in code points; 0 when unknown.
        width: Code points that the caret underlines, at least 1.
    """

    file: str
    line: int = 0
    column: int = 0
    width: int = 1

    def __str__(self) -> str:
        """`file:line:column`, without the parts that are not known."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that belongs to a finding, with the words to print under it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding.

    Args:
        code: Stable code: `M…` manifest, `P…` provider, `E…` environment.
        message: What is wrong, without a full stop; names go between backticks.
        span: Where.
        severity: Error or warning.
        hint: Words printed at the caret (did you mean …), or None.
        labels: Further places.
        job: The id of the job concerned, or None.
        notes: Further lines, one each: how to mend it.
    """

    code: str
    message: str
    span: Span
    severity: Severity = Severity.ERROR
    hint: str | None = None
    labels: tuple[Label, ...] = ()
    job: str | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class Unsaid:
    """Tells findings that were not met before from those that were: what a million rows have in common is said once.

    Args:
        most: So many findings are remembered; beyond that, each counts as new.
    """

    most: int = 10_000
    _met: set[Diagnostic] = field(default_factory=set)

    def __call__(self, finding: Diagnostic) -> bool:
        """Whether the finding is new; it is remembered."""
        if finding in self._met:
            return False
        if len(self._met) < self.most:
            self._met.add(finding)
        return True
