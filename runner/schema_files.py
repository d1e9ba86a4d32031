"""Finds and reads the JSON Schemas: the only definition of every field.

The folder `schemas/` lies beside the package `runner/`, in a checkout and in site-packages alike. It is found from this file's own
place and never by `import schemas`, since a stranger's folder of that name may come first on the path.

Operations of providers that other packages bring have their schemas in those packages: they are introduced here when such a provider is
loaded, and from then on they are known to the whole process like our own.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).resolve().parent.parent / "schemas"
_SUFFIX: Final = ".v1.schema.json"

_introduced: Final[dict[str, dict[str, Any]]] = {}
"""Schemas of operations that came with other packages, by name."""


class UnknownSchema(LookupError):
    """No schema has this name; `schema_names()` lists those that there are."""


def schema_names() -> list[str]:
    """The names of all schemas, sorted: `manifest`, `report`, and `<type>/<operation>` for each operation.

    Source: the folder listing; `digital-human/avatar` is `digital-human.avatar.v1.schema.json`. Then what was introduced.
    """
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    """Looked up once: thousands of jobs ask which operations there are."""
    return tuple(sorted({*_our_names(), *_introduced}))


@cache
def _our_names() -> frozenset[str]:
    paths = _FOLDER.glob(f"*{_SUFFIX}")
    return frozenset(path.name.removesuffix(_SUFFIX).replace(".", "/") for path in paths)


def introduce(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Make schemas known that came with another package, for as long as the process lasts. Idempotent.

    Args:
        schemas: By name, `<type>/<operation>`; each of the form that `runner.schema_form` asks for.

    Raises:
        ValueError: One has the name of a schema of ours, or is not the one that was introduced under its name.
    """
    taken = sorted(
        name for name, schema in schemas.items() if name in _our_names() or _introduced.get(name, schema) != schema
    )
    if taken:
        raise ValueError(f"there are schemas of these names already: {', '.join(taken)}")
    _introduced.update(schemas)
    _names.cache_clear()


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
    if name in _introduced:
        return _introduced[name]
    # Only listed names become paths: a name comes from a command line or a manifest.
    if name not in schema_names():
        raise UnknownSchema(name)
    text = (_FOLDER / f"{name.replace('/', '.')}{_SUFFIX}").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
