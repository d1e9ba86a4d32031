"""What the product left on disk, read without the product: the second and third of the audit's three ledgers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Where a campaign's things lie (spec.md section 4).

    Args:
        folder: The manifest's folder.
        name: The manifest's name; `<name>.sandbox` for a sandbox run.
    """

    folder: Path
    name: str

    @property
    def state_folder(self) -> Path:
        """Holds the state, the witness and the lock."""
        return self.folder / ".callsheet" / self.name

    @property
    def state(self) -> Path:
        """The SQLite file."""
        return self.state_folder / "state.db"

    @property
    def witness(self) -> Path:
        """The second witness."""
        return self.state_folder / "submissions.jsonl"

    @property
    def outputs(self) -> Path:
        """The videos and the report."""
        return self.folder / "outputs" / self.name

    @property
    def report(self) -> Path:
        """The report's folder."""
        return self.outputs / "report"

    def delivered(self) -> list[Path]:
        """Everything below the outputs that claims to be a video: neither the report nor an unfinished or refused part."""
        return [path for path in self._videos() if ".part" not in path.name]

    def parts(self) -> list[Path]:
        """Unfinished parts; those that did not play (`.part.bad`) are kept on purpose and are none."""
        return [path for path in self._videos() if ".part" in path.name and not path.name.endswith(".bad")]

    def _videos(self) -> Iterator[Path]:
        for path in sorted(self.outputs.rglob("*")):
            if path.is_file() and self.report not in path.parents and not path.name.startswith(".git"):
                yield path


def cells(state: Path) -> Iterator[object]:
    """Every value of every row of every table of a state file, whatever its schema."""
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=5)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from row


def holds(state: Path, needle: str) -> bool:
    """Whether a text (or, for a hexadecimal digest, its bytes) stands in some cell."""
    raw = needle.encode()
    for cell in cells(state):
        if isinstance(cell, str) and needle in cell:
            return True
        if isinstance(cell, bytes) and (raw in cell or (len(needle) == 64 and bytes.fromhex(needle) in cell)):
            return True
    return False


def knows_intent(places: Places, sha256: str) -> bool | None:
    """Whether a request is durable in the state and, by the witness, too.

    Returns:
        None when the state cannot be read.
    """
    try:
        in_state = holds(places.state, sha256)
    except sqlite3.Error:
        return None
    return in_state and places.witness.exists() and sha256 in places.witness.read_text(encoding="utf-8")
