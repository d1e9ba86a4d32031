"""Opens a media file that came from outside, with everything closed that a hostile one could use."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

_OPTIONS: Final = {
    # A playlist that calls itself a video would otherwise make FFmpeg open the files and addresses that it lists (measured: an
    # HLS text of five lines opened a second file by its path). Only formats that hold their media themselves are read.
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mp3,wav,aac,flac,ogg",
    "protocol_whitelist": "none",
}

_MOST_PIXELS: Final = 64 * 1024 * 1024
"""Of one picture: twice 8K. A header of a few bytes may ask the decoder for gigabytes."""

_FAULTS: Final = (av.FFmpegError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What PyAV raises for bytes that are not right; beside its own family, an absent codec shows as an absent attribute."""


class Unreadable(Exception):
    """The bytes cannot be read as media; `str()` says why in FFmpeg's words."""


@contextmanager
def reading() -> Iterator[None]:
    """Tell bad bytes from a bad disk while a container is used.

    Raises:
        Unreadable: The bytes are at fault.
        OSError: The file could not be read.
    """
    try:
        yield
    except _FAULTS as error:
        raise Unreadable(_words(error)) from error
    except OSError as error:
        # The system's answer to a place before the beginning of the file, which only the bytes can have named.
        if error.errno != errno.EINVAL:
            raise
        raise Unreadable(_words(error)) from error


def open_media(file: BinaryIO, *, most_pixels: int = _MOST_PIXELS) -> InputContainer:
    """Open a file for demuxing and decoding, within `reading`; close it when done.

    Args:
        file: Readable and seekable; read from its beginning, left open.
        most_pixels: Of one picture; larger ones do not decode.

    Returns:
        The container. Decoders run in one thread: starting more costs 0.6 ms, which is half of a whole look.

    Raises:
        av.FFmpegError: It is not media, or of a format that is not read here.
    """
    file.seek(0)
    container = av.open(file, "r", options=dict(_OPTIONS), metadata_errors="replace")
    for stream in container.streams:
        codec = stream.codec_context
        if codec is not None:
            codec.thread_count = 1
            codec.options = {"max_pixels": str(most_pixels)}
    return container


def _words(error: Exception) -> str:
    """What happened, without the name of the file object that FFmpeg adds."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition(":")[0]
