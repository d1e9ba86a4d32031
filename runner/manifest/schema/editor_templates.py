"""Lets a template stand wherever an operation's input may, in the editor's view of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.manifest.schema.walk import with_parts
from runner.manifest.schema.words import value_in_words

if TYPE_CHECKING:
    from runner.manifest.schema.walk import Schema

_PATTERN: Final = "[{][{%#]"
_TEMPLATE: Final = {"title": "Template", "type": "string", "pattern": _PATTERN}
_CHOICES: Final = frozenset({"enum", "const", "anyOf", "oneOf", "allOf"})
_TEXTS: Final = frozenset(
    {"title", "description", "markdownDescription", "x-intellij-html-description", "default", "examples"}
)


def accepting_templates(schema: Schema) -> Schema:
    """A mapping's schema in which every value may be a template; the mapping itself stays strict about its keys.

    Where it can be said without alternatives it is, since editors complete and explain plain schemas best: a number becomes a number or text of
    the form of a template.

    Args:
        schema: With its references inlined.
    """
    choices = [keyword for keyword in ("anyOf", "oneOf", "allOf") if keyword in schema]
    apart: Schema = {keyword: [accepting_templates(part) for part in schema[keyword]] for keyword in choices}
    if "propertyNames" in schema:
        apart["propertyNames"] = schema["propertyNames"]
    return {**with_parts(schema, _or_template), **apart}


def _or_template(schema: Schema) -> Schema:
    inside = accepting_templates(schema)
    if _CHOICES & schema.keys() or "type" not in schema:
        return _as_alternative(inside)
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if "string" in kinds:
        return _text_or_template(inside)
    return {
        **inside,
        "type": [*kinds, "string"],
        "pattern": _PATTERN,
        "patternErrorMessage": f"must be {value_in_words(schema)}, or a template",
    }


def _as_alternative(schema: Schema) -> Schema:
    outside = {key: value for key, value in schema.items() if key in _TEXTS}
    inside = {key: value for key, value in schema.items() if key not in outside}
    branches = inside["anyOf"] if set(inside) == {"anyOf"} else [inside]
    return {**outside, "anyOf": [*branches, _TEMPLATE]}


def _text_or_template(schema: Schema) -> Schema:
    """Text of its form, or a template. How long the text may be is known only when it is rendered."""
    made = {key: value for key, value in schema.items() if key != "maxLength"}
    if made.get("minLength"):
        made["minLength"] = 1
    if "pattern" in schema:
        made["pattern"] = f"(?:{schema['pattern']})|{_PATTERN}"
        made["patternErrorMessage"] = f"{schema['patternErrorMessage']}, or hold a template"
    return made
