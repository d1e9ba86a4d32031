"""The YAML reader against a second one: `ruamel.yaml` in pure Python, which was written from the 1.2 specification.

Section numbers are those of YAML 1.2.2 (https://yaml.org/spec/1.2.2/). Where the two readers differ, the table says which of them departs
from the specification, or what a manifest is stricter about by its own contract.
"""

from __future__ import annotations

import math
from typing import Any, Final
from warnings import catch_warnings, simplefilter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import ReusedAnchorWarning, YAMLError

from runner.manifest.text.source import Document, parse
from tests.unit.manifest.text.test_source_scalars import TABLE

REFUSED: Final = "refused"

SCALAR_DEPARTURES: Final = {
    "2020-01-01": "10.3.2: the core schema has no timestamps; ruamel.yaml makes a date",
    "2020-01-01T00:00:00Z": "10.3.2: likewise",
    "1_000": "10.3.2: [-+]? [0-9]+ has no underscores; ruamel.yaml takes them out",
    "0b1010": "10.3.2: bases are 8, 10 and 16; ruamel.yaml reads base 2 too",
    "-0x1f": "10.3.2: 0x [0-9a-fA-F]+ has no sign; ruamel.yaml allows one",
    "+0o7": "10.3.2: 0o [0-7]+ has no sign; ruamel.yaml allows one",
    ".5e1": "10.3.2: a fraction without whole part may have an exponent; ruamel.yaml makes text of it",
}
"""Scalars that the second reader takes for something else than the specification does, by section."""

AGREED: Final = [
    "a: 'x' # comment", "a: b#c", "{a: 1, b}", "{a}", "[a: 1]", "[a: 1, b]", "{'a':1}", '{"a":1}', "{a:1}", "[http://a.b/c]",
    "{x: http://a}", "[-]", "[-1]", "[a?b]", "a: ?x", "a: :x", "a: x:y", "a:b", "a : x", "'a' : x", "a:    x   ", "a: x%",
    "a: |+\n  x\n\n", "a: |-\n  x\n\n", "a: |\n x\n\n\n", "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n   y\n  z", "a: |2\n    x\n",
    "a: >\n\n\n x", "a: |\n\n\n x", "a: >+\n x\n\n", "a: >1\n x", "x: |\n # text\n y\n", "a: |", "a: >", "? |\n  k\n: v",
    "a:\n- b\n- c", "- - a\n  - b", "- a\n- -b", "-", "- ", "-\n-", "- [a\n  b]", "a: [a b, c d]", "a: {b c: d e}", "a: [x,]", "a: {x: 1,}",
    "a: [x\n, y]", "a:\n  - x\n   - y", "a: {}\nb: []", "{a: [b, {c: d}]}", "? a\n", "? a\n? b", "{? a : b}", "{? a}", "- ? a\n  : b",
    "a: &x", "a: &x\nb: *x", "&a a: *a", "&x", "&x a", "- &x\n- *x", "a: &x 1\nb: &x 2\nc: *x", "a: &x {k: [1]}\nb: *x",
    "a: {<<: {x: 1}, x: 2}", "a: {<<: [{x: 1}, {x: 2, y: 3}]}", "b: &b {p: 1}\na: {<<: *b, q: 2}", "a: {'<<': 1}",
    "b: &b {p: 1}\nc: &c {<<: *b, q: 2}\na: {<<: *c, p: 3}", "b: &b {p: 1}\nc: &c {p: 2, q: 2}\na: {<<: [*c, *b]}",
    "--- a", "--- |\n a", "---\na: 1\n...", "# c\n---\na: 1", "%YAML 1.2\n---\na", "---a", "--- # c\na", "a: ---", "a: 1\n...\n# end\n", "",
    'a: "\\/"', 'a: "\\x41\\u4e00\\U0001F600"', 'a: "\\e\\a"', "a: 'it''s'", 'a: "x\\\n  y"', 'a: "x\n  y\n\n  z"', "a: x\n  y\n\n  z", "a: '\\n'",
    "a: 'x\ty'", "a: [a,\n\tb]", "é: ü", "😀: 🎉", "\ufeffa: b", "a: \u00a0b", "a: \u200bb", "a: e\u0301", "a: 👩‍👩‍👧", "日本: 値",
    "key with spaces: v", "'': x", "x:\n\n\n  y", "x: # c\n  y", "x:\n  # c\n  y", "a:\n  b:\n    c:", "a: 'x'\r\nb: y\r\n", "a: x\rb: y\r",
    "on: 1\nno: 2\nyes: off", "'1': a\n'true': b\n'~': c", "a: 0777\nb: 0o777", "a: b # c # d", "a: -1",
]  # fmt: skip
"""Texts of which both readers make the same value."""

