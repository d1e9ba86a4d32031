"""Whether a media file is all there: looked at without decoding it.

Truncation is found in three ways, each of which misses what another finds (measured on every 37th byte of MP4, MOV and Matroska
files): the boxes of an MP4 must end where the file ends, no packet may be cut, and the packets must reach the length that the
container promises.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MICROSECONDS: Final = 1_000_000

_MISSING_SHARE: Final = 0.03
_MISSING_S: Final = 0.25
"""Packets may end this much before the promised length: encoders round it, and pad the sound. The larger of both counts."""

_MOST_S: Final = 120.0
"""Seconds that reading all packets may take; an hour of video takes about one."""

_PACKETS_BETWEEN_LOOKS: Final = 4096

_MEDIA_BOXES: Final = frozenset({b"moov", b"mdat", b"moof"})
_BOXES: Final = _MEDIA_BOXES | {
    b"ftyp",
    b"free",
    b"skip",
    b"wide",
    b"sidx",
    b"styp",
    b"meta",
    b"uuid",
    b"udta",
    b"pdin",
    b"emsg",
}
_BOX_HEAD: Final = 8
_MOST_BOXES: Final = 100_000
"""A fragmented video has a few a second; a hostile file could have one every eight bytes."""


class Flawed(Exception):
    """The file is damaged; `str()` completes "the file …"."""


def promised_s(container: InputContainer) -> float:
    """The length that the container says, in seconds; 0 when it says none."""
    return (container.duration or 0) / _MICROSECONDS


def check_reached(seen: float, promised: float) -> None:
    """See that the packets reach the length that the container promises.

    Args:
        seen: What `seen_s` gave.
        promised: What `promised_s` gave.

    Raises:
        Flawed: They do not.
    """
    if seen < promised - max(_MISSING_S, promised * _MISSING_SHARE):
        raise Flawed(f"ends after {seen:.1f} s of {promised:.1f} s")


def decode_one(container: InputContainer, stream: VideoStream | AudioStream | None) -> None:
    """See that the first piece of a stream decodes; the container is then at its beginning again.

    Raises:
        Flawed: It does not.
    """
    if stream is not None and next(iter(container.decode(stream)), None) is None:
        raise Flawed(f"has no {stream.type} that decodes")
    container.seek(0)


def seen_s(container: InputContainer, *, may_end_anywhere: bool = False) -> float:
    """Seconds between the start of the first and the end of the last packet; all of them are read.

    Args:
        container: At its beginning.
        may_end_anywhere: Whether a packet that is shorter than the others says nothing.

    Raises:
        Flawed: A packet is cut off, there is none, or reading takes too long.
    """
    give_up_at = time.monotonic() + _MOST_S
    tick_s = {stream.index: float(stream.time_base) for stream in container.streams if stream.time_base}
    first, last = math.inf, -math.inf
    for number, packet in enumerate(container.demux()):
        if packet.is_corrupt and not may_end_anywhere:
            raise Flawed("is cut off")
        if packet.pts is not None:
            tick = tick_s.get(packet.stream.index, 0.0)
            first = min(first, packet.pts * tick)
            last = max(last, (packet.pts + (packet.duration or 0)) * tick)
        if number % _PACKETS_BETWEEN_LOOKS == 0 and time.monotonic() > give_up_at:
            raise Flawed(f"takes more than {_MOST_S:.0f} s to read")
    if last <= first:
        raise Flawed("holds no media")
    return last - first


def check_boxes(file: BinaryIO) -> None:
    """In an MP4 or MOV, the boxes that hold the media must end before the file does: FFmpeg forgives a cut index.

    What follows the last box (padding, a label) is let be.

    Raises:
        Flawed: They do not.

    Source: ISO/IEC 14496-12 section 4.2 (size 0: to the end of the file; size 1: 64 bits follow).
    """
    end = file.seek(0, os.SEEK_END)
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if kind not in _BOXES or size < _BOX_HEAD:
            return
        if at + size > end:
            if kind in _MEDIA_BOXES:
                raise Flawed("is cut off")
            # 64 bits may name a place that no file has, and to which the system refuses to go.
            return
        at += size
