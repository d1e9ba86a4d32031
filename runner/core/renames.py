"""Jobs that have a new id: `moved:` in the manifest. What was paid under the old id goes on under the new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.core.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Rename:
    """One entry of `moved:`.

    Args:
        old: The id that the jobs had, e.g. `welcome/1042`; every id below it (`welcome/1042/en`) is meant too.
        new: The id that takes its place.
        source: Where it is written.
    """

    old: str
    new: str
    source: Span


class Renames:
    """All entries of `moved:`, found by id in a time that does not grow with their number.

    Args:
        entries: In order; of two with one old id the later counts.
    """

    def __init__(self, entries: Iterable[Rename] = ()) -> None:
        self.entries = tuple(entries)
        self._by_old = {entry.old: entry for entry in self.entries}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.entries)

    def about(self, job_id: str) -> Rename | None:
        """The entry that gives this id a new one; of several the one that says most: `welcome/1042` before `welcome`."""
        return next((self._by_old[part] for part in heads(job_id) if part in self._by_old), None)

    def new_id(self, job_id: str) -> str | None:
        """The id that a job has after all renames; None when none is about it.

        A job that was renamed twice (`a` to `b`, later `b` to `c`) arrives at the last name, in whatever order the entries stand. Each
        entry is used once, so that a circle ends.
        """
        now, used = job_id, set[Rename]()
        while (entry := self.about(now)) is not None and entry not in used:
            used.add(entry)
            now = entry.new + now[len(entry.old) :]
        return now if now != job_id else None


def heads(job_id: str) -> Iterator[str]:
    """The id and all ids above it, longest first: `welcome/1042/en`, `welcome/1042`, `welcome`."""
    yield job_id
    while "/" in job_id:
        job_id = job_id.rpartition("/")[0]
        yield job_id
