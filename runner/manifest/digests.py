"""Digests of local files: each file is read once, in pieces, however many jobs send it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from pathlib import Path

MOST_FILE_BYTES: Final = 32 * 2**20
"""The largest file that a job may send: in base64 it is 43 MiB of JSON, more than any known API takes."""

_MOST_KNOWN: Final = 50_000
"""Digests kept at once, about 300 bytes each; beyond that a file may be read again."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file holds, as far as planning asks.

    Args:
        path: Absolute, links followed.
        sha256: Digest of its bytes, hexadecimal.
        size_bytes: Its length.
    """

    path: str
    sha256: str
    size_bytes: int


class Digests:
    """Digests of files by path, modification time and length.

    Two changes within one tick of the file system's clock that leave the length alone look like none. Whoever sends a file therefore
    takes its digest again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}

    def of(self, path: Path, written: str) -> FileContent:
        """What a file holds; it is read unless its digest is known.

        Args:
            path: The file, links followed.
            written: As the manifest has it, for messages.

        Raises:
            Flaw: It is not a file that can be read, or too large.
        """
        try:
            facts = path.stat()
            known = self._known.get((str(path), facts.st_mtime_ns, facts.st_size))
            return FileContent(str(path), known, facts.st_size) if known is not None else self._read(path, written)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Flaw(Code.FILE_UNREADABLE, f"cannot read `{written}`: {reason}") from error

    def _read(self, path: Path, written: str) -> FileContent:
        # Without waiting: what was a file a moment ago may be a pipe now, which nobody ever writes to.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise Flaw(Code.FILE_UNREADABLE, f"`{written}` is not a file")
            if facts.st_size > MOST_FILE_BYTES:
                most = f"{MOST_FILE_BYTES // 2**20} MiB"
                raise Flaw(Code.FILE_UNREADABLE, f"`{written}` is larger than {most}, the most that a job may send")
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[str(path), facts.st_mtime_ns, facts.st_size] = digest
        return FileContent(str(path), digest, facts.st_size)
