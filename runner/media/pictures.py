"""Looks at the content of a picture that is to be sent: pixels as they are shown, and whether it decodes.

A header of a few bytes may ask for gigabytes. So the size is read without decoding, what is absurdly large is refused, and what is merely
large is held against its checksums and the number of its rows (PNG) or its end (JPEG) alone.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

from PIL.GifImagePlugin import GifImageFile
from PIL.Image import DecompressionBombError, DecompressionBombWarning
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from runner.media.png_rows import check_rows
from runner.media.wholeness import Flawed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

    from runner.core.preflight import Content

_READERS: Final[dict[str, type[ImageFile]]] = {"png": PngImageFile, "jpeg": JpegImageFile, "gif": GifImageFile}
"""Made directly, since `Image.open` would also try other formats and warn through a process-wide filter."""

_MOST_DECODED: Final = 32_000_000
"""Pixels that are decoded: 130 MB in memory as RGBA, at most a second."""

_MOST_PIXELS: Final = 178_956_970
"""Beyond this Pillow itself speaks of a decompression bomb (`PIL.Image.MAX_IMAGE_PIXELS`, twice)."""

# Said from half of that on, to everybody: what is decoded is bounded here.
warnings.filterwarnings("ignore", category=DecompressionBombWarning)

_MEGA: Final = 1_000_000
_MOST_EXIF_BYTES: Final = 65_536
_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)
"""EXIF orientations in which width and height change places. Source: CIPA DC-008 (Exif 2.32), tag 274."""

_END_OF_JPEG: Final = b"\xff\xd9"
_TAIL_BYTES: Final = 65_536
"""Where the end of a JPEG is looked for: cameras append a few kilobytes to it."""

_FAULTS: Final = (
    ArithmeticError,
    AttributeError,
    DecompressionBombError,
    DecompressionBombWarning,
    EOFError,
    LookupError,
    MemoryError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow raises for bytes that are not right, beside `OSError` without a number; the warning is raised where warnings are errors."""


def look_at_picture(file: BinaryIO, content: Content) -> Content:
    """Measure a picture and see that it decodes.

    Args:
        file: The file.
        content: Its length and format.

    Returns:
        What is known now; with a flaw where it cannot be used. Formats other than PNG, JPEG and GIF are only named.

    Raises:
        OSError: The file could not be read.
    """
    name, content = content.format, replace(content, media="image")
    if name not in _READERS:
        return content
    try:
        with _reading("has no header that can be read"):
            file.seek(0)
            picture = _READERS[name](file)
            width, height = _as_shown(picture)
        content = replace(content, width=width, height=height)
        with _reading("cannot be decoded"):
            _check_whole(file, picture, name)
    except Flawed as flaw:
        return replace(content, flaw=str(flaw))
    return content


@contextmanager
def _reading(words: str) -> Iterator[None]:
    """Tell bad bytes from a bad disk while Pillow reads.

    Args:
        words: What it means when the bytes are at fault; completes "the file …".

    Raises:
        Flawed: The bytes are at fault.
        OSError: The file could not be read.
    """
    try:
        yield
    except _FAULTS as error:
        raise Flawed(words) from error
    except OSError as error:
        if error.errno is not None:
            raise
        # "image file is truncated (75 bytes not processed)": the number is about Pillow's buffer.
        raise Flawed(f"{words}: {str(error).partition(' (')[0]}") from error


def _as_shown(picture: ImageFile) -> tuple[int, int]:
    """Width and height after the turn that its metadata asks for; metadata that cannot be read asks for none."""
    width, height = picture.size
    exif = picture.info.get("exif", b"")
    # Without it, a PNG would be decoded as a whole to look for metadata behind the picture.
    if not 0 < len(exif) <= _MOST_EXIF_BYTES:
        return width, height
    orientation = None
    with suppress(*_FAULTS, OSError):
        orientation = picture.getexif().get(_ORIENTATION)
    return (height, width) if orientation in _TURNED else (width, height)


def _check_whole(file: BinaryIO, picture: ImageFile, name: str) -> None:
    """See that the picture is all there."""
    pixels = picture.width * picture.height
    if pixels > _MOST_PIXELS:
        raise Flawed(f"unpacks to {pixels // _MEGA} megapixels; no API takes more than {_MOST_PIXELS // _MEGA}")
    if pixels > _MOST_DECODED:
        if name == "png":
            picture.verify()
            check_rows(file)
        elif name == "jpeg":
            _check_end(file)
        return
    if name == "jpeg":
        # An eighth of the size: all bytes are read and unpacked all the same, in a quarter of the time.
        picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
    picture.load()
    if name == "png":
        check_rows(file)


def _check_end(file: BinaryIO) -> None:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - _TAIL_BYTES))
    if _END_OF_JPEG not in file.read():
        raise Flawed("is cut off")
