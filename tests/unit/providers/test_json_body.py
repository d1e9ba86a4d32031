"""JSON from strangers: values or a reason, never an exception."""

from __future__ import annotations

import time
from typing import Any

import pytest

from runner.core.answers import READ_BODY_BYTES, Reply
from runner.providers.json_body import MOST_DEPTH, Unreadable, mapping, number, parse_object, read_object, text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("{", "not JSON"),
        ("{} {}", "not JSON"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ('{"a":1,"a":1}', "twice"),
        ('{"b":[{"a":1,"a":2}]}', "twice"),
        ('{"a":Infinity}', "Infinity"),
        ('{"a":"\\udc00"}', "not JSON"),
        ('{"a":' + "1" * 5000 + "}", "not JSON"),
        ("[" * 100_000, "deep"),
        ('{"a":' * 100_000, "deep"),
    ],
)
def test_unreadable(body: str, reason: str) -> None:
    """What is not one plain object says why."""
    found = parse_object(body)
    assert isinstance(found, Unreadable)
    assert reason in found.reason


@pytest.mark.parametrize("depth", [MOST_DEPTH, MOST_DEPTH + 1])
def test_depth_is_counted_exactly(depth: int) -> None:
    """The last level that is allowed is allowed."""
    found = parse_object('{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}")
    assert isinstance(found, Unreadable) == (depth > MOST_DEPTH)


@pytest.mark.parametrize("value", ["[" * 99, '\\"' + "{" * 99, "\\\\", '"[["[['])
def test_brackets_in_strings_do_not_count(value: str) -> None:
    """Only structure is depth, whatever a string holds."""
    quoted = value if value.startswith("\\") else value.replace('"', '\\"')
    assert not isinstance(parse_object(f'{{"a":"{quoted}","b":[]}}'), Unreadable)


@pytest.mark.parametrize("piece", ['\\"', '"', "[", "\\", '{"":', "[]", "0"])
def test_the_largest_body_is_read_quickly(piece: str) -> None:
    """No body of the largest size takes more than a moment, however it is made."""
    body = ('{"' + piece * (READ_BODY_BYTES // len(piece)))[:READ_BODY_BYTES]
    before = time.process_time()
    parse_object(body)
    assert time.process_time() - before < 1.0


def test_pairs_of_surrogates_are_characters() -> None:
    """Two escapes that make one character are read as that."""
    assert parse_object('{"a":"\\ud83d\\ude00"}') == {"a": "😀"}


def test_a_cut_reply_is_unreadable_even_if_it_parses() -> None:
    """What is left of a cut body may say something else than the whole."""
    assert isinstance(read_object(Reply(200, {}, b"{}", truncated=True)), Unreadable)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (" 9.6 ", 9.6),
        ("30%", 30.0),
        (-3, -3.0),
        ("-3", -3.0),
        (True, None),
        (None, None),
        ([], None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (10**400, None),
        ("1e999", None),
        ("x", None),
    ],
)
def test_number(value: Any, expected: float | None) -> None:
    """Numbers come as numbers or as text; what is neither is None."""
    assert number(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(" a ", "a"), (7, "7"), (True, ""), (None, ""), (1.5, ""), ({}, "")])
def test_text(value: Any, expected: str) -> None:
    """Texts and whole numbers are text, everything else is none."""
    assert text(value) == expected


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_mapping(value: Any) -> None:
    """What is no object has no keys."""
    assert mapping(value) == {}
