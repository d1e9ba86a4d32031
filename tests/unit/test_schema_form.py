"""The form of operations' schemas: ours have it, and every way to miss it is said."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from runner.schema_files import load_schema, operation_names
from runner.schema_form import ANNOTATIONS, form_flaws, part_check

GOOD: dict[str, Any] = {
    "description": "A clip.",
    "$defs": {
        "inputs": {
            "type": "object",
            "additionalProperties": False,
            "x-spoken": ["script"],
            "properties": {
                "script": {"description": "What is said.", "type": "string", "x-limits": {"max_chars": 5}},
                "look": {"$ref": "#/$defs/look"},
                "list": {"description": "Many.", "type": "array", "items": {"type": "string"}},
            },
        },
        "outputs": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"url": {"description": "Where.", "type": "string", "examples": ["a", "b"]}},
        },
        "look": {"description": "How.", "type": "string"},
    },
}


def changed(at: str, value: Any) -> dict[str, Any]:
    """The good schema with one part exchanged; None takes the part away."""
    schema = deepcopy(GOOD)
    *path, last = at.split("/")
    part = schema
    for step in path:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return schema


@pytest.mark.parametrize("name", operation_names())
def test_ours_have_the_form(name: str) -> None:
    """What is asked of others is kept by us."""
    assert form_flaws(load_schema(name)) == []


def test_a_good_schema_has_no_flaw() -> None:
    """The least that is asked for."""
    assert form_flaws(GOOD) == []


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        ("description", None, "no `description`"),
        ("description", " ", "no `description`"),
        ("$defs/inputs", None, "no `$defs/inputs`"),
        ("$defs/outputs", [], "no `$defs/outputs`"),
        ("$defs/inputs/type", "nonsense", "no JSON Schema that can be used"),
        ("$defs/inputs/properties/script/pattern", "(", "no JSON Schema that can be used"),
        ("$defs/inputs/type", "array", "not closed"),
        ("$defs/inputs/additionalProperties", None, "not closed"),
        ("$defs/outputs/properties", None, "not closed"),
        ("$defs/inputs/properties/script/description", None, "`script` has no `description`"),
        ("$defs/look/description", None, "`look` has no `description`"),
        ("$defs/inputs/properties/script", True, "`script` is no mapping"),
        ("$defs/inputs/properties/look/$ref", "#/$defs/none", "no JSON Schema that can be used"),
        ("$defs/inputs/properties/look/$ref", "https://example.com/x.json", "no JSON Schema that can be used"),
        ("$defs/inputs/properties/look/$ref", "#/$defs/inputs/properties/script", "none of its `$defs`"),
        ("$defs/look/items", {"$ref": "#/$defs/look"}, "in a circle: `$defs/inputs`, `$defs/look`"),
        ("$defs/outputs/properties/url/examples", None, "`url` has no `examples`"),
        ("$defs/outputs/properties/url/examples", [], "`url` has no `examples`"),
        ("$defs/outputs/properties/url/examples", ["a", 1], "the example 1 of `url` does not fit it"),
        ("$defs/inputs/properties/script/x-limit", {}, "`x-limit` of `script` is none of"),
        ("$defs/inputs/properties/list/items/x-byte", "", "`x-byte` of `list` is none of"),
        ("$defs/inputs/x-spoken", "script", "`x-spoken` is a list"),
        ("$defs/outputs/properties/url/x-lifetime", 60, "`x-lifetime` of `url` is none of"),
        ("$defs/outputs/properties/url/x-lifetime-s", "30 days", "`x-lifetime-s` of `url` is no number of seconds"),
        ("x-deliver", "none", "`x-deliver` is none of"),
        ("x-delivers", "video", "`x-delivers` can only be `none`"),
    ],
)
def test_every_flaw_is_said(at: str, value: Any, words: str) -> None:
    """One fault, one sentence that says where it is."""
    (flaw,) = form_flaws(changed(at, value))
    assert words in flaw


def test_both_parts_are_missed() -> None:
    """Without definitions there are neither inputs nor outputs."""
    assert form_flaws(changed("$defs", None)) == ["it has no `$defs/inputs`", "it has no `$defs/outputs`"]


@pytest.mark.parametrize("schema", [None, [], "text", 1])
def test_what_is_no_mapping_is_no_schema(schema: Any) -> None:
    """Whatever a package hands over."""
    assert form_flaws(schema) == ["it is not a JSON object"]


def test_annotations_are_explained() -> None:
    """Each of our own words says what it is an annotation of."""
    assert all(word.startswith("x-") and meaning.startswith("of ") for word, meaning in ANNOTATIONS.items())


def test_a_part_is_checked_with_its_definitions() -> None:
    """Values are held against inputs or outputs, references included."""
    check = part_check(GOOD, "inputs")
    assert check.is_valid({"script": "Hi", "look": "calm"})
    assert not check.is_valid({"look": 1})