REFUSED_BY_BOTH: Final = [
    "-\ta", "\ta: b", "a:\n  \tb: c", "a:\n\tb: 1", "a: |\n\tx", "a: -", "a: - ", "a: x: y", "a: ::", "a: [,x]", "a: %x", "a: |1x", "- a\n-b",
    "a: b: c", "a: 'x\n---\ny'", '"a\nb": c', "[a, [b, c]]: d", "{a: b}: c", "*x", "a: |\n  x\n y\n", "a: @x", "a: `x`", "a: ,", "a: ]", "a: }",
    "a: *", "a: &", "a: '", 'a: "', "a: 'b' 'c'", "--- a: b", "...", "k: v w: x", "k: [a, b]: c", "a: 'x'\n b", "a: 1\na: 2", "{a: 1, 'a': 2}",
    "{a: 1", "[a", "a: 1\n---\nb: 2", "a\n...\nb", 'a: "\\q"', "a: {<<: 1}", "%YAML 1.3\n---\na", "a:\n  b: 1\n c: 2",
    "a: x\0y", "a: x\x07y", "a: 1\n--- \n", "a: {<<: [1]}",
]  # fmt: skip
"""Texts that neither takes."""

DEPARTURES: Final[dict[str, tuple[Any, str]]] = {
    "a: \tx": ({"a": "x"}, "6.2: tabs may separate; ruamel.yaml refuses them"),
    "a: x\t": ({"a": "x"}, "6.2: likewise"),
    "a: &a:b c": (REFUSED, "6.9.2: the anchor is `a:b`, which libyaml cannot read; it must not become the text `:b c`"),
    "%YAML 1.1\n---\na": (REFUSED, "6.8.1 lets a reader go on; a manifest is YAML 1.2, or it would mean something else elsewhere"),
    "%FOO x\n---\na": (REFUSED, "6.8 lets a reader ignore it with a warning; a manifest has nothing that is ignored"),
    "1: a": (REFUSED, "10.3.2: the key is a number; a manifest has text for keys, as JSON has"),
    "null: a": (REFUSED, "10.3.2: the key is null; likewise"),
    "? \n": (REFUSED, "7.2: the key is empty, so null; likewise"),
    ": x": (REFUSED, "7.2: likewise"),
    "a: {: x}": (REFUSED, "7.2: likewise"),
    "? - a\n: b": (REFUSED, "3.2.1.1: the key is a list; likewise"),
    "a: !!str 1": (REFUSED, "6.9.1: an explicit tag; a manifest has none"),
    "a: !": (REFUSED, "6.9.1: likewise"),
    'a: "\\0"': (REFUSED, "5.7: the escape of NUL, which no file name, terminal or API can take"),
    'a: "\\ud83d\\ude00"': (REFUSED, "5.7: escapes are for characters, and these are halves of one"),
    "a: {b: 1, <<: {c: 1}, b: 2}": (REFUSED, "3.2.1.1: keys are unique; ruamel.yaml does not look when there is a merge"),
    "- <<": (["<<"], "https://yaml.org/type/merge.html: it is a key; ruamel.yaml has no value for it anywhere else"),
    "a: x\u0085y": (REFUSED, "5.4: no line end in YAML 1.2, one in 1.1: readers do not agree"),
    "a: 'x\u2028y'": (REFUSED, "5.4: likewise"),
}  # fmt: skip
"""Texts of which the readers make different things: the value that is right, and why."""


