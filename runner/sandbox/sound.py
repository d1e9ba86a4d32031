"""What the sandbox's presenters say: a tone of their own that swells and fades with each syllable."""

from __future__ import annotations

import io
import math
from array import array
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import av

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_RATE: Final = 16_000
BEAT_S: Final = 0.3
"""Seconds of a syllable."""
_SAMPLE_BYTES: Final = 2
_BIT_RATE: Final = 24_000


def syllables(digest: bytes, length_s: float) -> Iterator[av.AudioFrame]:
    """The sound, a frame a syllable; the last one is cut off where the length ends.

    Args:
        digest: Chooses the tone, 140 to 640 Hz; at least 4 bytes.
        length_s: Seconds, at least 0.
    """
    syllable = _syllable(140 + 10 * (digest[3] % 51))  # a multiple of 10 Hz ends on a whole wave after a beat
    left, begun = round(length_s * SAMPLE_RATE), 0
    while left > 0:
        piece = syllable[: left * _SAMPLE_BYTES]
        count = len(piece) // _SAMPLE_BYTES
        frame = av.AudioFrame(format="s16", layout="mono", samples=count, align=1)
        frame.planes[0].update(piece)
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = begun
        yield frame
        begun, left = begun + count, left - count


def recording(digest: bytes, length_s: float) -> bytes:
    """Make a sound file: MP3, 24 kbit/s; WAV where PyAV has no MP3. The same bytes for the same arguments.

    Args:
        digest: As for `syllables`.
        length_s: Seconds, more than 0.
    """
    target = io.BytesIO()
    codec, container_format = _encoder()
    with av.open(target, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = _BIT_RATE
        for samples in syllables(digest, length_s):
            container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    return target.getvalue()


def suffix() -> str:
    """What the name of a recording ends with: `.mp3` or `.wav`."""
    return f".{_encoder()[1]}"


def _encoder() -> tuple[str, str]:
    """Codec and container."""
    available: set[str] = av.codecs_available
    return ("libmp3lame", "mp3") if "libmp3lame" in available else ("pcm_s16le", "wav")


@lru_cache(maxsize=64)
def _syllable(tone_hz: int) -> bytes:
    count = int(SAMPLE_RATE * BEAT_S)
    step = 2 * math.pi * tone_hz / SAMPLE_RATE
    return array(
        "h", (round(9000 * math.sin(math.pi * n / count) * math.sin(step * n)) for n in range(count))
    ).tobytes()
