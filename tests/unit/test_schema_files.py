"""The schemas: found from everywhere, and documented to the last property."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from runner.schema_files import UnknownSchema, introduce, load_schema, operation_names, schema_names

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
OURS = ["manifest", *operation_names()]


def test_names() -> None:
    """Every schema file has a name; operations are those with a slash."""
    assert {"manifest", "digital-human/avatar"} <= set(schema_names())
    assert all("/" in name for name in operation_names())


@pytest.mark.parametrize("name", ["nothing", "../manifest", "manifest.v1", "", "digital-human.avatar"])
def test_unknown(name: str) -> None:
    """Only listed names are opened: a name is never a path."""
    with pytest.raises(UnknownSchema):
        load_schema(name)


@pytest.mark.parametrize("name", schema_names())
def test_is_a_schema(name: str) -> None:
    """Each holds against the metaschema, and its `$id` ends with its file's name."""
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name.replace('/', '.')}.v1.schema.json")


def _nodes(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from _nodes(item, f"{path}/{key}")


@pytest.mark.parametrize("name", OURS)
def test_every_property_is_described_and_every_object_closed(name: str) -> None:
    """Editors show a text for every property, and no misspelt key passes; the pass-through objects are listed here."""
    root = load_schema(name)
    open_objects = {"/$defs/job/properties/with", "/$defs/foreach/properties/rows/items"}
    for path, node in _nodes(root):
        for key, value in node.get("properties", {}).items() if path.rpartition("/")[2] != "properties" else ():
            target = root["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            assert value.get("description") or target.get("description"), f"{path}/{key} has no description"
        if node.get("type") == "object" and path not in open_objects:
            assert "additionalProperties" in node, f"{path} is open"


@pytest.mark.parametrize("name", ["manifest", "digital-human/avatar"])
def test_ours_cannot_be_replaced(name: str) -> None:
    """Whoever introduces a schema under a name of ours is told so, and nothing changes."""
    before = load_schema(name)
    with pytest.raises(ValueError, match=name):
        introduce({name: {"description": "Another."}, "fresh/operation": {}})
    assert load_schema(name) is before
    assert "fresh/operation" not in operation_names()


def test_introduced_schemas_are_known_like_ours() -> None:
    """By name, among the operations, and as often as they are introduced; another one of that name is refused."""
    code = (
        "from runner.schema_files import *\n"
        "for _ in range(2): introduce({'acme/clip': {'title': 'ours'}})\n"
        "assert 'acme/clip' in operation_names() and load_schema('acme/clip') == {'title': 'ours'}\n"
        "try: introduce({'acme/clip': {'title': 'theirs'}})\n"
        "except ValueError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"


def test_a_strangers_folder_is_not_read(tmp_path: Path) -> None:
    """A package called `schemas` that comes first on the path changes nothing."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "schemas" / "evil.v1.schema.json").write_text("{}")
    code = f"import sys; sys.path.append({str(ROOT)!r}); from runner.schema_files import schema_names; print(schema_names())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "manifest" in done.stdout
    assert "evil" not in done.stdout
