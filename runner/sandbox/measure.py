"""Measures what a client sends as bytes: pixels of a picture, seconds of a recording.

Plain dictionaries, since the ledger keeps them: `size_bytes`; `width` and `height` of a picture; `length_s` of a recording; `problem`
when the content is no base64. A file that is neither picture nor recording has its size alone.
"""

from __future__ import annotations

import io
import warnings
from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

import av
from PIL import Image, UnidentifiedImageError


def measure(content: str) -> dict[str, Any]:
    """Measure base64 content; takes up to 20 ms for the largest files, so never on the event loop."""
    try:
        file = b64decode(content, validate=True)
    except (NotBase64, ValueError):
        return {"problem": "must be an address or base64 without a prefix"}
    return {"size_bytes": len(file)} | (_pixels(file) or _length(file))


def _pixels(file: bytes) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            # A picture with very many pixels is a warning of Pillow's; its size in the header is all that is read.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(file)) as image:
                return {"width": image.width, "height": image.height}
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return {}


def _length(file: bytes) -> dict[str, Any]:
    try:
        with av.open(io.BytesIO(file), "r") as container:
            if not container.streams.audio:
                return {}
            return {"length_s": round((container.duration or 0) / 1_000_000, 3)}
    except (av.FFmpegError, ValueError):
        return {}
