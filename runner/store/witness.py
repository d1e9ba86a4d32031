"""The second witness: `submissions.jsonl`, one line for each intent, each accepted id, each end and each rename.

    {"batch":0,"kind":"intent","job":"a","fingerprint":"…","attempt":1,"at":…,"uses":…,"operation":…,"external_id":…, …}
    {"batch":421,"kind":"accepted", … as above …,"submitted_at":…,"task_id":"…"}
    {"batch":902,"kind":"closed","job":"a","fingerprint":"…","attempt":1,"at":…,"outcome":"finished"}
    {"batch":1004,"kind":"repair"}
    {"batch":1040,"kind":"renamed","job":"a","fingerprint":"…","at":…,"to":"b"}

It holds ids and digests, never addresses or inputs. Lines are appended in batches, each batch with one write and one fsync, and each
line says at which byte its batch begins. A crash can only damage the batch that was being written, so a damaged line is a crash's
when no later batch follows it, and damage of another kind when one does. The first append after a crash puts a `repair` line
behind the damaged end; nothing is ever cut away.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import StateUnusable
from runner.store.folder import sync_folder
from runner.store.knowledge import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

_TAIL_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a witness is known: kept in the state, so that the next start reads only what came after.

    Args:
        size: Bytes from the beginning.
        tail: Digest of the last bytes before that, by which another file of the same name is told apart; "" at 0.
    """

    size: int
    tail: str


class Witness:
    """The end of a witness file, open for appending.

    Args:
        path: The file; made with mode 0600 when the first line is written.
        size: Its length in bytes.
        tail: Its last bytes.
    """

    def __init__(self, path: Path, size: int, tail: bytes) -> None:
        self._path = path
        self._size = size
        self._tail = tail
        self._descriptor: int | None = None

    @classmethod
    def at_end(cls, path: Path) -> Self:
        """A witness that goes on where the file ends.

        Raises:
            OSError: The file cannot be read.
        """
        size = _size(path)
        return cls(path, size, _read_tail(path, size))

    @property
    def mark(self) -> Mark:
        """Where the file ends."""
        return Mark(self._size, _digest(self._tail))

    def append(self, lines: Sequence[str]) -> None:
        """Append a batch and fsync it.

        Args:
            lines: JSON objects, each in one line.

        Raises:
            OSError: Some of the batch may not be durable. Not to be tried again.
        """
        if self._descriptor is None:
            self._descriptor = self._open()
        # A file that does not end in a newline ends in a torn line: ours begin on a fresh one.
        front = "\n" if self._tail and not self._tail.endswith(b"\n") else ""
        batch = self._size + len(front)
        block = (front + "".join(f'{{"batch":{batch},{line[1:]}\n' for line in lines)).encode("ascii")
        _write_all(self._descriptor, block)
        os.fsync(self._descriptor)
        self._size += len(block)
        self._tail = (self._tail + block)[-_TAIL_BYTES:]

    def sync(self) -> None:
        """Make durable what is there: a process that was killed between write and fsync may have left lines that are not yet.

        Raises:
            OSError: Some of it may not be durable. Not to be tried again.
        """
        if self._size:
            with self._path.open("rb") as file:
                os.fsync(file.fileno())

    def close(self) -> None:
        """Close the file. Harmless when repeated."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._size == 0:
            sync_folder(self._path.parent)
        return descriptor


@dataclass(slots=True)
class Reading:
    """A witness file being read from a mark on.

    Args:
        path: The file; one that is not there has no lines.
        start: Byte to start at, the beginning of a line.
        is_torn: After the reading: whether the end is damaged, so that a repair line is due.
    """

    path: Path
    start: int = 0
    is_torn: bool = False

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every sound line as a JSON object, in order.

        Raises:
            StateUnusable: A line is damaged that no crash of ours can have damaged; names file and line.
            OSError: The file cannot be read.
        """
        damaged: int | None = None
        for offset, text in self._raw():
            line = _parse(text)
            if line is None:
                damaged = offset if damaged is None else damaged
            elif line["kind"] == "repair":
                damaged = None
            elif damaged is not None and line["batch"] > damaged:
                raise self._damage(damaged)
            else:
                yield line
        self.is_torn = damaged is not None

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            offset = file.seek(self.start)
            for text in file:
                yield offset, text
                offset += len(text)

    def _damage(self, offset: int) -> StateUnusable:
        with self.path.open("rb") as file:
            number = file.read(offset).count(b"\n") + 1
        return StateUnusable(
            f"{self.path}:{number} is damaged, and a crash cannot have done it: submissions may be missing from it",
            next_step=f"Put a backup of {self.path.name} back. If the state file beside it is whole and current, moving "
            f"{self.path.name} away is safe too: the state alone knows every submission.",
        )


def start_after(path: Path, known: Mark | None) -> int:
    """Where to start reading a witness of which the state knows a part.

    Args:
        path: The witness file.
        known: The state's mark, or None.

    Returns:
        The mark's byte when the file still has that beginning, else 0.

    Raises:
        OSError: The file cannot be read.
    """
    if known is None or _size(path) < known.size or _digest(_read_tail(path, known.size)) != known.tail:
        return 0
    return known.size


def _parse(text: bytes) -> dict[str, Any] | None:
    """The line's object; None when it is damaged or lacks what its kind must have."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("batch"), int):
        return None
    required = KINDS.get(str(line.get("kind")))
    return line if required is not None and required <= line.keys() else None


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read_tail(path: Path, size: int) -> bytes:
    if size == 0:
        return b""
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read(min(size, _TAIL_BYTES))


def _digest(tail: bytes) -> str:
    return sha256(tail).hexdigest()[:32] if tail else ""
