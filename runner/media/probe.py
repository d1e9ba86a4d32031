"""Measures a delivered file and says whether it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from runner.core.media import Damaged, MediaFacts
from runner.core.spec import Verify
from runner.media.containers import Unreadable, open_media, reading
from runner.media.length import length_s
from runner.media.streams import moving_picture
from runner.media.wholeness import Flawed, check_boxes, decode_one

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MICROSECONDS: Final = 6
"""Digits of a length that are kept."""


def probe(file: BinaryIO, *, media: str, expects_audio: bool, verify: Verify) -> MediaFacts | Damaged:
    """Measure a file and say whether it is whole. Blocks: call it in a thread.

    Takes 1 to 2 ms for a small video with `CONTAINER` and 1 ms more with `FRAME`; reads the whole file.

    Args:
        file: Readable and seekable, wherever it stands; left open.
        media: `video` or `audio`.
        expects_audio: Whether a video must have sound.
        verify: `NONE` looks at nothing and gives empty facts; `CONTAINER` reads all packets; `FRAME` also decodes one picture (or,
            for audio, one piece of sound).

    Returns:
        The facts, or why the file is damaged. Hostile bytes give `Damaged`, never an exception.

    Raises:
        OSError: The file could not be read.
    """
    if verify is Verify.NONE:
        return MediaFacts()
    try:
        check_boxes(file)
        with reading(), open_media(file) as container:
            return _measure(file, container, media=media, expects_audio=expects_audio, decode=verify is Verify.FRAME)
    except Flawed as flaw:
        return Damaged(str(flaw))
    except Unreadable as error:
        return Damaged(f"cannot be read as {media}: {error}")


def _measure(file: BinaryIO, container: InputContainer, *, media: str, expects_audio: bool, decode: bool) -> MediaFacts:
    picture = moving_picture(container)
    sound = container.streams.audio[0] if container.streams.audio else None
    if media == "video":
        _check_picture(picture)
    if sound is None and (expects_audio or media == "audio"):
        raise Flawed("has no sound")
    if decode:
        decode_one(container, sound if media == "audio" else picture)
    has_picture = picture is not None and picture.codec_context is not None
    return MediaFacts(
        duration_s=round(length_s(file, container), _MICROSECONDS),
        width=picture.width if picture is not None and has_picture else None,
        height=picture.height if picture is not None and has_picture else None,
        has_audio=sound is not None,
    )


def _check_picture(picture: VideoStream | None) -> None:
    if picture is None:
        raise Flawed("has no picture")
    if picture.codec_context is None:
        raise Flawed("holds pictures in a form that cannot be decoded")
    if picture.width <= 0 or picture.height <= 0:
        raise Flawed("does not say how large its pictures are")
