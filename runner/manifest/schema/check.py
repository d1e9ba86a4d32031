"""Holds values against a JSON Schema: jsonschema-rs decides, fifty times faster; jsonschema explains only what it refused.

Both read the same schema and must come to the same verdict. What keeps them together: patterns and divisions are always those of
jsonschema-rs (`patterns.py`), and nothing is ever fetched from the network for a `$ref`. The schema of rows is a user's and may be
anything; what jsonschema cannot explain about it is said in the words of jsonschema-rs.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import referencing
from jsonschema import Draft202012Validator, ValidationError, validators

from runner.manifest.blocks import strings_in
from runner.manifest.schema.explain import MOST_COMPLAINTS, Complaint, explain
from runner.manifest.schema.patterns import additional_keys, holds
from runner.manifest.schema.repeats import first_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.manifest.inputs import Pointer


_MOST_CHARACTERS: Final = 300


class SchemaUnusable(ValueError):
    """The schema itself does not hold; the message says why."""


def _decided(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    """A keyword about which the deciding library is asked."""

    def decided(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
        if not holds(keyword, wanted, instance):
            yield ValidationError(f"it does not satisfy `{keyword}`")

    return decided


def _pattern_properties(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, part in wanted.items():
        for key in instance:
            if holds("pattern", pattern, key):
                yield from validator.descend(instance[key], part, path=key, schema_path=pattern)


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
    "multipleOf": _decided("multipleOf"),
    "pattern": _decided("pattern"),
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
_Explaining: Final = validators.extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]  # jsonschema has no types here


_BEYOND_EXPLAINING: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
"""Keywords that jsonschema reads patterns for in its own way, out of reach."""


def _is_within_words(schema: Any) -> bool:
    """Whether all keywords of a schema can be explained. A property called like one that cannot is taken for it: words are lost, no more."""
    if isinstance(schema, list):
        return all(map(_is_within_words, schema))
    return not isinstance(schema, dict) or (
        _BEYOND_EXPLAINING.isdisjoint(schema) and all(map(_is_within_words, schema.values()))
    )


def _deciding(schema: dict[str, Any], mask: str | None = None) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_no_network, validate_formats=False, mask=mask)


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
            self._is_valid = _deciding(schema).is_valid
            self._can_explain = _is_within_words(schema)
        except jsonschema_rs.ReferencingError as error:
            raise SchemaUnusable(
                "it refers to something that is not in it; a schema must be complete in itself"
            ) from error
        except jsonschema_rs.ValidationError as error:
            at = "/".join(map(str, error.instance_path))
            raise SchemaUnusable(f"{error.message[:_MOST_CHARACTERS]}, at `{at}`" if at else error.message) from error
        except (ValueError, RecursionError) as error:
            raise SchemaUnusable(str(error).partition("\n")[0][:_MOST_CHARACTERS]) from error
        self._schema = schema
        explaining: Any = _Explaining
        if is_for_large:
            explaining = validators.extend(_Explaining, {"$ref": self._ref})  # type: ignore[no-untyped-call]  # as above
            self._part = cache(self._compile_part)
        self._explaining = explaining(schema, registry=referencing.Registry())

    def accepts(self, value: Any) -> bool:
        """Whether a value satisfies the schema. One that is not Unicode text throughout satisfies none."""
        try:
            return self._is_valid(value)
        except UnicodeEncodeError:
            return False

    def complaints(self, value: Any) -> list[Complaint]:
        """What is wrong with a value, in words, at most `MOST_COMPLAINTS`; empty when nothing is."""
        try:
            return [] if self._is_valid(value) else self._in_words(value) or self._unexplained(value)
        except UnicodeEncodeError:
            return [Complaint.unexplained("a character is half a surrogate pair", _not_unicode(value))]

    def _in_words(self, value: Any) -> list[Complaint]:
        if not self._can_explain:
            return []
        try:
            return explain(self._explaining.iter_errors(value))
        except UnicodeEncodeError:
            raise
        except Exception:  # noqa: BLE001  a user's schema may bring jsonschema to anything; the verdict stands all the same
            return []

    def _unexplained(self, value: Any) -> list[Complaint]:
        try:
            errors = _deciding(self._schema, mask="this").iter_errors(value)
        except ValueError:  # the value is nested too deeply to be handed back with the error
            return [Complaint.unexplained("this does not fit its schema", ())]
        return [Complaint.unexplained(error.message, error.instance_path) for error in islice(errors, MOST_COMPLAINTS)]

    def _ref(self, validator: Any, ref: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        """`$ref`, without a walk through what holds: one bad job among ten thousand is explained at once."""
        if not self._part(ref)(instance):
            yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, schema)

    def _compile_part(self, ref: str) -> Callable[[Any], bool]:
        return _deciding({"$ref": ref, "$defs": self._schema["$defs"]}).is_valid


def _not_unicode(value: Any) -> Pointer:
    """Where the first text is that has no UTF-8; for a key, the mapping around all."""
    for at, text in strings_in(value, ()):
        try:
            text.encode()
        except UnicodeEncodeError:
            return at
    return ()
