"""What the schema of an operation says, ready for use: its check, its outputs, and what is special about single inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, reduce
from operator import getitem
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runner.core import references
from runner.core.pointers import put
from runner.manifest.input_rules import NO_RULES, InputRules, input_rules
from runner.manifest.places import EVERY
from runner.manifest.schema.check import SchemaCheck
from runner.manifest.schema.explain import REFUSAL
from runner.manifest.schema.walk import inlined
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.manifest.places import Place
    from runner.manifest.schema.walk import Schema

_AS_WRITTEN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OperationSchema:
    """The schema of one operation.

    Args:
        name: `<type>/<operation>`.
        check: Holds rendered inputs against the strict view.
        outputs: The names of its outputs.
        samples: For each output a value of the kind that it will have.
        spoken: Paths of the inputs whose text is spoken, by preference.
        rules: What the inputs may hold beyond what `check` sees: files, addresses, their limits.
        outside: Names of the inputs that do not count for the fingerprint (`x-outside-fingerprint`).
        lifetimes_s: Seconds that the provider keeps an output, by its name (`x-lifetime-s`); nothing is known of the others.
        delivers_file: Whether a finished task has a file (`x-delivers`).
    """

    name: str
    check: SchemaCheck
    outputs: tuple[str, ...]
    samples: dict[str, Any]
    spoken: tuple[tuple[str, ...], ...]
    rules: InputRules = NO_RULES
    outside: frozenset[str] = frozenset()
    lifetimes_s: Mapping[str, float] = field(default_factory=dict)
    delivers_file: bool = True

    def spoken_text(self, inputs: dict[str, Any]) -> str:
        """What the job says; "" when the inputs hold no text. Outputs of other jobs in it stand as `…`."""
        for path in self.spoken:
            value: Any = inputs
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, str):
                return value if references.OPEN not in value else str(references.resolve(value, lambda _: "…"))
        return ""


@cache
def operation_schema(name: str) -> OperationSchema:
    """The schema of an operation.

    Args:
        name: One of `schema_files.operation_names()`.
    """
    return adapted_schema(name, _AS_WRITTEN)


def adapted_schema(
    name: str, accepts: Mapping[str, Mapping[str, Any]], *, refuses: Collection[str] = ()
) -> OperationSchema:
    """The schema of an operation on an account with limits or a style of its own.

    Args:
        name: One of `schema_files.operation_names()`.
        accepts: Limits by input; names that mean nothing are left out.
        refuses: Inputs that the account does not take (`refused_inputs`).
    """
    schema, rules = _refusing(load_schema(name), refuses), input_rules(name, accepts)
    inputs = schema["$defs"]["inputs"]
    outputs = schema["$defs"]["outputs"]["properties"]
    return OperationSchema(
        name=name,
        check=SchemaCheck({"$ref": "#/$defs/inputs", "$defs": _with_lengths(schema, rules)}),
        outputs=tuple(outputs),
        samples={output: facts["examples"][0] for output, facts in outputs.items()},
        spoken=tuple(tuple(path.split("/")) for path in inputs.get("x-spoken", [])),
        rules=rules,
        outside=frozenset(name for name, facts in inputs["properties"].items() if "x-outside-fingerprint" in facts),
        lifetimes_s={it: facts["x-lifetime-s"] for it, facts in outputs.items() if "x-lifetime-s" in facts},
        delivers_file=schema.get("x-delivers") != "none",
    )


def refused_inputs(name: str, style: str | None) -> list[str]:
    """The inputs of an operation that only accounts of another style take (`x-style`).

    Args:
        name: One of `schema_files.operation_names()`.
        style: The account's; None for the usual way.
    """
    inputs = load_schema(name)["$defs"]["inputs"]["properties"]
    return [it for it, facts in inputs.items() if facts.get("x-style", style) != style]


def _refusing(schema: Schema, names: Collection[str]) -> Schema:
    """The schema of an operation in which nothing may stand at some inputs."""
    inputs = schema["$defs"]["inputs"]
    refused = {
        it: {"not": {}, REFUSAL: f"only accounts with `style: {inputs['properties'][it]['x-style']}` take `{it}`"}
        for it in names
    }
    inputs = {**inputs, "properties": {**inputs["properties"], **refused}}
    return {**schema, "$defs": {**schema["$defs"], "inputs": inputs}}


def _with_lengths(schema: Schema, rules: InputRules) -> Schema:
    """The definitions of an operation, in which texts are as long as the rules allow, whatever stands there."""
    definitions: Schema = schema["$defs"]
    if not rules.max_chars:
        return definitions
    inputs = inlined(definitions["inputs"], schema)
    for place, most in rules.max_chars:
        path = _path(place)
        inputs = put(inputs, path, {**reduce(getitem, path, inputs), "maxLength": most})
    return {**definitions, "inputs": inputs}


def _path(place: Place) -> tuple[str, ...]:
    """Where a schema describes an input."""
    return tuple(key for step in place for key in (("items",) if step == EVERY else ("properties", step)))
