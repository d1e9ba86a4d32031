"""The core schema of YAML 1.2, against a second implementation that follows the table of the specification word for word."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.manifest.text.scalars import LARGEST_INTEGER, BadNumber, resolve
from runner.manifest.text.source import Document, parse

if TYPE_CHECKING:
    from collections.abc import Callable

DIGITS = "0123456789abcdef"


def _digits(text: str, base: int) -> int:
    total = 0
    for digit in text.lower():
        total = total * base + DIGITS.index(digit)
    return total


def _decimal(text: str) -> int:
    number = _digits(text.lstrip("+-"), 10)
    return -number if text.startswith("-") else number


def _fraction(text: str) -> float:
    mantissa, _, exponent = text.lower().lstrip("+-").partition("e")
    whole, _, part = mantissa.partition(".")
    value = Fraction(_digits(whole + part, 10)) * Fraction(10) ** (_decimal(exponent or "0") - len(part))
    return float(-value if text.startswith("-") else value)


SPECIFICATION: list[tuple[str, Callable[[str], Any]]] = [
    (r"null|Null|NULL|~", lambda _: None),
    (r"", lambda _: None),
    (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    (r"[-+]?[0-9]+", _decimal),
    (r"0o[0-7]+", lambda text: _digits(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: _digits(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", _fraction),
    (r"[-+]?(\.inf|\.Inf|\.INF)", lambda _: "refused"),
    (r"\.nan|\.NaN|\.NAN", lambda _: "refused"),
]
"""YAML 1.2.2, section 10.3.2, in its order; the first that matches the whole text counts."""


def oracle(text: str) -> Any:
    """What the specification makes of an unquoted scalar; the text itself when no row matches."""
    for pattern, make in SPECIFICATION:
        if re.fullmatch(pattern, text):
            return make(text)
    return text


TABLE: list[tuple[str, Any]] = [
    *((text, text) for text in ("no", "No", "NO", "yes", "Yes", "on", "On", "off", "y", "n", "Y", "N")),
    *((text, text) for text in ("12:30", "12:30:45", "1:2", "2020-01-01", "2020-01-01T00:00:00Z", "190:20:30.15")),
    *((text, text) for text in ("tRUE", "nULL", "nil", "None", "none", "TrUe", "truE", "nan", "NaN", "inf", "Infinity")),
    *((text, text) for text in ("1_000", "0b1010", "0O17", "0X1F", "-0x1f", "+0o7", "0o8", "0xg", "0x", "0o", "1e", "1e+", "e3")),
    *((text, text) for text in ("+", "-.", ".", "..", "1.2.3", "1..2", "1e1.5", "--1", "+-1", "1,000", "0.0.0", "٣", "１２", "+.e1")),
    *((text, None) for text in ("", "~", "null", "Null", "NULL")),
    *((text, True) for text in ("true", "True", "TRUE")),
    *((text, False) for text in ("false", "False", "FALSE")),
    ("0", 0), ("-0", 0), ("+0", 0), ("7", 7), ("+12", 12), ("-19", -19), ("017", 17), ("0o17", 15), ("0o0", 0), ("08", 8), ("0099", 99),
    ("0x1F", 31), ("0xabcdef", 11259375), ("9007199254740991", 2**53 - 1), ("-9007199254740991", 1 - 2**53),
    ("0.", 0.0), (".5", 0.5), ("-.5", -0.5), ("+1.", 1.0), ("1.0", 1.0), ("12e03", 12000.0), ("-2E+05", -200000.0), ("1e3", 1000.0),
    ("1.5e-3", 0.0015), ("0.1", 0.1), ("6.02e23", 6.02e23), ("1e-400", 0.0), ("01.5", 1.5), (".5e1", 5.0), ("1E2", 100.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_scalar(text: str, expected: Any) -> None:
    """An unquoted scalar has the value and type of the table, in a document and by the second implementation alike."""
    document = parse(f"value: {text}\n", file="m.yaml")
    assert isinstance(document, Document)
    for value in (document.value["value"], oracle(text)):
        assert value == expected
        assert type(value) is type(expected)


def test_table_is_long_enough() -> None:
    """The table holds at least sixty different scalars."""
    assert len({text for text, _ in TABLE}) >= 60


@pytest.mark.parametrize("text", [text for text, value in TABLE if not isinstance(value, str)])
@pytest.mark.parametrize("form", ['"{}"', "'{}'", "|-\n  {}", ">-\n  {}"])
def test_quotes_make_text(text: str, form: str) -> None:
    """Whatever stands between quotes or in a block is text."""
    document = parse("value: " + form.format(text), file="m.yaml")
    assert isinstance(document, Document)
    assert document.value == {"value": text}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".nan", "is not a number"),
        (".NaN", "is not a number"),
        (".inf", "is infinite"),
        ("-.INF", "is infinite"),
        ("1e999", "is larger than any number"),
        ("-1e999", "is larger than any number"),
        (str(LARGEST_INTEGER + 1), "beyond ±9007199254740991"),
        (str(-LARGEST_INTEGER - 1), "beyond ±9007199254740991"),
        ("0xffffffffffffff", "beyond ±9007199254740991"),
        ("0o7777777777777777777", "beyond ±9007199254740991"),
        ("9" * 101, "more than 100 characters"),
        ("0." + "1" * 100_000, "more than 100 characters"),
        ("0x" + "f" * 1_000_000, "more than 100 characters"),
    ],
)
def test_number_that_json_cannot_carry(text: str, words: str) -> None:
    """A number that no JSON value equals is an error at its place, and quotes are the way out."""
    findings = parse(f"a: 1\nb: {text}\n", file="m.yaml")
    assert isinstance(findings, list)
    (finding,) = findings
    assert (finding.code, str(finding.span), finding.span.width) == ("M011", "m.yaml:2:4", len(text))
    assert words in finding.message
    assert finding.hint == "put it between quotes to make it text"
    assert len(finding.message) < 120


@settings(max_examples=1000, deadline=None)
@given(st.text("0123456789+-.eExoabfinIFNtruTRUEnulNLsAS~_: ", max_size=8))
def test_any_scalar(text: str) -> None:
    """Both implementations agree on whatever looks like a number or a constant."""
    expected = oracle(text)
    try:
        value = resolve(text)
    except BadNumber:
        assert expected == "refused" or abs(expected) > LARGEST_INTEGER or abs(_exponent(text)) > 300
        return
    assert (type(value), value) == (type(expected), expected)


def _exponent(text: str) -> int:
    return _decimal(text.lower().partition("e")[2] or "0")
