"""Findings by the thousand: as many are kept as anybody reads, and all of them are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.core.diagnostics import Diagnostic, Label, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_KEPT: Final = 10_000
"""Findings kept at once, about 1 kB each."""
SHOWN_OF_FILE: Final = 20
"""Findings of one file that are shown unless all are asked for."""
_MOST_LABELS: Final = 5
_MOST_RECENT: Final = 1_000

NotKept = Counter[tuple[str, Severity]]
"""How many findings were counted and not kept, by file and severity."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at manifests found.

    Args:
        diagnostics: The findings that were kept, each once.
        not_kept: How many more there were.
        jobs_read: Jobs met, those with findings included; None when it did not come to that.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    not_kept: Mapping[tuple[str, Severity], int] = field(default_factory=NotKept)
    jobs_read: int | None = None

    def count(self, severity: Severity) -> int:
        """How many findings of a severity there are, those not kept included."""
        kept = sum(finding.severity is severity for finding in self.diagnostics)
        return kept + sum(count for (_, other), count in self.not_kept.items() if other is severity)

    @property
    def is_valid(self) -> bool:
        """Whether a run may start: there are warnings at most."""
        return not self.count(Severity.ERROR)

    def not_kept_of(self, file: str) -> int:
        """How many findings of a file were not kept."""
        return sum(self.not_kept.get((file, severity), 0) for severity in Severity)

    def __add__(self, other: Found) -> Found:
        """The findings of both, the other's after these."""
        read = [it for it in (self.jobs_read, other.jobs_read) if it is not None]
        return Found(
            (*self.diagnostics, *other.diagnostics),
            NotKept(self.not_kept) + NotKept(other.not_kept),
            sum(read) if read else None,
        )


class _Group:
    """What several jobs have in one place: one finding, with the labels of the first few and how many jobs more have it."""

    __slots__ = ("_first", "_job", "_labels", "_others")

    def __init__(self, first: Diagnostic) -> None:
        self._first = first
        self._job = first.job
        self._others = 0
        self._labels: dict[Label, None] | None = None

    def add(self, finding: Diagnostic) -> None:
        """One more of the same place and words. Those of one job come one after the other."""
        if self._job is None:
            self._first = replace(self._first, job=finding.job)
        elif finding.job not in (None, self._job):
            self._others += 1
        self._job = finding.job or self._job
        if self._labels is None:
            self._labels = dict.fromkeys(self._first.labels)
        if len(self._labels) < _MOST_LABELS:
            self._labels.update(dict.fromkeys(finding.labels))

    def as_one(self) -> Diagnostic:
        """The finding that stands for all."""
        if self._labels is None:
            return self._first
        others = f"{self._others:,} more {'job has' if self._others == 1 else 'jobs have'} it"
        notes = (*self._first.notes, others) if self._others else self._first.notes
        return replace(self._first, labels=tuple(islice(self._labels, _MOST_LABELS)), notes=notes)


_Key = tuple[str, str, Span]


class Collected:
    """Takes findings one after the other, in bounded memory.

    What several jobs have in one place is one finding. Past the bound, that is seen for findings that come near one another, such as
    those of all combinations of one row.

    Args:
        most: So many are kept, and up to as many more that are among the first of their file, block and code: ten thousand rows with
            one fault do not hide another.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._groups: dict[_Key, _Group] = {}
        self._kept_of_kind: Counter[tuple[str, str, str]] = Counter()
        self._recent: set[_Key] = set()
        self._not_kept = NotKept()
        self.has_errors = False
        """Whether one of them keeps a run from starting."""

    def __call__(self, finding: Diagnostic) -> None:
        """Take one."""
        key = (finding.code, finding.message, finding.span)
        group = self._groups.get(key)
        if group is not None:
            group.add(finding)
            return
        self.has_errors |= finding.severity is Severity.ERROR
        file = finding.span.file
        kind = (file, (finding.job or "").partition("/")[0], finding.code)
        most = 2 * self._most if self._kept_of_kind[kind] < SHOWN_OF_FILE else self._most
        if len(self._groups) < most:
            self._groups[key] = _Group(finding)
            self._kept_of_kind[kind] += 1
        elif key not in self._recent:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent.add(key)
            self._not_kept[file, finding.severity] += 1

    def found(self, jobs_read: int | None = None) -> Found:
        """All of them so far, in the order in which they came.

        Args:
            jobs_read: Jobs met; None when it did not come to that.
        """
        return Found(tuple(group.as_one() for group in self._groups.values()), NotKept(self._not_kept), jobs_read)
