"""Small real films and sounds in every form that a result may have; each is made once a process."""

from __future__ import annotations

import io
import math
import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from av.container import OutputContainer

SECONDS = 2
WIDTH, HEIGHT = 96, 64
_RATE = 16_000
_PICTURES_A_SECOND = 25


@cache
def film(form: str = "mp4", *, has_sound: bool = True, index_first: bool = False, codec: str = "libx264") -> bytes:
    """A film of two seconds, 96 by 64 pixels, black for its first half second.

    Args:
        form: FFmpeg's name of the container: `mp4`, `mov`, `matroska`.
        has_sound: Whether it has a sound stream.
        index_first: Whether an MP4's index comes before its media, as servers like it.
        codec: FFmpeg's name of the picture's codec.
    """
    # FFmpeg moves an index to the front by reading the file again: that needs a path.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        options = {"movflags": "+faststart"} if index_first else {}
        with av.open(str(path), "w", format=form, options=options) as container:
            _fill(container, has_sound=has_sound, codec=codec)
        return path.read_bytes()


@cache
def sound(form: str = "wav", codec: str = "pcm_s16le") -> bytes:
    """A hum of two seconds.

    Args:
        form: FFmpeg's name of the container: `wav`, `mp3`, `ipod` (M4A), `adts` (AAC), `flac`.
        codec: FFmpeg's name of the codec.
    """
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream(codec, rate=_RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        _hum(container, stream)
    return target.getvalue()


def _fill(container: OutputContainer, *, has_sound: bool, codec: str) -> None:
    picture = container.add_stream(codec, rate=_PICTURES_A_SECOND)
    assert isinstance(picture, VideoStream)
    picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuvj420p" if codec == "mjpeg" else "yuv420p"
    sound = container.add_stream("aac", rate=_RATE, layout="mono") if has_sound else None
    _draw(container, picture)
    if sound is not None:
        _hum(container, sound)


def _draw(container: OutputContainer, stream: VideoStream) -> None:
    for number in range(SECONDS * _PICTURES_A_SECOND):
        image = Image.new("RGB", (WIDTH, HEIGHT))
        if number >= _PICTURES_A_SECOND // 2:
            draw = ImageDraw.Draw(image)
            for x in range(WIDTH):
                draw.line([(x, 0), (x, HEIGHT)], fill=(x * 2, number * 4, 255 - x * 2))
        frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV's stub has no types here
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _hum(container: OutputContainer, stream: AudioStream) -> None:
    size = 1024
    for start in range(0, SECONDS * _RATE, size):
        count = min(size, SECONDS * _RATE - start)
        frame = AudioFrame(format="s16", layout="mono", samples=count)
        frame.sample_rate = _RATE
        frame.pts = start
        wave = struct.pack(f"<{count}h", *(int(9000 * math.sin((start + step) / 8)) for step in range(count)))
        frame.planes[0].update(wave.ljust(frame.planes[0].buffer_size, b"\0"))
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


BOX_SIZES = (0x4000000000000000, 0x7FFFFFFFFFFFFF00, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFF0)
"""Of boxes that end where no file does: what a seek there raises depends on the size and on the kind of file."""


def with_box(content: bytes, size: int) -> bytes:
    """A film with a box of padding behind its first box that claims so many bytes."""
    first = int.from_bytes(content[:4], "big")
    return content[:first] + struct.pack(">I4sQ", 1, b"free", size) + content[first:]
