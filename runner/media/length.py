"""How long a recording or a video lasts, and whether all of that is there.

Every container has its own way to say it, and most have one to be wrong about it. FFmpeg's guesses from size and bit rate count nowhere.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.media.mp3_header import frames_said
from runner.media.wave_chunks import sound_end
from runner.media.wholeness import Flawed, check_reached, promised_s, seen_s

if TYPE_CHECKING:
    from av.container import InputContainer

_FINE_RATE: Final = 32_000
"""From this rate on (MPEG-1) a frame of Layer III has 1152 samples, below (MPEG-2 and 2.5) 576. Source: ISO/IEC 11172-3, 13818-3."""

_MOST_PADDING_S: Final = 0.5
"""What an encoder adds to an MP3 at most: some 2,500 samples, at 8,000 a second."""


def length_s(file: BinaryIO, container: InputContainer) -> float:
    """Read all packets and say how long the media last.

    Args:
        file: The file.
        container: The same file, opened, at its beginning.

    Returns:
        Seconds: as the container says, which knows of the encoder's padding, where it can be believed; else as the packets say.

    Raises:
        Flawed: Not all is there, or nothing, or reading takes too long.
        OSError: The file could not be read.
    """
    match container.format.name:
        case "aac":
            return seen_s(container)
        case "mp3":
            return _of_mp3(file, container)
        case "wav":
            return _of_wav(file, container)
        case _:
            seen, promised = seen_s(container), promised_s(container)
            check_reached(seen, promised)
            return promised or seen


def _of_mp3(file: BinaryIO, container: InputContainer) -> float:
    """The length of an MP3.

    Without a header FFmpeg guesses from the first bit rate (measured: 28.3 s for 10.0 s that begin softly), and with one too when much
    stands behind the sound: a label, or zeros.
    """
    seen, guessed = seen_s(container), promised_s(container)
    # Only now: FFmpeg reads on from wherever the file stands.
    frames, rate = frames_said(file), container.streams.audio[0].rate
    if frames is None or not rate:
        return seen
    check_reached(seen, frames * (1152 if rate >= _FINE_RATE else 576) / rate)
    return guessed if abs(seen - guessed) <= _MOST_PADDING_S else seen


def _of_wav(file: BinaryIO, container: InputContainer) -> float:
    """A WAV says in bytes how long it is, unless it was written to a pipe: then its last packet may be of any size."""
    seen = seen_s(container, may_end_anywhere=True)
    end = sound_end(file)
    if end is not None and end > file.seek(0, os.SEEK_END):
        raise Flawed("is cut off")
    return seen if end is None else promised_s(container) or seen
