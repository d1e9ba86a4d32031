"""The suffix of a result: what the server says, else the bytes, else the address; never anything unknown."""

from __future__ import annotations

import pytest

from runner.transfer.media_types import HEAD_BYTES, SUFFIXES, choose_media_type, looks_like_text, sniff
from tests.unit.media.films import film, sound


@pytest.mark.parametrize(
    ("form", "expected"), [("mp4", "video/mp4"), ("mov", "video/quicktime"), ("matroska", "video/x-matroska")]
)
def test_real_films_are_known_by_their_first_bytes(form: str, expected: str) -> None:
    """The first bytes of what FFmpeg writes tell what it is."""
    assert sniff(film(form)[:HEAD_BYTES]) == expected


@pytest.mark.parametrize(
    ("form", "codec", "expected"),
    [
        ("wav", "pcm_s16le", "audio/wav"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("ipod", "aac", "audio/mp4"),
        ("adts", "aac", "audio/aac"),
        ("flac", "flac", "audio/flac"),
    ],
)
def test_real_sounds_are_known_by_their_first_bytes(form: str, codec: str, expected: str) -> None:
    """Likewise for sound."""
    assert sniff(sound(form, codec)[:HEAD_BYTES]) == expected


@pytest.mark.parametrize(
    ("content_type", "head", "address", "media", "expected"),
    [
        ("video/webm", b"\0\0\0\x18ftypisom", "https://a/b.mov", "video", ".webm"),
        ("Video/MP4; codecs=avc1", b"", "https://a/b", "video", ".mp4"),
        ("audio/x-wav", b"", "https://a/b", "audio", ".wav"),
        ("application/octet-stream", b"\0\0\0\x14ftypqt  ", "https://a/b.mp4", "video", ".mov"),
        ("", b"\x1a\x45\xdf\xa3....webm", "https://a/b.mp4", "video", ".webm"),
        ("", b"OggS", "https://a/b", "audio", ".ogg"),
        ("", b"\xff\xfb\x90", "https://a/b", "audio", ".mp3"),
        ("", b"unknown", "https://a/b.MOV?x=.mp4#.webm", "video", ".mov"),
        ("", b"unknown", "https://a/b.mp4/?name=c.webm", "video", ".mp4"),
        ("application/x-sh", b"#!/bin/sh", "https://a/b.sh", "video", ".mp4"),
        ("", b"", "https://[broken", "audio", ".mp3"),
    ],
)
def test_the_first_source_that_knows_decides(
    content_type: str, head: bytes, *, address: str, media: str, expected: str
) -> None:
    """Header, then bytes, then address, then the usual one for the operation."""
    assert SUFFIXES[choose_media_type(content_type, head, address, media)] == expected


@pytest.mark.parametrize(
    ("content_type", "head", "is_text"),
    [
        ("text/html", b"<html>", True),
        ("text/plain", b"gone", True),
        ("application/json; charset=utf-8", b"null", True),
        ("application/problem+json", b"", True),
        ("video/mp4", b"\xef\xbb\xbf \n<?xml?>", True),
        ("", b"[1]", True),
        ("text/plain", b"\0\0\0\x18ftypisom", False),
        ("video/mp4", b"\0\0\0\0", False),
        ("application/octet-stream", b"RIFF....WAVE", False),
        ("", b"", False),
    ],
)
def test_text_instead_of_media(content_type: str, head: bytes, is_text: bool) -> None:
    """A page is known by its header or its first letter; media that a server calls text is media."""
    assert looks_like_text(content_type, head) is is_text
