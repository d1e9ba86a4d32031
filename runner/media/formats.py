"""Tells the format of a file by its first bytes. What a file is called says nothing, and what a server calls it neither."""

from __future__ import annotations

import string
from typing import Final

HEAD_BYTES: Final = 4096
"""How much of a file's beginning `sniff` wants."""

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"RF64", "rf64"),
    (b"BW64", "rf64"),
)
_RIFF: Final = {b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi"}
_BRANDS: Final = {
    b"qt  ": "mov",
    b"M4A ": "m4a",
    b"M4B ": "m4a",
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heic",
    b"heix": "heic",
    b"hevc": "heic",
    b"mif1": "heic",
    b"msf1": "heic",
}
"""Major brands of ISO files; any other is taken for an MP4. Source: mp4ra.org, registered brands."""

_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Boxes that a QuickTime file without a brand begins with."""

_EBML: Final = b"\x1a\x45\xdf\xa3"
_DOCTYPES: Final = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")
_TEXT: Final = frozenset(string.printable.encode())
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ID3_HEAD_BYTES: Final = 10


def sniff(head: bytes) -> str | None:
    """The format that a file's beginning shows; None for none that is known.

    Args:
        head: The first `HEAD_BYTES` bytes, fewer when the file is shorter.

    Returns:
        A key of `runner.core.preflight.FORMATS`. An ISO file is named by its brand; which streams it holds, a closer look says.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "mp4")
    if head[4:8] in _QUICKTIME:
        return "mov"
    if head.startswith(_EBML):
        return "webm" if b"webm" in head[:64] else "mkv"
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "bmp"
    return _sniff_frames(head) or _sniff_text(head)


def id3_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that a file begins with, 0 without one. Source: id3.org, ID3v2.4 section 3.1."""
    if not head.startswith(b"ID3") or len(head) < _ID3_HEAD_BYTES:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size + _ID3_HEAD_BYTES * (2 if head[5] & 0x10 else 1)


def _sniff_frames(head: bytes) -> str | None:
    """MPEG audio begins with eleven set bits; the bits of its layer are 0 in AAC and 1 in MP3. Source: ISO/IEC 11172-3, 13818-7."""
    if head.startswith(b"ID3"):
        return "mp3"
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    has_rates = head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return "mp3" if head[1] & 0x06 == 0x02 and has_rates else None


def _sniff_text(head: bytes) -> str | None:
    start = head.lstrip().lower()
    if start.startswith(_DOCTYPES):
        return "html"
    if not head:
        return None
    is_text = head.startswith(_BYTE_ORDER_MARKS) or _TEXT.issuperset(head) or _is_unicode(head)
    return "text" if is_text else None


def _is_unicode(head: bytes) -> bool:
    """Whether it reads as UTF-8 without control characters; the last character may be cut."""
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) >= len(head) - 3 and not any(ord(character) < 9 for character in text)
