"""Reads the body of a request: JSON, or a form with files."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

from aiohttp import web


async def body_of(request: web.Request) -> tuple[Any, str]:
    """Read the body.

    Returns:
        The value: JSON as it stands; a form as an object of texts, its files in base64, as JSON bodies have them; None for what
        cannot be parsed. Then its SHA-256 digest (hexadecimal): of the bytes, for a form of its fields as JSON, since the boundary
        between them means nothing.
    """
    if request.content_type == "multipart/form-data":
        form = await _form(request)
        return form, _digest(json.dumps(form, sort_keys=True).encode())
    raw = await request.read()
    return _parsed(raw), _digest(raw)


async def _form(request: web.Request) -> dict[str, Any] | None:
    fields = {}
    try:
        for name, value in (await request.post()).items():
            fields[name] = b64encode(value.file.read()).decode() if isinstance(value, web.FileField) else str(value)
    except ValueError:
        return None
    return fields


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
