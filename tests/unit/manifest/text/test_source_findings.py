"""What is wrong with a manifest as text: a finding with line and column, never an exception."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.diagnostics import Diagnostic, Severity
from runner.manifest.text.source import Document, parse, read

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS: list[tuple[str | bytes, str, str, str]] = [
    # text, code, line:column, words of the message
    ("a: 1\nb: 2\na: 3\n", "M008", "3:1", "the key `a` is given twice"),
    ("x: {a: 1, 'a': 2}", "M008", "1:11", "the key `a` is given twice"),
    ("日本: {😀: 1, 😀: 2}", "M008", "1:12", "the key `😀` is given twice"),
    ("<<: {a: 1}\n<<: {b: 1}", "M008", "2:1", "the key `<<` is given twice"),
    ("a: 1\n2: b", "M009", "2:1", "the key `2` is not text"),
    ("true: b", "M009", "1:1", "the key `true` is not text"),
    ("~: b", "M009", "1:1", "the key `~` is not text"),
    (": b", "M005", "1:1", "expected a key"),
    ("? \n: b", "M009", "1:2", "the key is empty"),
    ("a: &n 1\n*n : b", "M009", "2:1", "the key `*n` is not text"),
    ("? [a]\n: b", "M009", "1:3", "a key is text, not a list or mapping"),
    ("a: {{ vars.x }}", "M009", "1:5", "a template needs quotes"),
    ("a: {{ vars.x }}/{{ vars.y }}", "M009", "1:5", "a template needs quotes"),
    ("a: !!str 1", "M010", "1:4", "the tag `!!str` is not allowed"),
    ("a: !python/object:os.system {}", "M010", "1:4", "the tag `!python/object:os.system` is not allowed"),
    ("a: ! b", "M010", "1:4", "the tag `!` is not allowed"),
    ("a: !!binary aGk=", "M010", "1:4", "the tag `!!binary` is not allowed"),
    ("a: !x!y z", "M010", "1:4", "tags are not allowed"),
    ("%TAG !x! tag:x,2000:\n---\na: 1", "M015", "1:1", "no `%TAG`"),
    ("# c\n%YAML 1.1\n---\na: 1", "M015", "2:1", "a manifest is YAML 1.2"),
    ("%YAML 2.0\n---\na: 1", "M015", "1:1", "a manifest is YAML 1.2"),
    ("%NEW 1\n---\na: 1", "M015", "1:5", "there is no such directive"),
    ("a: *nobody", "M012", "1:4", "the alias `*nobody` has no anchor `&nobody` before it"),
    ("a: *late\nb: &late 1", "M012", "1:4", "has no anchor"),
    ("a: &me [1, *me]", "M012", "1:12", "stands inside the value that it repeats"),
    ("a: &me\n  <<: *me", "M012", "2:7", "stands inside the value that it repeats"),
    ("a: {<<: 1}", "M013", "1:9", "`<<` takes a mapping or a list of mappings"),
    ("a: {<<: [{b: 1}, c]}", "M013", "1:18", "`<<` takes a mapping or a list of mappings"),
    ("s: &s x\na: {<<: *s}", "M013", "1:4", "`<<` takes a mapping or a list of mappings"),
    ("a: 1\n---\nb: 2", "M014", "2:1", "here a second one begins"),
    ("a: 1\n...\n---\n", "M014", "3:1", "here a second one begins"),
    ("a: 1\n...\nb: 1\n", "M005", "3:1", "expected the end of the text"),
    ('a: "Hi" {{ row.name }}', "M005", "1:9", "the value has ended before this"),
    ("a: 1\nb: [c] d", "M005", "2:8", "the value has ended before this"),
    ("a:\n  b: 1\n c: 2", "M005", "3:2", "expected a key, or the end of this mapping"),
    ("- a\nb: 1", "M005", "2:1", "expected `-`, or the end of this list"),
    ("a: *.mp4", "M005", "1:5", "`&` and `*` stand before the name of an anchor"),
    ("a: - b", "M005", "1:4", "a list cannot begin here"),
    ("a: |x\n  b", "M005", "1:5", "expected the end of the line"),
    ("a:\n\tb: 1", "M005", "2:1", "a tab cannot indent"),
    ("a:\n  b: 1\n\tc: 1", "M005", "3:1", "a tab cannot indent"),
    ("a: @b", "M005", "1:4", "cannot begin with `@`"),
    ("a: `b`", "M005", "1:4", "cannot begin with a backtick"),
    ("a: %b", "M005", "1:4", "cannot begin with `%`"),
    ("a: b: c", "M005", "1:5", "a `:` that makes a mapping"),
    ("日本: 😀: c", "M005", "1:6", "a `:` that makes a mapping"),
    ("a: [1, 2", "M005", "1:9", "expected `,` or `]`"),
    ("a: {b: 1", "M005", "1:9", "expected `,` or `}`"),
    ('a: "b', "M005", "1:6", "ends before its closing quote"),
    ('a: "\\q"', "M005", "1:5", "there is no such escape"),
    ('a: "\\ud800"', "M005", "1:7", "this escape stands for no character"),
    ('a: "\\uD83D\\uDE00"', "M005", "1:7", "this escape stands for no character"),
    ('a: "\\U00110000"', "M005", "1:7", "this escape stands for no character"),
    ("a: 1\n b: 2", "M005", "2:3", "a `:` that makes a mapping"),
    ('a: "x\\0y"', "M004", "1:4", "NUL"),
    ("a: x\0y", "M004", "1:5", "U+0000 is not allowed"),
    ("é😀: x\x07y", "M004", "1:6", "U+0007 is not allowed"),
    ("a: \x1b[31mred", "M004", "1:4", "U+001B is not allowed"),
    ("a: 1\nb: \x7f", "M004", "2:4", "U+007F is not allowed"),
    ("a: \x9b31m", "M004", "1:4", "U+009B is not allowed"),
    ("日本: x\ud800", "M004", "1:6", "U+D800 is half of a surrogate pair"),
    ("a: 'x\u2028y'", "M004", "1:6", "U+2028"),
    ("a: 1\nb: x\u2029y\x85z", "M004", "2:5", "U+2029"),
    ("a: x\x85y", "M004", "1:5", "U+0085"),
    (b"a: 1\nb: \xff", "M003", "2:4", "not UTF-8"),
    ("日本: ".encode() + b"\xc3", "M003", "1:5", "not UTF-8"),
    ("# é\n".encode() * 40_000 + b"a: \xe9", "M003", "40001:4", "not UTF-8"),
    (b"a: \xed\xa0\x80", "M003", "1:4", "not UTF-8"),
    ("a: 1".encode("utf-16"), "M003", "", "the file is UTF-16"),
    ("a: 1".encode("utf-32"), "M003", "", "the file is UTF-32"),
]


@pytest.mark.parametrize(("text", "code", "place", "words"), FINDINGS)
def test_finding(text: str | bytes, code: str, place: str, words: str) -> None:
    """Each text has exactly one finding, with its code, line, column and words."""
    findings = parse(text, file="m.yaml")
    assert isinstance(findings, list)
    (finding,) = findings
    assert (finding.code, str(finding.span)) == (code, f"m.yaml:{place}".rstrip(":"))
    assert words in finding.message
    assert finding.severity is Severity.ERROR


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(ends: str, mark: str) -> None:
    """A byte order mark and the kind of line end change neither values nor places; the digest is that of the bytes."""
    text = mark + "a: |\n  one\n  two\nb: {c: 日本, d: no}\n".replace("\n", ends)
    document = parse(text, file="m.yaml")
    assert isinstance(document, Document)
    assert document.value == {"a": "one\ntwo\n", "b": {"c": "日本", "d": "no"}}
    assert str(document.span(("b", "d"))) == "m.yaml:4:15"
    assert document.lines[3] == "b: {c: 日本, d: no}"
    assert document.sha256 == sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {x: 1}\nb: *a", {"a": {"x": 1}, "b": {"x": 1}}),
        ("a: &a {x: 1, y: 1}\nb: {x: 2, <<: *a}", {"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 1}}),
        ("a: {<<: [{x: 1}, {x: 2, y: 2}], z: 3}", {"a": {"z": 3, "x": 1, "y": 2}}),
        ("a: {<<: {<<: {x: 1}, y: 2}, z: 3}", {"a": {"z": 3, "y": 2, "x": 1}}),
        ("a: {'<<': 1}", {"a": {"<<": 1}}),
        ("a: {<<: {}}", {"a": {}}),
        ("a: {<<: []}", {"a": {}}),
        ("- <<", ["<<"]),
        ("a: &k b\n*k : 1", {"a": "b", "b": 1}),
        ("&k a: *k", {"a": "a"}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("a: &x [&x 1, *x]\nb: *x", {"a": [1, 1], "b": 1}),
        ("on: 1\nno: 2\ny: 3", {"on": 1, "no": 2, "y": 3}),
        ("'1': a\n'true': b", {"1": "a", "true": "b"}),
        ('a: "x\\ty\\u2028\\L\\N"', {"a": "x\ty\u2028\u2028\x85"}),
        ("a: b\tc\nd:\te\t# f", {"a": "b\tc", "d": "e"}),
        ("%YAML 1.2\n---\na: 1\n...\n# end\n", {"a": 1}),
        ("x-mine: {any: [thing]}", {"x-mine": {"any": ["thing"]}}),
        ("just text", "just text"),
    ],
)
def test_value(text: str, value: object) -> None:
    """Anchors, merges and whatever else is allowed has the value that YAML 1.2 gives it."""
    document = parse(text, file="m.yaml")
    assert isinstance(document, Document), document
    assert document.value == value


def test_merged_keys_come_last() -> None:
    """The keys written in a mapping come first, then those of its merges, each in its order."""
    document = parse("b: &b {p: 1, q: 1}\na: {<<: [*b, {r: 1}], z: 1, q: 2}", file="m.yaml")
    assert isinstance(document, Document)
    assert list(document.value["a"]) == ["z", "q", "p", "r"]


def test_duplicate_shows_both_places() -> None:
    """A duplicate key is labelled where it was given first."""
    findings = parse("a:\n  x: 1\n  y: 2\n  x: 3\n", file="m.yaml")
    assert isinstance(findings, list)
    ((label,),) = [finding.labels for finding in findings]
    assert (str(label.span), label.text) == ("m.yaml:2:3", "the first is here")


def test_all_findings_at_once_in_position_order() -> None:
    """One finding does not hide another, up to the error at which the text stops being YAML."""
    findings = parse("b: {1: x}\na: {k: {c: .nan, c: 2}, k: 1}\nd: !!int 3\ne: *f\ng: [", file="m.yaml")
    assert isinstance(findings, list)
    assert [(finding.code, str(finding.span)) for finding in findings] == [
        ("M009", "m.yaml:1:5"),
        ("M011", "m.yaml:2:12"),
        ("M008", "m.yaml:2:18"),
        ("M008", "m.yaml:2:25"),
        ("M010", "m.yaml:3:4"),
        ("M012", "m.yaml:4:4"),
        ("M005", "m.yaml:5:5"),
    ]


def test_findings_have_an_end() -> None:
    """A file in which everything is wrong gives two hundred findings, not thousands."""
    findings = parse("- !!a b\n" * 5_000, file="m.yaml")
    assert isinstance(findings, list)
    assert len(findings) == 200


def test_unclosed_bracket_shows_where_it_opened() -> None:
    """The finding at the end of the text is labelled where the bracket opened."""
    findings = parse("a: 1\nb: [x,\n  y\n", file="m.yaml")
    assert isinstance(findings, list)
    ((label,),) = [finding.labels for finding in findings]
    assert (str(label.span), label.text) == ("m.yaml:2:4", "a flow sequence begins here")


def test_read(tmp_path: Path) -> None:
    """A file is read under the name that the user typed."""
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: 1\n")
    for display, name in ((None, str(path)), ("typed.yaml", "typed.yaml")):
        document = read(path, display=display)
        assert isinstance(document, Document)
        assert (document.file, document.value) == (name, {"a": 1})
        assert document.span(("a",)).file == name


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "no\0name", "x" * 300, "file/below"])
def test_unreadable_file(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is a finding about the file as a whole."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    findings = read(tmp_path / name, display="m.yaml")
    assert isinstance(findings, list)
    (finding,) = findings
    assert (finding.code, finding.span.line) == ("M001", 0)
    assert finding.message.startswith("the file cannot be read: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file(tmp_path: Path) -> None:
    """A file without permission is a finding."""
    path = tmp_path / "m.yaml"
    path.touch(mode=0)
    assert isinstance(read(path), list)


def _assert_sound(result: Document | list[Diagnostic], text: str) -> None:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if isinstance(result, Document):
        assert list(result.lines) == lines
        return
    assert result
    for span in (span for finding in result for span in (finding.span, *(label.span for label in finding.labels))):
        assert 0 <= span.line <= len(lines)
        assert span.column <= len(lines[span.line - 1]) + 1
        assert span.width >= 1


@settings(max_examples=700, deadline=None)
@given(st.text("ab:-?[]{}&*!|>'\"%@`#,<.~10 \t\n\r\\é😀\ufeff\u2028\0", max_size=40))
def test_any_text(text: str) -> None:
    """Any text is a document or has findings, each inside the text."""
    _assert_sound(parse(text, file="m.yaml"), text)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(raw: bytes) -> None:
    """Any bytes are a document or have findings."""
    result = parse(raw, file="m.yaml")
    assert isinstance(result, Document) or result
