"""Holds values against a JSON Schema: jsonschema-rs decides, fifty times faster; jsonschema explains only what it refused.

Both read the same schema and must come to the same verdict. Two things keep them together: patterns are matched as
ECMA-262 says (`$` is the very end), and nothing is ever fetched from the network for a `$ref`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import referencing
from jsonschema import Draft202012Validator, ValidationError, validators

from runner.manifest.schema.explain import Complaint, additional_keys, explain
from runner.manifest.schema.repeats import first_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class SchemaUnusable(ValueError):
    """The schema itself does not hold; the message says why."""


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # Python's `$` also matches before a newline at the end.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique_items(_: Any, is_wanted: bool, instance: Any, __: Any) -> Iterator[ValidationError]:  # noqa: FBT001  jsonschema calls it
    # That of jsonschema takes the square of the length when the items have no order.
    if is_wanted and isinstance(instance, list) and first_repeated(instance) is not None:
        yield ValidationError("the list repeats an item")


def _additional_properties(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # That of jsonschema goes through the keys in another order each time.
    if not isinstance(instance, dict):
        return
    keys = additional_keys(instance, schema)
    if isinstance(wanted, dict):
        for key in keys:
            yield from validator.descend(instance[key], wanted, path=key)
    elif not wanted and next(keys, None) is not None:
        yield ValidationError("there is an unknown key")


_KEYWORDS: Final = {
    "additionalProperties": _additional_properties,
    "pattern": _pattern,
    "uniqueItems": _unique_items,
}
_Explaining: Final = validators.extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]  # jsonschema has no types here


def _deciding(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_no_network, validate_formats=False)


def _no_network(uri: str) -> Any:
    raise SchemaUnusable(f"it refers to {uri}; a schema must be complete in itself")


class SchemaCheck:
    """A schema, compiled.

    Args:
        schema: JSON Schema 2020-12, complete in itself.
        is_for_large: Whether its values are so large that explaining must not walk through the parts of them that hold: those that the
            schema gives to one of its `$defs`. The schema is then one resource, without `$id` below its root.

    Raises:
        SchemaUnusable: It is not a JSON Schema, or refers to another file.
    """

    def __init__(self, schema: dict[str, Any], *, is_for_large: bool = False) -> None:
        try:
            self.accepts = _deciding(schema).is_valid
            """Whether a value satisfies the schema."""
        except jsonschema_rs.ReferencingError as error:
            raise SchemaUnusable(
                "it refers to something that is not in it; a schema must be complete in itself"
            ) from error
        except (ValueError, jsonschema_rs.ValidationError) as error:
            raise SchemaUnusable(str(error).partition("\n")[0]) from error
        self._schema = schema
        explaining: Any = _Explaining
        if is_for_large:
            explaining = validators.extend(_Explaining, {"$ref": self._ref})  # type: ignore[no-untyped-call]  # as above
            self._part = cache(self._compile_part)
        self._explaining = explaining(schema, registry=referencing.Registry())

    def complaints(self, value: Any) -> list[Complaint]:
        """What is wrong with a value, in words, at most `MOST_COMPLAINTS`; empty when nothing is."""
        if self.accepts(value):
            return []
        found = explain(self._explaining.iter_errors(value))
        return found or [Complaint.unexplained(_deciding(self._schema).iter_errors(value))]

    def _ref(self, validator: Any, ref: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        """`$ref`, without a walk through what holds: one bad job among ten thousand is explained at once."""
        if not self._part(ref)(instance):
            yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, schema)

    def _compile_part(self, ref: str) -> Callable[[Any], bool]:
        return _deciding({"$ref": ref, "$defs": self._schema["$defs"]}).is_valid
