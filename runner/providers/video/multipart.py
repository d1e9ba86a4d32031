"""Writes `multipart/form-data` (RFC 7578), the same bytes for the same fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMATS: Final = (
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (b"\xff\xd8\xff", "jpeg", "image/jpeg"),
    (b"GIF8", "gif", "image/gif"),
)
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""In names: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data, read 2026-11-20."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file in a form.

    Args:
        stem: Its name without suffix: the name on the user's disk is nobody's business, and must not change the bytes that are sent.
        content: Its bytes.
    """

    stem: str
    content: bytes

    @property
    def head(self) -> bytes:
        """What follows the field's name in its part's header, and the type by the first bytes; a server may refuse a picture without."""
        suffix, media_type = _format(self.content)
        return f'; filename="{self.stem}{suffix}"\r\nContent-Type: {media_type}'.encode()


def form(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """A form.

    Args:
        fields: In the order in which they are sent: `FilePart`, or a JSON value. Text is sent as it is, true and false as such words,
            lists and mappings as JSON.

    Returns:
        Content type and body. The boundary is a digest of the parts, so that the same form has the same bytes, and no part holds it.
    """
    parts = [_part(name, value) for name, value in fields.items()]
    boundary = f"callsheet-{sha256(b''.join(parts)).hexdigest()[:40]}"
    line = f"--{boundary}\r\n".encode()
    body = b"".join(line + part for part in parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _part(name: str, value: Any) -> bytes:
    head = f'Content-Disposition: form-data; name="{name.translate(_ESCAPES)}"'.encode()
    if isinstance(value, FilePart):
        return head + value.head + b"\r\n\r\n" + value.content + b"\r\n"
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
    return head + b"\r\n\r\n" + words.encode() + b"\r\n"


def _format(content: bytes) -> tuple[str, str]:
    """Suffix and media type of a picture, by its first bytes."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp", "image/webp"
    return next(
        ((f".{suffix}", media_type) for magic, suffix, media_type in _FORMATS if content.startswith(magic)),
        ("", "application/octet-stream"),
    )
