"""Small real pictures, recordings and videos as APIs take them, and what byte surgery makes of them."""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from functools import cache
from typing import TYPE_CHECKING

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

if TYPE_CHECKING:
    from av.container import OutputContainer

_RATE = 16_000
_PICTURES_A_SECOND = 5
_PNG = b"\x89PNG\r\n\x1a\n"


@cache
def picture(form: str = "PNG", width: int = 300, height: int = 300, *, orientation: int | None = None) -> bytes:
    """A picture.

    Args:
        form: Pillow's name of the format.
        width: Pixels.
        height: Pixels.
        orientation: EXIF orientation, or None for a picture without metadata.
    """
    target = io.BytesIO()
    options = {}
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif.tobytes()
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.save(target, form, **options)
    return target.getvalue()


@cache
def recording(form: str = "wav", codec: str = "pcm_s16le", seconds: float = 2.5, *, has_header: bool = True) -> bytes:
    """A hum that begins softly, so that guesses from the first bit rates go wrong.

    Args:
        form: FFmpeg's name of the container: `wav`, `mp3`, `ipod` (M4A), `adts` (AAC), `flac`, `ogg`, `mp4`.
        codec: FFmpeg's name of the codec.
        seconds: Its length.
        has_header: Whether an MP3 begins with a frame that says how long it is.
    """
    target = io.BytesIO()
    options = {} if has_header else {"write_xing": "0", "id3v2_version": "0"}
    with av.open(target, "w", format=form, options=options) as container:
        _hum(container, _sound_stream(container, codec), seconds)
    return target.getvalue()


def silence(seconds: float, rate: int = 8000) -> bytes:
    """A WAV of nothing, one byte for each sample: long ones are made at once."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 1, rate, 0, "NONE", ""))
        file.writeframes(b"\x80" * round(seconds * rate))
    return target.getvalue()


@cache
def video(form: str = "mp4", seconds: float = 2.5, *, has_sound: bool = True, width: int = 96) -> bytes:
    """A grey video.

    Args:
        form: FFmpeg's name of the container: `mp4`, `mov`, `webm`.
        seconds: Its length.
        has_sound: Whether it has a sound stream.
        width: Pixels; its height is 64.
    """
    target = io.BytesIO()
    codecs = ("libvpx", "libopus") if form == "webm" else ("libx264", "aac")
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream(codecs[0], rate=_PICTURES_A_SECOND)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, 64, "yuv420p"
        sound = _sound_stream(container, codecs[1]) if has_sound else None
        for _ in range(round(seconds * _PICTURES_A_SECOND)):
            frame = av.VideoFrame.from_image(Image.new("RGB", (width, 64), "grey"))  # type: ignore[no-untyped-call]  # no types there
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _hum(container, sound, seconds)
    return target.getvalue()


def png_that_claims(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of a few bytes whose header says how large it is, whatever it holds.

    Args:
        width: Pixels.
        height: Pixels.
        chunks: Further chunks by their kind, before the picture.
    """
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    parts = [(b"IHDR", head), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return _PNG + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _sound_stream(container: OutputContainer, codec: str) -> AudioStream:
    # Opus knows few rates, and 16,000 is one of them.
    stream = container.add_stream(codec, rate=_RATE, layout="mono")
    assert isinstance(stream, AudioStream)
    return stream


def _hum(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    size, count = 1024, round(seconds * _RATE)
    for start in range(0, count, size):
        length = min(size, count - start)
        frame = AudioFrame(format="s16", layout="mono", samples=length)
        frame.sample_rate = _RATE
        frame.pts = start
        loudness = 0 if start < count / 2 else 9000
        samples = struct.pack(f"<{length}h", *(int(loudness * math.sin((start + it) / 8)) for it in range(length)))
        frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
