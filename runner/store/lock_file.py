"""The lock file as a file: whether the state knows it as it stands, and its renewal.

Not to be taken for the lock that keeps two runs apart (`lock.py`): this one is committed to git.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING

from runner.store.faults import translated
from runner.store.folder import sync_folder
from runner.store.receipts import encode_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner.core.job import OutputFile
    from runner.store.receipts import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """Where a manifest's lock file is, and what its lines are about.

    Args:
        path: The file.
        display: How messages name it.
        folder: The output folder as seen from the manifest's, e.g. `outputs/autumn`.
        stamped: Looks at a delivered file and notes its modification time where it is unchanged, so that it need not be read again.
    """

    path: Path
    display: str
    folder: str
    stamped: Callable[[OutputFile], OutputFile]

    def is_known(self, meta: Mapping[str, str]) -> bool:
        """Whether the file is, byte for byte, the one that the state was told of last; a file that is not there tells nothing.

        Args:
            meta: As the state keeps it (`stamp`).

        Raises:
            StorageFailed: The file cannot be read.
        """
        with translated(self.path, "read"):
            try:
                now = self.path.stat()
            except FileNotFoundError:
                return True
            if meta.get("lock_stat") == _stat(now):
                return True
            return meta.get("lock_sha256") == _digest(self.path)

    def stamp(self) -> dict[str, str]:
        """What `is_known` compares, as values of the state's `meta`.

        Raises:
            StorageFailed: The file cannot be read.
        """
        with translated(self.path, "read"):
            return {"lock_stat": _stat(self.path.stat()), "lock_sha256": _digest(self.path)}

    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def write(self, receipts: Iterable[Receipt]) -> None:
        """Make the file tell exactly these receipts. A file that does so already is left as it is; without receipts none is made.

        Args:
            receipts: Sorted by id.

        Raises:
            StorageFailed: It could not be written; the old file stands.
        """
        fresh = self.path.with_name(f".{self.path.name}.part")
        with translated(self.path, "write"):
            try:
                count = self._write_all(fresh, receipts)
                if count == 0 and not self.path.exists():
                    return
                if not _are_same(fresh, self.path):
                    fresh.replace(self.path)
                    sync_folder(self.path.parent)
            finally:
                with suppress(OSError):
                    fresh.unlink(missing_ok=True)

    def _write_all(self, fresh: Path, receipts: Iterable[Receipt]) -> int:
        count = 0
        with fresh.open("w", encoding="ascii", newline="\n") as file:
            for receipt in receipts:
                file.write(encode_receipt(receipt, self.folder) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        return count


def _stat(facts: os.stat_result) -> str:
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _are_same(fresh: Path, old: Path) -> bool:
    return old.exists() and old.stat().st_size == fresh.stat().st_size and _digest(old) == _digest(fresh)
