"""Reads from an MP3 how many frames it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.media.formats import HEAD_BYTES, id3_bytes

if TYPE_CHECKING:
    from typing import BinaryIO

_HEADER: Final = re.compile(
    rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb].."
    rb"(?:(?:.{9}|.{17}|.{32})(?:..)?(?:Xing|Info)\0\0\0(?P<flags>.)(?P<frames>.{4})|.{32}VBRI.{10}(?P<vbri>.{4}))",
    re.DOTALL,
)
"""The head of a frame of Layer III, the side information of its kind, and what stands in the place of sound. Source: the Xing, LAME and
Fraunhofer VBR headers."""

_HAS_FRAMES: Final = 1


def frames_said(file: BinaryIO) -> int | None:
    """How many frames an MP3 says that it has, without the one that says it; None when it says nothing.

    Raises:
        OSError: The file could not be read.
    """
    file.seek(0)
    file.seek(id3_bytes(file.read(HEAD_BYTES)))
    found = _HEADER.search(file.read(HEAD_BYTES))
    if found is None:
        return None
    has_frames = found["vbri"] is not None or found["flags"][0] & _HAS_FRAMES
    return int.from_bytes(found["vbri"] or found["frames"], "big") or None if has_frames else None
