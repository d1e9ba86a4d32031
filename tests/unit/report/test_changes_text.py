"""What changed in a job, in words."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.changes import Change, ChangeKind
from runner.core.diagnostics import Span
from runner.report.changes_text import changes_text

MANIFEST = "m/spring.yaml"
ROW = Span("m/customers.csv", 17, 1)


def change(*at: str, kind: ChangeKind = ChangeKind.CHANGED, place: Span | None = ROW, **facts: Any) -> Change:
    """One change."""
    return Change(at=at, kind=kind, place=place, **facts)


NEED: dict[str, Any] = {"kind": ChangeKind.NEED, "name": "anna-voice", "place": None}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            [change("use_voice", "text", before="Hi Ana", after="Hi Anna")],
            '`use_voice.text` changed (m/customers.csv:17): "Hi Ana" -> "Hi Anna"',
        ),
        (
            [change("mode", before="std", after="pro", place=Span(MANIFEST, 41))],
            '`mode` changed (line 41): "std" -> "pro"',
        ),
        ([change("speed", before=1, after=1.5, place=None)], "`speed` changed: 1 -> 1.5"),
        ([change("voice", before="a", after=None)], "`voice` changed (m/customers.csv:17)"),
        ([change("language", kind=ChangeKind.ADDED)], "`language` added (m/customers.csv:17)"),
        ([change("language", kind=ChangeKind.REMOVED)], "`language` removed (m/customers.csv:17)"),
        ([change("image", kind=ChangeKind.FILE, name="a.png", place=Span(MANIFEST, 7))], "file a.png changed (line 7)"),
        ([change("v", "id", **NEED), change("v", "audio", **NEED)], "made from another `anna-voice`"),
        (
            [change(kind=ChangeKind.OPERATION, before="kling/tts", after="kling/avatar", place=Span(MANIFEST, 3))],
            '`uses` changed (line 3): "kling/tts" -> "kling/avatar"',
        ),
        (
            [change("v", "id", **NEED), change("a"), change("b", place=Span(MANIFEST, 9)), change("c"), change("d")],
            "5 inputs changed: another `anna-voice`, `a`, `b` and 2 more (m/customers.csv:17, line 9)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words(changes: list[Change], expected: str) -> None:
    """One change is told whole, several by their names and places."""
    assert changes_text(changes, MANIFEST) == expected


def test_long_values_are_shown_from_where_they_differ() -> None:
    """A few characters before the difference, not more than fit a line."""
    text = changes_text([change("t", before="x" * 50 + "old" + "y" * 90, after="x" * 50 + "new", place=None)], MANIFEST)
    assert text == f'`t` changed: "…{"x" * 10}old{"y" * 19}…" -> "…{"x" * 10}new"'


def test_signatures_of_addresses_are_never_shown() -> None:
    """Neither in a value that is shown, nor when only the signature differs."""
    before, after = "https://a.example/v.mp3?sig=secret1", "https://a.example/w.mp3?sig=secret2"
    text = changes_text([change("url", before=before, after=after)], MANIFEST)
    assert "secret" not in text
    assert "/w.mp3" in text
    same = changes_text([change("url", before=before, after=before.replace("1", "3"))], MANIFEST)
    assert same == "`url` changed (m/customers.csv:17)"
