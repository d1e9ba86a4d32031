"""Which part of a file a request gets: ranges and validators as values, without a socket.

Source: RFC 9110 sections 13.1.5 (If-Range), 14.1.2 and 14.2 (byte ranges), 15.5.17 (416).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Part:
    """What to send.

    Args:
        status: 200, 206 or 416.
        headers: Validators, and `Content-Range` where it belongs.
        body: The bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def part_of(content: bytes, modified_at: float, headers: Mapping[str, str]) -> Part:
    """Choose the part of a file that a GET with these headers gets.

    Args:
        content: The whole file.
        modified_at: Unix seconds, for Last-Modified.
        headers: Of the request, names in any case.

    Returns:
        206 for one satisfiable range whose If-Range, if any, holds; 416 for one beyond the end; else 200 and everything. Several
        ranges, and what is not a range, are ignored as the RFC allows.
    """
    own = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Last-Modified": formatdate(modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    bounds = _bounds(headers.get("Range", ""), len(content))
    if bounds is None or headers.get("If-Range", own["ETag"]) not in (own["ETag"], own["Last-Modified"]):
        return Part(200, own, content)
    first, end = bounds
    if first >= end:
        return Part(416, {**own, "Content-Range": f"bytes */{len(content)}"}, b"")
    return Part(206, {**own, "Content-Range": f"bytes {first}-{end - 1}/{len(content)}"}, content[first:end])


def _bounds(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None when the header is no single range; empty when it cannot be satisfied."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size
