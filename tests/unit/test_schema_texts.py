"""What the schemas say to people: complete, and true of the schemas themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.manifest.schema.walk import inlined, with_parts
from runner.schema_files import load_schema, operation_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.manifest.schema.walk import Schema

WRITTEN_BY_PEOPLE = ["manifest", *operation_names()]


def _schemas(name: str) -> Iterator[Schema]:
    """Every schema inside a document, references inlined."""
    document = load_schema(name)
    found: list[Schema] = []

    def keep(schema: Schema) -> Schema:
        found.append(schema)
        return with_parts(schema, keep)

    for part in (document, *document["$defs"].values()):
        keep(inlined(part, document))
    return iter(found)


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_every_form_is_said_in_words(name: str) -> None:
    """Nobody has to read a regular expression: each pattern of a value has its words, which go on after "it"."""
    for schema in _schemas(name):
        if "pattern" in schema:
            assert schema.get("patternErrorMessage", "").startswith("must "), schema


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_every_word_has_its_meaning(name: str) -> None:
    """Each word of an `enum` is explained."""
    for schema in _schemas(name):
        if "enum" in schema:
            assert len(schema["enum"]) == len(schema.get("enumDescriptions", [])), schema


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_examples_and_defaults_are_right(name: str) -> None:
    """What is proposed to people is allowed; an example that is a template stands for a value that is known later."""
    proposed = [
        (value, schema)
        for schema in _schemas(name)
        for value in (*schema.get("examples", []), *([schema["default"]] if "default" in schema else []))
    ]
    assert proposed
    for value, schema in proposed:
        if not (isinstance(value, str) and "{{" in value):
            assert jsonschema_rs.Draft202012Validator(schema).is_valid(value), (value, schema)


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_descriptions_are_sentences(name: str) -> None:
    """Each begins with a capital letter or a code word, ends with a full stop, and closes its backticks."""
    for schema in _schemas(name):
        text = schema.get("description", "A.")
        assert re.fullmatch(r"[A-Z`].*[.]", text), text
        assert text.count("`") % 2 == 0, text


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_a_default_is_said_in_one_place(name: str) -> None:
    """No description repeats a `default` of its schema: editors and pages print it beside the text."""
    for schema in _schemas(name):
        said: Any = schema.get("description", "")
        assert "default" not in schema or "efault:" not in said, said
