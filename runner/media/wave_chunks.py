"""Reads from a WAV file where its sound ends.

FFmpeg would tell a cut file by a short last packet. But a program that writes to a pipe cannot go back and fill in the length: its files
end anywhere, and are whole.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_HEAD_BYTES: Final = 12
_CHUNK = struct.Struct("<4sI")
_SIZES = struct.Struct("<QQ")
"""The beginning of `ds64`: length of the file and of the sound."""

_MOST_CHUNKS: Final = 100_000
_IN_DS64: Final = 0xFFFF_FFFF
_LEAST_UNKNOWN: Final = 0x7FFF_0000
"""What programs write for a length that they do not know yet lies above: 0xFFFFFFFF (FFmpeg), 0x7FFFFFFF and somewhat less (SoX, arecord); or it is 0."""


def sound_end(file: BinaryIO) -> int | None:
    """Where the sound ends, as the file itself says.

    Args:
        file: A WAV file, also one of 64 bits (RF64, BW64).

    Returns:
        The byte behind it, which lies behind the end of a file that is cut off; None when the file does not know.

    Raises:
        OSError: The file could not be read.

    Source: Multimedia Programming Interface and Data Specifications 1.0 (RIFF); EBU Tech 3306 (`ds64`).
    """
    file_end = file.seek(0, os.SEEK_END)
    long_size = 0
    for name, at, size in _chunks(file):
        if name == b"ds64":
            long_size = _sound_size(file.read(_SIZES.size))
        elif name == b"data":
            size = long_size if size == _IN_DS64 and long_size else size  # noqa: PLW2901  the chunk's true length
            is_unknown = not size or (size >= _LEAST_UNKNOWN and at + size > file_end and not long_size)
            return None if is_unknown else at + size
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the content, and length of each chunk; the file stands at the content."""
    at = _HEAD_BYTES
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            return
        name, size = _CHUNK.unpack(head)
        at += _CHUNK.size
        yield name, at, size
        at += size + size % 2


def _sound_size(sizes: bytes) -> int:
    return int(_SIZES.unpack(sizes)[1]) if len(sizes) == _SIZES.size else 0
