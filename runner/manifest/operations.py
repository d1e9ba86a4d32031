"""What the schema of an operation says, ready for use: its check, its outputs, and which input is spoken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from runner.core import references
from runner.manifest.schema_check import SchemaCheck
from runner.schema_files import load_schema


@dataclass(frozen=True, slots=True)
class OperationSchema:
    """The schema of one operation.

    Args:
        name: `<type>/<operation>`.
        check: Holds rendered inputs against the strict view.
        outputs: The names of its outputs.
        samples: For each output a value of the kind that it will have.
        spoken: Paths of the inputs whose text is spoken, by preference.
    """

    name: str
    check: SchemaCheck
    outputs: tuple[str, ...]
    samples: dict[str, Any]
    spoken: tuple[tuple[str, ...], ...]

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
    outputs = schema["$defs"]["outputs"]["properties"]
    return OperationSchema(
        name=name,
        check=SchemaCheck({"$ref": "#/$defs/inputs", "$defs": schema["$defs"]}),
        outputs=tuple(outputs),
        samples={output: facts["examples"][0] for output, facts in outputs.items()},
        spoken=tuple(tuple(path.split("/")) for path in schema["$defs"]["inputs"].get("x-spoken", [])),
    )
