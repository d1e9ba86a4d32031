"""Goes through a JSON Schema by its keywords, so that a property that is called `description` is not taken for the keyword."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

Schema = dict[str, Any]

_MAPS: Final = frozenset({"properties", "patternProperties", "$defs"})
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf"})
_SINGLE: Final = frozenset({"additionalProperties", "items", "propertyNames", "if", "then", "else", "not"})


def with_parts(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy of a schema whose direct parts were changed.

    Args:
        schema: It stays as it is.
        change: Makes the new part from the old one; `true` and `false` in the place of a schema are left alone.
    """
    return {key: _changed(key, value, change) for key, value in schema.items()}


def _changed(keyword: str, value: Any, change: Callable[[Schema], Schema]) -> Any:
    if keyword in _MAPS:
        return {name: change(part) for name, part in value.items()}
    if keyword in _LISTS:
        return [change(part) for part in value]
    if keyword in _SINGLE and isinstance(value, dict):
        return change(value)
    return value


def inlined(schema: Schema, root: Schema) -> Schema:
    """A schema with the definitions that it refers to in their places.

    Editors differ in what they make of keywords beside a `$ref`: some ignore them. Here they stand beside what was referred to,
    and win over it.

    Args:
        schema: The schema, or a part of it.
        root: The document whose `$defs` it refers to. Its references must not run in a circle.
    """
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return inlined({**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}, root)
    return with_parts({key: value for key, value in schema.items() if key != "$defs"}, lambda part: inlined(part, root))
