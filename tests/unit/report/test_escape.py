"""Hostile text at every sink."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from runner.report import escape
from tests.unit.report.samples import HOSTILE


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain 你好 👩‍🚀 é", "plain 你好 👩‍🚀 é"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("\x1bc reset", " reset"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("a\x00b\x7fc\x85d", "a\ufffdb\ufffdc d"),
        ("\u202egpj\u2066x", "\ufffdgpj\ufffdx"),
        ("\ud800", "\ufffd"),
        ("", ""),
    ],
)
def test_visible_leaves_what_a_reader_can_see(text: str, seen: str) -> None:
    """Escape sequences go as a whole, other invisible characters are marked, letters stay."""
    assert escape.visible(text) == seen


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_reaches_a_terminal(text: str) -> None:
    """Nothing that moves a cursor, breaks a line or reorders it is left."""
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", escape.visible(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_breaks_a_markdown_table(text: str) -> None:
    """No character with a meaning in Markdown or HTML stays itself."""
    escaped = re.sub(r"&#\d+;", "", escape.markdown(text))
    assert not re.search(r"[\\`*_\[\]()<>#|~&@$\n\r]", escaped)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_xml(text: str) -> None:
    """What `xml` gives is legal in XML 1.0: a parser reads it back."""
    element = ET.Element("x")
    element.text = escape.xml(text)
    assert ET.fromstring(ET.tostring(element, encoding="utf-8")).text is not None


@pytest.mark.parametrize("text", [*HOSTILE, "\\ud800 spelt out", "\x9b2J"])
def test_json_keeps_its_value_and_prints_safely(text: str) -> None:
    """Encoded JSON has no control character, and reads back as it was, apart from lone surrogates."""
    encoded = escape.json_text(json.dumps({"message": text}, ensure_ascii=False))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", encoded)
    assert json.loads(encoded)["message"] == text.replace("\ud800", "\ufffd")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://cdn.example.com/v.mp4?Signature=S3CRET&Expires=1", "https://cdn.example.com/v.mp4"),
        ("https://cdn.example.com/v.mp4#S3CRET", "https://cdn.example.com/v.mp4"),
        ("HTTPS://CDN.example.com/v.mp4?S3CRET", "HTTPS://CDN.example.com/v.mp4"),
        ("https://me:S3CRET@cdn.example.com/v.mp4", "https://cdn.example.com/v.mp4"),
        ("//cdn.example.com/v.mp4?S3CRET", "//cdn.example.com/v.mp4"),
        (r"https:\/\/cdn.example.com\/v.mp4?S3CRET", r"https:\/\/cdn.example.com\/v.mp4"),
        ("https%3A%2F%2Fcdn.example.com%2Fv.mp4%3Fsig%3DS3CRET", "https%3A%2F%2Fcdn.example.com%2Fv.mp4"),
        ("got 403 from https://a.example/v?S3CRET and https://b.example/w?S3CRET, twice", None),
        ('{"url":"https://a.example/v?S3CRET","ok":true} and more', '{"url":"https://a.example/v and more'),
        ('https://a.example/o\'b.mp4?x="q"&sig=S3CRET', "https://a.example/o'b.mp4"),
        ("fetched https://a.example/v.mp4?name='a'&sig=S3CRET not", "fetched https://a.example/v.mp4 not"),
        ("is 1 // 2 a question?", "is 1 // 2 a question?"),
        ("no address? none", "no address? none"),
        ("https://cdn.example.com/v.mp4", "https://cdn.example.com/v.mp4"),
    ],
)
def test_addresses_lose_their_query(text: str, shown: str | None) -> None:
    """However an address is written, its query, fragment and user part are gone and the rest stays."""
    cut = escape.without_queries(text)
    assert "S3CRET" not in cut
    if shown is not None:
        assert cut == shown


def test_shown_reaches_every_depth() -> None:
    """Addresses deep inside outputs are cut too, and numbers that JSON cannot write become null."""
    value = {"a": [{"url": "https://x.example/v?S3CRET"}, float("nan"), 1.5, None, True]}
    assert escape.shown(value) == {"a": [{"url": "https://x.example/v"}, None, 1.5, None, True]}
