"""What a sandbox saw, entry by entry: the books that an audit holds against the runner's own.

Entries are JSON objects with `event` (`create`, `poll`, `list`, `voices`, `cdn`) and `at` (Unix seconds). No entry holds a credential: only
whether one came. With a path every entry is one line of a file, written before the reply leaves, so that another process can audit
what was accepted whoever was killed in between.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_KEPT = 200_000
"""Entries held in memory: about 100 MB at 500 bytes each; older ones are in the file alone."""


class Ledger:
    """The entries, oldest first.

    Args:
        path: JSON Lines file to append to; what it holds is read first. None keeps the ledger in memory.

    Raises:
        OSError: The file cannot be read or opened for writing.
    """

    def __init__(self, path: Path | None) -> None:
        self._entries: deque[Mapping[str, Any]] = deque(maxlen=_KEPT)
        self._totals: Counter[str] = Counter()
        self._max_in_flight = 0
        self._file: TextIO | None = None
        if path is not None:
            for entry in _entries_of(path):
                self._count(entry)
            self._file = _opened_for_appending(path)

    @property
    def entries(self) -> tuple[Mapping[str, Any], ...]:
        """The latest 200,000 entries."""
        return tuple(self._entries)

    def of(self, event: str) -> list[Mapping[str, Any]]:
        """The entries of one event, e.g. `create`."""
        return [entry for entry in self._entries if entry["event"] == event]

    def record(self, event: str, at: float, **facts: Any) -> None:
        """Note what happened.

        Args:
            event: `create`, `poll`, `list`, `voices` or `cdn`.
            at: Unix seconds.
            **facts: JSON values.

        Raises:
            OSError: The file could not be written.
        """
        entry = {"event": event, "at": at, **facts}
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n")
        self._count(entry)

    def summary(self) -> dict[str, Any]:
        """The whole ledger as one JSON value: `totals` (by event, and `accepted`), `max_in_flight`, `entries`."""
        return {"totals": dict(self._totals), "max_in_flight": self._max_in_flight, "entries": list(self._entries)}

    @property
    def max_in_flight(self) -> int:
        """The most tasks that ever ran at once."""
        return self._max_in_flight

    def close(self) -> None:
        """Close the file. Safe to repeat."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _count(self, entry: Mapping[str, Any]) -> None:
        self._entries.append(entry)
        self._totals[entry["event"]] += 1
        if entry.get("accepted"):
            self._totals["accepted"] += 1
            self._max_in_flight = max(self._max_in_flight, entry["in_flight"])


def _entries_of(path: Path) -> Iterator[Mapping[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:  # the last line of a process that was killed while it wrote
                continue


def _opened_for_appending(path: Path) -> TextIO:
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    file = path.open("a", encoding="utf-8", buffering=1)
    if torn:
        file.write("\n")
    return file
