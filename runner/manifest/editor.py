"""The editor's view of a manifest: one self-contained JSON Schema that knows the inputs of every operation and accepts templates."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from runner.schema_files import load_schema, operation_names

_TEMPLATE: Final = {
    "description": "A template: `{{ row.name }}`, `{{ matrix.axis }}`, `{{ vars.name }}`, `{{ jobs['name'].outputs.output }}`.",
    "type": "string",
    "pattern": "[{][{%]",
}
_NAMES: Final = ("description", "title", "default", "examples")


def editor_schema() -> dict[str, Any]:
    """The schema for editors, as `callsheet schema` prints it.

    Returns:
        `schemas/manifest.v1.schema.json`, in which `with:` of a job whose `uses` names an operation by its provider has that
        operation's inputs, each of which may also be a template. Accounts by other names keep an open `with:`.
    """
    schema = deepcopy(load_schema("manifest"))
    schema["$id"] = schema["$id"].replace("manifest.", "manifest.editor.")
    definitions: dict[str, Any] = schema["$defs"]
    definitions["template"] = _TEMPLATE
    job = definitions["job"]
    job["allOf"] = [_when_used(name) for name in operation_names()]
    job["properties"]["uses"]["examples"] = operation_names()
    for name in operation_names():
        for key, definition in load_schema(name)["$defs"].items():
            if key != "outputs":
                moved = _with_moved_refs(definition, name)
                definitions[_moved(name, key)] = _accepting_templates(moved) if key == "inputs" else moved
    return schema


def _moved(operation: str, key: str) -> str:
    return f"{operation.replace('/', '.')}.{key}"


def _when_used(operation: str) -> dict[str, Any]:
    return {
        "if": {"properties": {"uses": {"const": operation}}, "required": ["uses"]},
        "then": {"properties": {"with": {"$ref": f"#/$defs/{_moved(operation, 'inputs')}"}}},
    }


def _with_moved_refs(value: Any, operation: str) -> Any:
    match value:
        case {"$ref": str(ref), **rest}:
            key = ref.removeprefix("#/$defs/")
            return {**_with_moved_refs(rest, operation), "$ref": f"#/$defs/{_moved(operation, key)}"}
        case dict():
            return {key: _with_moved_refs(item, operation) for key, item in value.items()}
        case list():
            return [_with_moved_refs(item, operation) for item in value]
        case _:
            return value


def _accepting_templates(schema: dict[str, Any]) -> dict[str, Any]:
    """A mapping's schema in which every value may be a template; the mapping itself stays strict about its keys."""
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {key: _or_template(value) for key, value in schema["properties"].items()}
    if isinstance(schema.get("items"), dict):
        made["items"] = _or_template(schema["items"])
    return made


def _or_template(schema: dict[str, Any]) -> dict[str, Any]:
    # What people read stands outside of `anyOf`, where editors look for it.
    outside = {key: value for key, value in schema.items() if key in _NAMES}
    inside = {key: value for key, value in _accepting_templates(schema).items() if key not in _NAMES}
    return {**outside, "anyOf": [inside, {"$ref": "#/$defs/template"}]}
