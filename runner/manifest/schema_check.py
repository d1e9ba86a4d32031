"""Holds values against a JSON Schema: jsonschema-rs decides, fifty times faster; jsonschema explains only what it refused.

Both read the same schema and must come to the same verdict. Two things keep them together: patterns are matched as
ECMA-262 says (`$` is the very end), and nothing is ever fetched from the network for a `$ref`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import referencing
from jsonschema import Draft202012Validator, ValidationError, validators

from runner.manifest.explain import Complaint, explain

if TYPE_CHECKING:
    from collections.abc import Iterator


class SchemaUnusable(ValueError):
    """The schema itself does not hold; the message says why."""


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # Python's `$` also matches before a newline at the end.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Explaining: Final = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # jsonschema has no types here


def _no_network(uri: str) -> Any:
    raise SchemaUnusable(f"it refers to {uri}; a schema must be complete in itself")


class SchemaCheck:
    """A schema, compiled.

    Args:
        schema: JSON Schema 2020-12, complete in itself.

    Raises:
        SchemaUnusable: It is not a JSON Schema, or refers to another file.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            self.accepts = jsonschema_rs.Draft202012Validator(
                schema, retriever=_no_network, validate_formats=False
            ).is_valid
            """Whether a value satisfies the schema."""
        except jsonschema_rs.ReferencingError as error:
            raise SchemaUnusable(
                "it refers to something that is not in it; a schema must be complete in itself"
            ) from error
        except (ValueError, jsonschema_rs.ValidationError) as error:
            raise SchemaUnusable(str(error).partition("\n")[0]) from error
        self._schema = schema
        self._explaining = _Explaining(schema, registry=referencing.Registry())

    def complaints(self, value: Any) -> list[Complaint]:
        """What is wrong with a value, in words; empty when nothing is."""
        if self.accepts(value):
            return []
        found = explain(self._explaining.iter_errors(value))
        return found or [Complaint.unexplained(jsonschema_rs.Draft202012Validator(self._schema).iter_errors(value))]
