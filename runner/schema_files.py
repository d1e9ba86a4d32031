"""Finds and reads the JSON Schemas: the only definition of every field.

The folder `schemas/` lies beside the package `runner/`, in a checkout and in site-packages alike. It is found from this file's own
place and never by `import schemas`, since a stranger's folder of that name may come first on the path.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).resolve().parent.parent / "schemas"
_SUFFIX: Final = ".v1.schema.json"


class UnknownSchema(LookupError):
    """No schema has this name; `schema_names()` lists those that there are."""


def schema_names() -> list[str]:
    """The names of all schemas, sorted: `manifest`, `report`, and `<type>/<operation>` for each operation.

    Source: the folder listing; `digital-human/avatar` is `digital-human.avatar.v1.schema.json`.
    """
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    """Looked up once: thousands of jobs ask which operations there are."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX).replace(".", "/") for path in _FOLDER.glob(f"*{_SUFFIX}")))


def operation_names() -> list[str]:
    """The schemas that describe an operation: those with a `/` in the name."""
    return [name for name in schema_names() if "/" in name]


@cache
def load_schema(name: str) -> dict[str, Any]:
    """A schema by name.

    Args:
        name: As `schema_names()` gives it, e.g. `manifest` or `digital-human/avatar`.

    Returns:
        The parsed schema, the same object at every call: read it, do not change it.

    Raises:
        UnknownSchema: There is none of this name.
    """
    # Only listed names become paths: a name comes from a command line or a manifest.
    if name not in schema_names():
        raise UnknownSchema(name)
    text = (_FOLDER / f"{name.replace('/', '.')}{_SUFFIX}").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
