"""Schemas of rows, which are a user's files: nothing in them crashes, holds up or misleads, and both libraries say the same about a row."""

from __future__ import annotations

import json
import os
import time
from itertools import product
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import regress
from jsonschema import Draft202012Validator, ValidationError, validators

from runner.manifest.schema.check import SchemaCheck, SchemaUnusable
from tests.unit.manifest.manifests import ADDRESSES, HEAD, findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATTERNS = [
    r"^\p{Lu}+$", r"^\p{Ll}", r"^[$]", r"^\$[0-9]+$", r"[\]$]$", r"^b", r"^\d+$", r"^(?!a)", r"^(a+)+$", r"^(.)\1", r"\u0041", r"^[^\s]*$",
]  # fmt: skip
"""Patterns as ECMA-262 has them, some unlike Python's."""
TEXTS = ("", "a", "aaa", "A", "ÄÖ", "ä", "$5", "$", "x$", "٣", "7", "b\n", "7\n", " ", "]", "日本", "😀")
SCHEMAS: list[Any] = [
    {"properties": {"t": {"pattern": pattern}, "u": {"pattern": r"^\$[0-9]+"}}} for pattern in PATTERNS
] + [
    {"patternProperties": {r"^\p{Ll}$": {"pattern": r"^\p{Lu}"}}},
    {"patternProperties": {r"^[^$]$": {"minLength": 2}, r"\$$": False}},
    {"oneOf": [True, {"required": ["v"]}]},
    {"oneOf": [False, {"required": ["v"]}, {"required": ["t"]}]},
    {"anyOf": [False, {"properties": {"t": {"pattern": r"^\p{Lu}"}}}]},
    {"not": {"properties": {"t": {"pattern": r"^\p{Lu}"}}}},
    {"if": {"properties": {"t": {"pattern": r"^\$"}}}, "then": {"required": ["v"]}, "else": True},
    {"additionalProperties": False, "patternProperties": {r"^\p{Ll}$": True}},
    {"unevaluatedProperties": False, "patternProperties": {r"^[t$]$": True}},
    {"propertyNames": {"pattern": r"^\p{Ll}$"}},
    {"properties": {"n": {"multipleOf": 0.1}}, "required": ["v"]},
    {"allOf": [False]},
]


def _matches(pattern: str, text: str) -> bool:
    """As a second implementation of ECMA-262 has it."""
    return regress.Regex(pattern, "u").find(text) is not None


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError("")


def _keys(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    for pattern, key in product(wanted, instance):
        if _matches(pattern, key):
            yield from validator.descend(instance[key], wanted[pattern], path=key)


def _others(_: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not wanted and not all(any(_matches(it, key) for it in schema["patternProperties"]) for key in instance):
        yield ValidationError("")


_KEYWORDS = {
    "pattern": _pattern,
    "patternProperties": _keys,
    "additionalProperties": _others,
    "unevaluatedProperties": _others,
}
_JSONSCHEMA = validators.extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]  # jsonschema has no types here


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_verdicts_on_rows_agree(schema: dict[str, Any]) -> None:
    """The product and both libraries agree about every row, and a pattern that is complained of is one that does not match."""
    plain, quick, check = _JSONSCHEMA(schema), jsonschema_rs.Draft202012Validator(schema), SchemaCheck(schema)
    for text, other in product(TEXTS, TEXTS):
        row = {"t": text, "u": other, "n": 0.3, "$": text} if len(other) < 2 else {"t": text, "u": other}
        accepted = plain.is_valid(row)
        assert accepted == quick.is_valid(row) == check.accepts(row), row
        complaints = check.complaints(row)
        assert (not complaints) == accepted, row
        for complaint in complaints:
            assert complaint.message
            if complaint.at and not complaint.on_key:
                assert not _fits(schema, complaint.at, row), (complaint, row)


def _fits(schema: dict[str, Any], at: tuple[str | int, ...], row: dict[str, Any]) -> bool:
    part = schema.get("properties", {}).get(at[0])
    return part is not None and bool(_JSONSCHEMA(part).is_valid(row[str(at[0])]))


def nested(depth: int) -> list[Any]:
    """A list in a list, and so on, this deep."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("schema", "value", "at"),
    [
        ({"type": "array", "minItems": 1, "items": {"$ref": "#"}}, nested(300), (0,) * 300),
        ({"unevaluatedProperties": False}, {"t": nested(300)}, ()),
        ({"properties": {"t": {"pattern": "^(a+)+$"}}}, {"t": "a" * 40 + "b"}, ("t",)),
        ({"properties": {"t": {"pattern": r"^(a+)+\1$"}}}, {"t": "a" * 40 + "b"}, ("t",)),
        ({"required": ["v"], "$dynamicAnchor": "x", "$dynamicRef": "#x"}, {}, ()),
        ({"required": ["v"], "$ref": "https://json-schema.org/draft/2020-12/schema"}, {}, ()),
        ({"properties": {"t": {"pattern": "x"}}}, {"t": "\ud800", "u": "y"}, ("t",)),
        ({"properties": {"u": {"pattern": "x"}}, "additionalProperties": False}, {"\ud800": "y"}, ()),
        ({"properties": {"n": {"multipleOf": 0.5, "type": "string"}}}, {"n": 10**400}, ("n",)),
    ],
)
def test_whatever_is_refused_has_a_place(schema: dict[str, Any], value: Any, at: tuple[str | int, ...]) -> None:
    """What the explaining library cannot read, or would read for ever, is told at its place and at once."""
    begun = time.process_time()
    assert [complaint.at for complaint in SchemaCheck(schema).complaints(value)] == [at]
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"properties": {"t": {"pattern": "("}}}, "properties/t/pattern"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "pattern"),
        ({"$ref": "https://example.com/x.json"}, "complete in itself"),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"maxLength": float("inf")}, "maxLength"),
    ],
)
def test_unusable_schema_says_where(schema: dict[str, Any], words: str) -> None:
    """A schema that cannot be compiled is refused, with the place inside it."""
    with pytest.raises(SchemaUnusable, match=words):
        SchemaCheck(schema)


@pytest.mark.parametrize("kind", ["large", "folder", "pipe"])
def test_schema_file_is_a_small_file(tmp_path: Path, kind: str) -> None:
    """Neither a huge file nor a pipe that nobody writes to holds the reading of a row schema up."""
    schema = tmp_path / "row.schema.json"
    match kind:
        case "large":
            schema.write_text(" " * 2**20 + "{}", encoding="utf-8")
        case "folder":
            schema.mkdir()
        case _:
            os.mkfifo(schema)
    manifest = tmp_path / "manifest.yaml"
    block = f'{{rows: [{{id: 1}}], key: "{{{{ row.id }}}}", schema: row.schema.json}}\n    with: {ADDRESSES}\n'
    manifest.write_text(f"{HEAD}jobs:\n  a:\n    uses: digital-human/avatar\n    foreach: {block}", encoding="utf-8")
    (finding,) = findings(manifest)
    assert finding.code == "M501"
