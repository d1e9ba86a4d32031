"""Takes secrets out of text by their value, in every form in which a server or a library may hand them back."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "[redacted]"

LEAST_SECRET_CHARS: Final = 8
"""Shorter words are left alone: they are no secrets, and blanking `data` or `x` would destroy the text they stand in."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every form of every secret replaced by `[redacted]`.

    Forms: raw, URL-encoded, escaped for JSON, and base64 (both alphabets, at any offset, so that `user:secret` is found too).

    Args:
        text: Any text.
        secrets: The values; those shorter than `LEAST_SECRET_CHARS` are left alone.

    Returns:
        The text; the very same object when there was nothing to hide.
    """
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, MASK)
    return text


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[str, ...]:
    if len(secret) < LEAST_SECRET_CHARS:
        return ()
    forms = {secret, *_escaped(secret), *_base64(secret.encode())}
    # Longest first: a short form that is part of a longer one would leave the rest of it standing.
    return tuple(sorted(forms, key=len, reverse=True))


def _escaped(secret: str) -> Iterator[str]:
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield encoded
        yield encoded.replace("%", "%25")
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")


def _base64(secret: bytes) -> Iterator[str]:
    for before in range(3):
        # Of an encoding at this offset, only the characters that depend on nothing but the secret.
        first = (before * 8 + 5) // 6
        last = (before + len(secret)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * before + secret).decode()[first:last]
