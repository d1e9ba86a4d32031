"""The lock file as a file: whether the state knows it as it stands, its reading and its renewal.

Not to be taken for the lock that keeps two runs apart (`lock.py`): this one is committed to git.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING, Final

from runner.store.faults import translated
from runner.store.folder import sync_folder
from runner.store.receipts import decode_receipts, encode_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import BufferedReader
    from pathlib import Path

    from runner.core.job import OutputFile
    from runner.store.receipts import Receipt

_LONGEST_LINE_BYTES: Final = 256 * 1024
"""A longer line is none of ours, and is not read into memory whole."""


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
            meta: As the state keeps it (`LockReading.stamp`).

        Raises:
            StorageFailed: The file cannot be read.
        """
        with translated(self.path, "read"):
            if not self.path.exists():
                return True
            with _open(self.path) as file:
                if meta.get("lock_stat") == _stat(file):
                    return True
                return meta.get("lock_sha256") == file_digest(file, "sha256").hexdigest()

    def stamp(self) -> dict[str, str]:
        """What `is_known` compares, of the file as it stands: only for one that this process has just written.

        Raises:
            StorageFailed: The file cannot be read.
        """
        with translated(self.path, "read"), _open(self.path) as file:
            return {"lock_stat": _stat(file), "lock_sha256": file_digest(file, "sha256").hexdigest()}

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
            # What a killed run left. A new file, never one that stands there: a link under this name could lead anywhere.
            fresh.unlink(missing_ok=True)
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
        with fresh.open("x", encoding="ascii", newline="\n") as file:
            for receipt in receipts:
                file.write(encode_receipt(receipt, self.folder) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        return count


class LockReading:
    """One reading of a lock file.

    Args:
        lock_file: Which.
    """

    def __init__(self, lock_file: LockFile) -> None:
        self._lock_file = lock_file
        self.stamp: dict[str, str] = {}
        """After the reading: what tells the very bytes that were read, as values of the state's `meta`."""

    def receipts(self) -> Iterator[Receipt]:
        """Every receipt, in the file's order, streamed; a file that is not there has none.

        Raises:
            ManifestInvalid: After the last line, when lines do not hold.
            StorageFailed: The file cannot be read.
        """
        lock_file = self._lock_file
        with translated(lock_file.path, "read"):
            if not lock_file.path.exists():
                return
            with _open(lock_file.path) as file:
                yield from decode_receipts(self._lines(file), lock_file.display, lock_file.folder)

    def _lines(self, file: BufferedReader) -> Iterator[bytes]:
        digest, facts = sha256(), _stat(file)
        while line := file.readline(_LONGEST_LINE_BYTES):
            digest.update(line)
            yield line
        self.stamp = {"lock_stat": facts, "lock_sha256": digest.hexdigest()}


def _open(path: Path) -> BufferedReader:
    """The file, open; only a real file is waited for, not a pipe.

    Raises:
        OSError: It is not there, or no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return os.fdopen(descriptor, "rb")


def _stat(file: BufferedReader) -> str:
    facts = os.fstat(file.fileno())
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ino}"


def _are_same(fresh: Path, old: Path) -> bool:
    if not old.exists():
        return False
    with _open(fresh) as one, _open(old) as other:
        return file_digest(one, "sha256").digest() == file_digest(other, "sha256").digest()
