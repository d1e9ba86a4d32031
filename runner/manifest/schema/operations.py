"""What the schema of an operation says, ready for use: its check, its outputs, and what is special about single inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.core import references
from runner.manifest.file_inputs import EVERY
from runner.manifest.schema.check import SchemaCheck
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class OperationSchema:
    """The schema of one operation.

    Args:
        name: `<type>/<operation>`.
        check: Holds rendered inputs against the strict view.
        outputs: The names of its outputs.
        samples: For each output a value of the kind that it will have.
        spoken: Paths of the inputs whose text is spoken, by preference.
        takes_bytes: Paths of the inputs that may be local files (`x-bytes`), `*` for each item of a list.
        outside: Names of the inputs that do not count for the fingerprint (`x-outside-fingerprint`).
    """

    name: str
    check: SchemaCheck
    outputs: tuple[str, ...]
    samples: dict[str, Any]
    spoken: tuple[tuple[str, ...], ...]
    takes_bytes: tuple[tuple[str, ...], ...] = ()
    outside: frozenset[str] = frozenset()

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
    schema = load_schema(name)
    inputs = schema["$defs"]["inputs"]
    outputs = schema["$defs"]["outputs"]["properties"]
    return OperationSchema(
        name=name,
        check=SchemaCheck({"$ref": "#/$defs/inputs", "$defs": schema["$defs"]}),
        outputs=tuple(outputs),
        samples={output: facts["examples"][0] for output, facts in outputs.items()},
        spoken=tuple(tuple(path.split("/")) for path in inputs.get("x-spoken", [])),
        takes_bytes=tuple(_takes_bytes(inputs, ())),
        outside=frozenset(name for name, facts in inputs["properties"].items() if "x-outside-fingerprint" in facts),
    )


def _takes_bytes(schema: dict[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where a schema says that a value may be a local file, in the order written."""
    if "x-bytes" in schema:
        yield at
    for name, inner in schema.get("properties", {}).items():
        yield from _takes_bytes(inner, (*at, name))
    if "items" in schema:
        yield from _takes_bytes(schema["items"], (*at, EVERY))
