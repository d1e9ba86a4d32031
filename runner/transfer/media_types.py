"""What kind of file a response brings, and the suffix that its file gets."""

from __future__ import annotations

import posixpath
from typing import Final

SUFFIXES: Final = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
}
"""Suffix by media type: all that a result can be. No other suffix is ever written."""

HEAD_BYTES: Final = 64
"""How much of a file's beginning `sniff` and `looks_like_text` want."""

_ALIASES: Final = {
    "application/mp4": "video/mp4",
    "video/x-m4v": "video/mp4",
    "video/matroska": "video/x-matroska",
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/aacp": "audio/aac",
    "audio/x-flac": "audio/flac",
    "application/ogg": "audio/ogg",
}
_BY_SUFFIX: Final = {suffix: media_type for media_type, suffix in SUFFIXES.items()} | {".m4v": "video/mp4"}
_DEFAULT: Final = {"video": "video/mp4", "audio": "audio/mpeg"}
_TEXTS: Final = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/xml",
        "application/xhtml+xml",
        "application/javascript",
    }
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def choose_media_type(content_type: str, head: bytes, address: str, media: str) -> str:
    """The media type of a result: what the server says, else what the bytes say, else what the address says, else the usual one.

    Args:
        content_type: The header, parameters included; "" for none.
        head: The file's first `HEAD_BYTES` bytes.
        address: Where it came from.
        media: `video` or `audio`.

    Returns:
        A key of `SUFFIXES`.
    """
    said = _bare(content_type)
    if said in SUFFIXES:
        return said
    return sniff(head) or _of_address(address) or _DEFAULT[media]


def sniff(head: bytes) -> str | None:
    """The media type that a file's first bytes show; None when they show none of `SUFFIXES`."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "video/quicktime" if brand == b"qt  " else "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video/quicktime"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    return _sniff_mpeg_audio(head)


def _sniff_mpeg_audio(head: bytes) -> str | None:
    """MPEG audio begins with a tag or with eleven set bits; the two bits of its layer are 0 in AAC only."""
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return "audio/aac" if head[1] & 0xF6 == 0xF0 else "audio/mpeg" if head[1] & 0x06 else None


def looks_like_text(content_type: str, head: bytes) -> bool:
    """Whether a response is a page or an error message where media should be.

    Media that a server calls text is media all the same.

    Args:
        content_type: The header; "" for none.
        head: The first `HEAD_BYTES` bytes of the body.
    """
    if sniff(head) is not None:
        return False
    said = _bare(content_type)
    return (
        said.startswith("text/")
        or said in _TEXTS
        or head.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b"<", b"{", b"[")
    )


def _bare(content_type: str) -> str:
    said = content_type.partition(";")[0].strip().lower()
    return _ALIASES.get(said, said)


def _of_address(address: str) -> str | None:
    path = address.partition("#")[0].partition("?")[0]
    return _BY_SUFFIX.get(posixpath.splitext(path)[1].lower())
