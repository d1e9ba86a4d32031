"""Small real videos and recordings, each distinct."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import TYPE_CHECKING

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_PIXELS = 64
_FRAMES = 6
_RATE = 16000


@cache
def small_video() -> bytes:
    """An MP4 of about half a second with picture and sound; made once a process."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        picture = container.add_stream("mpeg4", rate=12)
        picture.width = picture.height = _PIXELS
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=_RATE, layout="mono")
        _draw(container, picture)
        _hum(container, sound)
    return target.getvalue()


def _draw(container: OutputContainer, stream: VideoStream) -> None:
    for number in range(_FRAMES):
        frame = VideoFrame(_PIXELS, _PIXELS, "rgb24")
        row = bytes(pixel for x in range(_PIXELS) for pixel in (x * 4 % 256, number * 40 % 256, 128))
        frame.planes[0].update(row * _PIXELS)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _hum(container: OutputContainer, stream: AudioStream) -> None:
    frame = AudioFrame(format="s16", layout="mono", samples=_RATE // 2)
    frame.sample_rate = _RATE
    wave = struct.pack(f"<{_RATE // 2}h", *((step % 80) * 100 - 4000 for step in range(_RATE // 2)))
    frame.planes[0].update(wave)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def marked_video(mark: str, padding_bytes: int = 0) -> bytes:
    """The small video with a mark of its own, so that no two tasks have equal bytes.

    Args:
        mark: Written into a `free` box at the end, which players skip.
        padding_bytes: Makes the file that much larger.

    Returns:
        A playable MP4.
    """
    content = mark.encode() + bytes(padding_bytes)
    return small_video() + struct.pack(">I4s", 8 + len(content), b"free") + content


@cache
def small_sound() -> bytes:
    """An MP3 of about half a second; made once a process."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp3") as container:
        _hum(container, container.add_stream("mp3", rate=_RATE, layout="mono"))
    return target.getvalue()


def marked_sound(mark: str, padding_bytes: int = 0) -> bytes:
    """The small recording with a mark of its own, so that no two tasks have equal bytes.

    Args:
        mark: Written into an ID3v2 tag before the sound.
        padding_bytes: Makes the file that much larger.

    Returns:
        A playable MP3.
    """
    text = b"\x03mark\x00" + mark.encode()
    frames = b"TXXX" + struct.pack(">I", len(text)) + bytes(2) + text + bytes(padding_bytes)
    size = len(frames)
    assert size < 1 << 28, "an ID3v2 tag holds at most 256 MiB"
    sizes = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + sizes + frames + small_sound()