def ours(text: str) -> Any:
    """What a manifest's reader makes of a text."""
    result = parse(text, file="m.yaml")
    return result.value if isinstance(result, Document) else REFUSED


def theirs(text: str) -> Any:
    """What the second reader makes of it."""
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    try:
        with catch_warnings():
            simplefilter("ignore", ReusedAnchorWarning)  # 3.2.2.2 allows it
            return reader.load(text)
    except (
        YAMLError,
        TypeError,
        AssertionError,
    ):  # it also fails on lists as keys and on versions that it does not know
        return REFUSED


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal with their types, whatever the order of keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_scalar(text: str, expected: Any) -> None:
    """An unquoted scalar means the same to both readers, wherever it stands; the departures of the second are listed by section."""
    places: dict[str, Any] = {f"value: {text}\n": {"value": expected}, f"- {text}\n": [expected]}
    if text and "," not in text:
        places[f"a: {{b: [{text}] }}\n"] = {"a": {"b": [expected]}}
    for written, value in places.items():
        assert same(ours(written), value)
        assert same(theirs(written), value) != (text in SCALAR_DEPARTURES)


@pytest.mark.parametrize(
    ("text", "value"),
    [(text, value) for text, value in TABLE if isinstance(value, str) and text.strip() == text and text],
)
def test_text_as_key(text: str, value: str) -> None:
    """What is text as a value is text as a key, to both readers."""
    assert same(ours(f"{text}: 1\n"), {value: 1})
    assert same(theirs(f"{text}: 1\n"), {value: 1}) != (text in SCALAR_DEPARTURES)


@pytest.mark.parametrize("text", [text for text, value in TABLE if not isinstance(value, str) and text])
def test_other_keys_are_refused(text: str) -> None:
    """What is no text as a value is no key: `1: …` and `'1': …` would be one key in JSON."""
    findings = parse(f"{text}: 1\n", file="m.yaml")
    assert isinstance(findings, list)
    assert [(it.code, str(it.span)) for it in findings] == [("M009", "m.yaml:1:1")]
    assert same(ours(f"'{text}': 1\n"), {text: 1})


@pytest.mark.parametrize("text", [".inf", "-.inf", "+.INF", ".nan", ".NaN", "1e999"])
def test_what_json_has_not(text: str) -> None:
    """Infinities and not-a-number, which the second reader knows too, are refused."""
    assert not math.isfinite(theirs(f"a: {text}")["a"])
    assert ours(f"a: {text}") == REFUSED


@pytest.mark.parametrize("text", AGREED)
def test_agreed(text: str) -> None:
    """Both readers make the same of collections, quotes, blocks, anchors, merges, comments and line ends."""
    assert ours(text) != REFUSED
    assert same(ours(text), theirs(text))


@pytest.mark.parametrize("text", REFUSED_BY_BOTH)
def test_refused_by_both(text: str) -> None:
    """What is not YAML is refused by both, here with a line and a column."""
    findings = parse(text, file="m.yaml")
    assert isinstance(findings, list)
    assert all(it.span.line and it.span.column for it in findings)
    assert theirs(text) == REFUSED


@pytest.mark.parametrize("text", DEPARTURES)
def test_departure(text: str) -> None:
    """Where the readers differ, the value is the one that the specification gives, or the text is refused for a reason."""
    value, _ = DEPARTURES[text]
    assert same(ours(text), value)
    assert not same(theirs(text), value)


PIECES = st.sampled_from([
    "a", "b", "no", "1", "1.5", "~", "null", "true", "'q'", '"d"', "日本", "😀", ": ", ":", " ", "\n", "\n  ", "\n    ", "- ", "-", ", ",
    "[", "]", "{", "}", "#", " # c\n", "|\n", ">-\n", "&x ", "*x", "<<: ", "? ", "'", '"', "x y", "\r\n", "---\n", "%",
])  # fmt: skip


@settings(max_examples=1_000, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=14).map("".join))
def test_never_another_value(text: str) -> None:
    """Whatever YAML both readers take below a key means the same to both."""
    mine, other = ours(f"k: {text}"), theirs(f"k: {text}")
    assert REFUSED in (str(mine), str(other)) or same(mine, other)
