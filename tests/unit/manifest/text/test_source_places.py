"""Where values were written: columns in code points, through aliases and merges."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.diagnostics import Span
from runner.manifest.text.source import Document, parse

MANIFEST = dedent("""\
    base: &base
      language: en   # comment
      voice: {id: v1, "speed": 1.5}
    jobs:
      anna:
        <<: *base
        text: "日本 😀"
        voice: own
      ben: {<<: [*base, {extra: 1}], tags: [a, *tag]}
    """).replace("jobs:", "tag: &tag x\njobs:")


def document(text: str) -> Document:
    """The document of YAML that is right."""
    result = parse(text, file="m.yaml")
    assert isinstance(result, Document), result
    return result


def underlined(text: str, span: Span) -> str:
    """What a caret of this span underlines."""
    return text.split("\n")[span.line - 1][span.column - 1 : span.column - 1 + span.width]


@pytest.mark.parametrize(
    ("pointer", "key", "value"),
    [
        (("base", "language"), "2 language", "2 en"),
        (("base", "voice"), "3 voice", '3 {id: v1, "speed": 1.5}'),
        (("base", "voice", "speed"), '3 "speed"', "3 1.5"),
        (("jobs", "anna", "text"), "8 text", '8 "日本 😀"'),
        (("jobs", "anna", "voice"), "9 voice", "9 own"),
        (("jobs", "anna", "language"), "2 language", "2 en"),
        (("jobs", "ben", "voice", "id"), "3 id", "3 v1"),
        (("jobs", "ben", "extra"), "10 extra", "10 1"),
        (("jobs", "ben", "tags", 0), "10 a", "10 a"),
        (("jobs", "ben", "tags", 1), "4 &tag x", "4 &tag x"),
        (("jobs", "ben", "missing", "deeper"), "10 ben", "10 {<<: [*base, {extra: 1}], tags: [a, *tag]}"),
        (("jobs", "ben", "tags", 2), "10 tags", "10 [a, *tag]"),
        (("jobs", "ben", "tags", -1), "10 tags", "10 [a, *tag]"),
        (("jobs", "ben", "tags", "a"), "10 tags", "10 [a, *tag]"),
        (("tag", "x"), "4 tag", "4 &tag x"),
    ],
)
def test_places(pointer: tuple[str | int, ...], key: str, value: str) -> None:
    """A pointer leads to where key and value were written; a pointer to nothing to the nearest ancestor."""
    read = document(MANIFEST)
    for span, expected in ((read.key_span(pointer), key), (read.span(pointer), value)):
        assert f"{span.line} {underlined(MANIFEST, span)}" == expected


def test_document() -> None:
    """Values, text, lines and digest of a document are those of its file."""
    read = document(MANIFEST)
    assert read.value["jobs"]["anna"] == {"text": "日本 😀", "voice": "own", "language": "en"}
    assert read.text == MANIFEST
    assert list(read.lines) == MANIFEST.split("\n")
    assert len(read.sha256) == 64
    assert read.span(()) == Span("m.yaml", 1, 1, 1)


def test_places_among_many_keys() -> None:
    """Places are right in a mapping with so many keys that they are indexed."""
    text = "".join(f"job-{number}: {number}\n" for number in range(500))
    read = document(text)
    for number in (0, 1, 250, 499):
        assert underlined(text, read.key_span((f"job-{number}",))) == f"job-{number}"
        assert read.span((f"job-{number}",)) == Span("m.yaml", number + 1, len(f"job-{number}: ") + 1, len(str(number)))
    assert read.span(("job-500",)) == read.span(())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: |\n  one\n  two\n", "|"),
        ("a: 'one\n  two'\n", "'one"),
        ("a: [1,\n  2]   \n", "[1,"),
        ("a:\n  b: 1\n  c: 2\n", "b"),
        ("a:\n  - b\n", "-"),
        ("a: one\n  two\n", "one"),
    ],
)
def test_width_of_what_goes_on_below(text: str, expected: str) -> None:
    """A value of several lines is underlined on its first line at most."""
    assert underlined(text, document(text).span(("a",))) == expected


@pytest.mark.parametrize("text", ["a:", "a:\n", "a: # nothing\n", "b: {a: }\na:"])
def test_place_of_nothing(text: str) -> None:
    """A value that was left out has a place inside the text."""
    span = document(text).span(("a",))
    assert span.width == 1
    assert 1 <= span.line <= len(text.split("\n"))
    assert span.column <= len(text.split("\n")[span.line - 1]) + 1


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff"])
def test_empty_file(text: str) -> None:
    """A file without a value is the value None, with a place."""
    read = document(text)
    assert read.value is None
    assert read.span(("a", "b")).line >= 1


texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"], exclude_characters="\ufeff"), max_size=12
)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=40),
    max_leaves=40,
)


def _scalars(value: Any, pointer: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _scalars(item, (*pointer, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _scalars(item, (*pointer, index))]
    return [(pointer, value)]


@settings(max_examples=150, deadline=None)
@given(json_values, st.sampled_from([None, 1]))
def test_json_is_yaml(value: Any, indent: int | None) -> None:
    """Any JSON text has its own value, and every scalar's span underlines exactly its text."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    read = document(text)
    assert read.value == value
    for pointer, scalar in _scalars(value):
        assert underlined(text, read.span(pointer)) == json.dumps(scalar, ensure_ascii=False)
