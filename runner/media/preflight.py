"""Looks at the content of a file that is to be sent, before anything is paid for it (`runner.core.preflight.Look`)."""

from __future__ import annotations

import os
from typing import BinaryIO

from runner.core.preflight import FORMATS, Content
from runner.media.formats import HEAD_BYTES, id3_bytes, sniff
from runner.media.pictures import look_at_picture
from runner.media.recordings import look_at_recording


def look(file: BinaryIO) -> Content:
    """Measure a file by its bytes. Blocks: within an event loop, call it in a thread.

    Args:
        file: Readable and seekable, wherever it stands; left open.

    Returns:
        What it is. Hostile bytes give a flaw, never an exception; time and memory are bounded by the file's length and 32 megapixels.

    Raises:
        OSError: The file could not be read.
    """
    content = Content(size_bytes=file.seek(0, os.SEEK_END), format=_format(file))
    match content.format and FORMATS[content.format].media:
        case "image":
            return look_at_picture(file, content)
        case "audio" | "video":
            return look_at_recording(file, content)
        case _:
            return content


def _format(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    tag = id3_bytes(head)
    if not tag:
        return sniff(head)
    # The tag belongs to MP3 but stands before AAC and FLAC too, and some writers leave zeros behind it.
    file.seek(tag)
    found = sniff(file.read(HEAD_BYTES).lstrip(b"\0"))
    return found if found in ("aac", "flac") else "mp3"
