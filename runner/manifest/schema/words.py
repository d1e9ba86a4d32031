"""Says in words what values a schema takes, for hover texts and the reference pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runner.manifest.schema.walk import Schema

KINDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
"""The types of JSON Schema as people call them."""


def kind_of(value: Any) -> str:
    """What a value is, as people call it."""
    for kind, name in (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kind):
            return KINDS[name]
    return KINDS["null"]


def value_in_words(schema: Schema) -> str:
    """What a value may be, such as `a whole number from 1 to 1000`; "" when it may be anything.

    Args:
        schema: With its references inlined.
    """
    if "const" in schema:
        return f"always {code(schema['const'])}"
    if "enum" in schema:
        return f"one of {', '.join(code(value) for value in schema['enum'])}"
    if "anyOf" in schema:
        return ", or ".join(value_in_words(part) for part in schema["anyOf"])
    kinds = schema.get("type", [])
    words = [_kind_in_words(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return _either(words)


def choice_in_words(schema: Schema) -> str | None:
    """`Give exactly one of …`, for a mapping that must have one of several keys; None for any other."""
    branches = schema.get("oneOf", [])
    if not branches or any(set(branch) != {"required"} for branch in branches):
        return None
    return "Give exactly one of " + ", ".join(" with ".join(map(code, branch["required"])) for branch in branches) + "."


def code(value: Any) -> str:
    """A value between backticks: text as it is, anything else as JSON, which is YAML too."""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _either(words: list[str]) -> str:
    if any(";" in word for word in words):
        return "; or ".join(words)
    if len(words) < 2 or " or " in words[-1]:
        return ", ".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _kind_in_words(kind: str, schema: Schema) -> str:
    match kind:
        case "string":
            return KINDS[kind] + _form(schema)
        case "integer" | "number":
            return KINDS[kind] + _bounds(schema)
        case "array":
            return KINDS[kind] + _count(schema) + _items(schema)
        case _:
            return KINDS[kind]


def _form(schema: Schema) -> str:
    if "patternErrorMessage" in schema:
        return f"; it {schema['patternErrorMessage']}"
    most = f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    return (", not empty" if schema.get("minLength") else "") + most


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    words = [f"at least {least}"] if least is not None else []
    words += [f"above {schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    words += [f"at most {most}"] if most is not None else []
    return f" {' and '.join(words)}" if words else ""


def _count(schema: Schema) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and most is not None:
        return f" of {least} to {most} items"
    return ", not empty" if least else ""


def _items(schema: Schema) -> str:
    words = value_in_words(schema["items"]) if isinstance(schema.get("items"), dict) else ""
    return f"; each item is {words}" if words else ""
