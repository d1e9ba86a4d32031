"""Looks at the content of a recording or a video that is to be sent: length, sound, pixels, and whether it is all there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.media.containers import Unreadable, open_media, reading
from runner.media.length import length_s
from runner.media.streams import moving_picture
from runner.media.wholeness import Flawed, check_boxes, decode_one

if TYPE_CHECKING:
    from av.container import InputContainer

    from runner.core.preflight import Content

_DEMUXERS: Final = {
    "mp3": "mp3",
    "wav": "wav",
    "rf64": "wav",
    "aac": "aac",
    "flac": "flac",
    "ogg": "ogg",
    "m4a": "mov",
    "mp4": "mov",
    "mov": "mov",
    "webm": "matroska",
    "mkv": "matroska",
}
"""What FFmpeg must read each format as. It guesses from the whole content, so a file that is two things at once would be read as either."""

_MILLISECONDS: Final = 3


def look_at_recording(file: BinaryIO, content: Content) -> Content:
    """Measure a recording or a video. All its packets are read, and the first of its main stream is decoded.

    Args:
        file: The file.
        content: Its length and format.

    Returns:
        What is known now; with a flaw where it cannot be used.

    Raises:
        OSError: The file could not be read.
    """
    if content.format not in _DEMUXERS:
        return content
    try:
        if _DEMUXERS[content.format] == "mov":
            check_boxes(file)
        with reading(), open_media(file) as container:
            content = _with_streams(container, content)
            return _measured(file, container, content)
    except Flawed as flaw:
        return replace(content, flaw=str(flaw))
    except Unreadable as error:
        return replace(content, flaw=f"cannot be read: {error}")


def _with_streams(container: InputContainer, content: Content) -> Content:
    """What is inside, and the format that this makes it: an ISO file without pictures is an M4A, whatever brand it has."""
    names = container.format.name.split(",")
    assert content.format is not None
    if _DEMUXERS[content.format] not in names:
        raise Flawed(f"begins like {content.words}, but reads like {names[0]}")
    picture, has_audio = moving_picture(container), bool(container.streams.audio)
    if picture is None and not has_audio:
        raise Flawed("holds neither pictures nor sound")
    name = content.format
    if _DEMUXERS[name] == "mov" and (picture is None) != (name == "m4a"):
        name = "m4a" if picture is None else "mp4"
    return replace(content, format=name, media="video" if picture is not None else "audio", has_audio=has_audio)


def _measured(file: BinaryIO, container: InputContainer, content: Content) -> Content:
    picture = moving_picture(container)
    if picture is not None:
        if picture.codec_context is None:
            raise Flawed("holds pictures in a form that cannot be decoded")
        content = replace(content, width=picture.width or None, height=picture.height or None)
    decode_one(container, picture if picture is not None else container.streams.audio[0])
    duration_s = round(length_s(file, container), _MILLISECONDS)
    return replace(content, duration_s=duration_s)
