"""The editor's view of a manifest. `tests/editor` shows it to the real language server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from runner.manifest.schema.check import SchemaCheck
from runner.manifest.schema.editor import editor_schema
from runner.manifest.schema.operations import operation_schema
from runner.manifest.schema.walk import inlined
from runner.manifest.text.source import Document, read
from runner.schema_files import load_schema, operation_names
from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.manifest.schema.walk import Schema

EXAMPLES = REPOSITORY / "tests" / "examples"
HOLDS = [*sorted(EXAMPLES.glob("valid/*/manifest.yaml")), *sorted((REPOSITORY / "manifests").glob("*.yaml"))]
EDITOR = SchemaCheck(editor_schema())
Pointer = tuple[str, ...]


def test_it_is_a_schema() -> None:
    """It holds against the metaschema and is complete in itself."""
    schema = editor_schema()
    Draft202012Validator.check_schema(schema)
    refs = {part for part in json.dumps(schema).split('"') if part.startswith("#/$defs/")}
    assert {ref.removeprefix("#/$defs/") for ref in refs} == schema["$defs"].keys()


def test_reading_it_changes_no_schema_file() -> None:
    """The schemas that `validate` uses are the same objects for all: the view is made from copies."""
    before = [json.dumps(load_schema(name)) for name in ("manifest", *operation_names())]
    editor_schema()
    assert [json.dumps(load_schema(name)) for name in ("manifest", *operation_names())] == before


@pytest.mark.parametrize("manifest", HOLDS, ids=lambda path: path.parent.name)
def test_it_accepts_what_holds(manifest: Path) -> None:
    """Every manifest that holds is accepted."""
    document = read(manifest)
    assert isinstance(document, Document)
    assert EDITOR.complaints(document.value) == []


@pytest.mark.parametrize("case", ["misspelt-required-key", "exactly-one-of", "wrong-values"])
def test_it_sees_wrong_inputs(case: str) -> None:
    """A misspelt input, two ways of speaking, a wrong value: red in the editor already."""
    document = read(EXAMPLES / "invalid" / case / "manifest.yaml")
    assert isinstance(document, Document)
    assert EDITOR.complaints(document.value)


# --- templates --------------------------------------------------------------------------------------------------------


def _sample(schema: Schema, key: str | None = None) -> Any:
    """A value that satisfies a schema, with every key that it may have at once; `key` is the one of several that is chosen."""
    if schema.get("type") != "object":
        offered = [schema.get("default"), *schema.get("enum", []), *schema.get("examples", [])]
        return next(value for value in offered if value is not None)
    others = {name for branch in schema.get("oneOf", []) for name in branch["required"]} - {key}
    return {name: _sample(part) for name, part in schema.get("properties", {}).items() if name not in others}


def _samples(operation: str) -> Iterator[dict[str, Any]]:
    """Inputs of an operation: one for each of the keys that exclude one another."""
    document = load_schema(operation)
    inputs = inlined(document["$defs"]["inputs"], document)
    for branch in inputs.get("oneOf", [{"required": [None]}]):
        yield _sample(inputs, branch["required"][0])


def _places(value: Any, at: Pointer = ()) -> Iterator[Pointer]:
    for name, part in value.items() if isinstance(value, dict) else ():
        yield (*at, name)
        yield from _places(part, (*at, name))


def _put(value: Any, at: Pointer, other: Any) -> Any:
    return {**value, at[0]: _put(value[at[0]], at[1:], other)} if at else other


def _manifest(uses: str, inputs: Any) -> dict[str, Any]:
    account = {"elsewhere": {"type": uses.partition("/")[0]}}
    jobs = {"a": {"uses": uses, "with": inputs}, "b": {"uses": f"elsewhere/{uses.partition('/')[2]}", "with": inputs}}
    return {"version": 1, "name": "spring", "providers": account, "jobs": jobs}


@pytest.mark.parametrize("operation", operation_names())
def test_a_template_may_stand_wherever_a_value_may(operation: str) -> None:
    """Each input of each operation, at every depth, may be a template, for an account of any name; and nothing but its own values else."""
    for inputs in _samples(operation):
        assert operation_schema(operation).check.complaints(inputs) == []
        assert EDITOR.complaints(_manifest(operation, inputs)) == []
        for at in _places(inputs):
            for template in ("{{ row.x }}", "{% if row.x %}1{% endif %}", "{# later #}"):
                assert EDITOR.complaints(_manifest(operation, _put(inputs, at, template))) == [], at
            assert EDITOR.complaints(_manifest(operation, _put(inputs, at, [None]))), at


@pytest.mark.parametrize("operation", operation_names())
def test_keys_of_inputs_stay_strict(operation: str) -> None:
    """A key that is not an input is refused, templates or not, for an account of any name."""
    for inputs in _samples(operation):
        assert EDITOR.complaints(_manifest(operation, {**inputs, "unheard_of": "{{ row.x }}"}))


# --- texts ------------------------------------------------------------------------------------------------------------


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(part)


def test_every_editor_finds_its_texts() -> None:
    """Where there is a description there are its Markdown and its HTML; where words are explained, both families of editors find it."""
    described = [node for node in _nodes(editor_schema()) if isinstance(node.get("description"), str)]
    schemas = [node for node in described if "label" not in node and set(node) != {"description"}]
    assert len(schemas) > 60
    for node in schemas:
        assert node["markdownDescription"].startswith(node["description"])
        assert node["x-intellij-html-description"].startswith("<p>")
    explained = [node for node in _nodes(editor_schema()) if "enumDescriptions" in node]
    assert explained
    for node in explained:
        shown = {word: it["description"] for word, it in node["x-intellij-enum-metadata"].items()}
        assert shown == dict(zip(node["enum"], node["enumDescriptions"], strict=True))


def test_html_is_escaped() -> None:
    """`<account>/<operation>` stays readable in an editor that shows HTML."""
    uses = editor_schema()["properties"]["jobs"]["additionalProperties"]["properties"]["uses"]
    assert "<code>&lt;account&gt;/&lt;operation&gt;</code>" in uses["x-intellij-html-description"]
