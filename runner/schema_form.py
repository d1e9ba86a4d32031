"""The form that the schema of an operation has to have, so that everything that reads schemas can rely on it.

The schemas in `schemas/` are held to it by a test, those of other packages when their provider is loaded:

* JSON Schema 2020-12 with a `description`, complete in itself: `$ref` leads to `#/$defs/<name>`, and never in a circle.
* `$defs/inputs` and `$defs/outputs` are closed objects (`additionalProperties: false`) whose properties each have a `description`.
* Each output has `examples`, the first of which stands for the value wherever a job that is still to be made is looked at.
* Annotations are among `ANNOTATIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANNOTATIONS: Final[Mapping[str, str]] = {
    "x-bytes": "of an input: it may be a local file, `{file: PATH}`, and is then sent as bytes in this coding; `base64` is the one there is",
    "x-delivers": "of the schema as a whole: `none` where a finished task has no file",
    "x-lifetime-s": "of an output: the seconds that its provider keeps it, from the submission on; a job that uses it later has it made again",
    "x-limits": "of an input: what the API takes, to be looked at before anything is sent (`max_chars`, `max_bytes`, `formats`, …)",
    "x-outside-fingerprint": "of an input: a change of it makes no new job",
    "x-result-lasts": "of an input: it says how long the result will last; `seconds` where a text in it is that number",
    "x-style": "of an input: only accounts with this `style` take it",
    "x-spoken": "of the inputs as a whole: the paths of those whose text is spoken, by preference, for the report's transcript",
}
"""The words of our own in the schema of an operation, and what each says."""

_REF: Final = "#/$defs/"
_NO_FILE: Final = "none"
_MOST_CHARACTERS: Final = 200


def form_flaws(schema: Any) -> list[str]:
    """What is wrong with the form of an operation's schema.

    Args:
        schema: The parsed schema.

    Returns:
        A sentence without a full stop for each flaw; empty when the schema can be used.
    """
    if not isinstance(schema, dict):
        return ["it is not a JSON object"]
    flaws = [] if _is_text(schema.get("description")) else ["it has no `description`"]
    defs = schema.get("$defs")
    missing = [
        part for part in ("inputs", "outputs") if not isinstance(defs, dict) or not isinstance(defs.get(part), dict)
    ]
    if missing:
        return [*flaws, *(f"it has no `$defs/{part}`" for part in missing)]
    assert isinstance(defs, dict)
    not_a_schema = _not_a_schema(defs) or _bad_reference(defs)
    if not_a_schema is not None:
        return [*flaws, not_a_schema]
    for part in ("inputs", "outputs"):
        flaws += (f"`$defs/{part}`: {flaw}" for flaw in _object_flaws(defs[part], defs))
    flaws += (f"`$defs/outputs`: {flaw}" for flaw in _output_flaws(defs["outputs"], defs))
    for part in ("inputs", "outputs"):
        flaws += (f"`$defs/{part}`: {flaw}" for flaw in _unknown_annotations(defs[part]))
    flaws += (f"`$defs/inputs`: {flaw}" for flaw in _spoken_flaws(defs["inputs"]))
    flaws += _unknown_annotations({word: value for word, value in schema.items() if word.startswith("x-")})
    if schema.get("x-delivers", _NO_FILE) != _NO_FILE:
        flaws.append(f"`x-delivers` can only be `{_NO_FILE}`")
    return flaws


def part_check(schema: Mapping[str, Any], part: str) -> jsonschema_rs.Draft202012Validator:
    """What holds values against `inputs` or `outputs` of a schema of this form."""
    return _compiled({"$ref": f"{_REF}{part}", "$defs": schema["$defs"]})


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_no_network, validate_formats=False)


def _no_network(uri: str) -> Any:
    raise ValueError(f"it refers to {uri}; a schema must be complete in itself")


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _not_a_schema(defs: dict[str, Any]) -> str | None:
    for part in ("inputs", "outputs"):
        try:
            _compiled({"$ref": f"{_REF}{part}", "$defs": defs})
        except jsonschema_rs.ValidationError as error:
            at = "/".join(map(str, error.instance_path))
            return f"it is no JSON Schema that can be used: {error.message[:_MOST_CHARACTERS]}{f', at `{at}`' if at else ''}"
        except (jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
            return f"it is no JSON Schema that can be used: {str(error).partition(chr(10))[0][:_MOST_CHARACTERS]}"
    return None


def _bad_reference(defs: dict[str, Any]) -> str | None:
    """A reference that leads elsewhere than to a definition, or a circle: schemas are printed with what they refer to in its place."""
    leads_to = {name: set(_references(part)) for name, part in defs.items()}
    for name, targets in leads_to.items():
        for ref in sorted(targets):
            if ref.removeprefix(_REF) not in defs or not ref.startswith(_REF):
                return f"`$defs/{name}` refers to `{ref}`, which is none of its `$defs`"
    left = {name: {ref.removeprefix(_REF) for ref in targets} for name, targets in leads_to.items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    return f"its references run in a circle: {', '.join(f'`$defs/{name}`' for name in sorted(left))}" if left else None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _object_flaws(part: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    if (
        part.get("type") != "object"
        or part.get("additionalProperties") is not False
        or not isinstance(part.get("properties"), dict)
    ):
        yield 'it is not closed: give it `"type": "object"`, `"additionalProperties": false` and `properties`'
        return
    for name, facts in part["properties"].items():
        if not isinstance(facts, dict):
            yield f"the property `{name}` is no mapping"
        elif not _is_text(facts.get("description")) and not _is_text(_target(facts, defs).get("description")):
            yield f"the property `{name}` has no `description`"


def _target(facts: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    found = defs.get(facts.get("$ref", "").removeprefix(_REF), {})
    return found if isinstance(found, dict) else {}


def _output_flaws(outputs: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    for name, facts in outputs.get("properties", {}).items():
        examples = facts.get("examples") if isinstance(facts, dict) else None
        if not isinstance(examples, list) or not examples:
            yield f"the property `{name}` has no `examples`"
            continue
        if not _is_time(facts.get("x-lifetime-s", 1)):
            yield f"`x-lifetime-s` of `{name}` is no number of seconds"
        check = _compiled({**facts, "$defs": defs})
        yield from (
            f"the example {value!r} of `{name}` does not fit it" for value in examples if not check.is_valid(value)
        )


def _unknown_annotations(part: dict[str, Any]) -> Iterator[str]:
    for at, facts in _annotated(part, ""):
        for word in facts:
            if word.startswith("x-") and word not in ANNOTATIONS:
                yield f"`{word}`{at} is none of {', '.join(f'`{known}`' for known in ANNOTATIONS)}"


def _spoken_flaws(inputs: dict[str, Any]) -> Iterator[str]:
    spoken = inputs.get("x-spoken", [])
    if not isinstance(spoken, list) or not all(_is_text(path) for path in spoken):
        yield "`x-spoken` is a list of paths such as `voice/text`"


def _annotated(schema: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, schema
    for name, facts in schema.get("properties", {}).items():
        if isinstance(facts, dict):
            yield from _annotated(facts, f"{at or ' of'} `{name}`")
    if isinstance(schema.get("items"), dict):
        yield from _annotated(schema["items"], at)
