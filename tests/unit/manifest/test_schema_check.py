"""Two libraries, one verdict."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.manifest.operations import operation_schema
from runner.manifest.schema_check import SchemaCheck, SchemaUnusable
from runner.schema_files import load_schema, operation_names

ANY = st.sampled_from(
    [None, True, 0, 1, 1.0, 0.05, "", " ", "x", "x\n", "https://a/b", "https://a/b\n", [], ["x"], {}, {"env": "A"}]
)


def _values(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that nearly fit a schema: its own keys and words, and some that are wrong."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    known = st.sampled_from(
        [*schema.get("enum", []), *schema.get("examples", []), schema.get("const"), schema.get("default")]
    )
    if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
        fields = {key: _values(value, root) for key, value in schema.get("properties", {}).items()}
        extra = schema.get("additionalProperties")
        more = _values(extra, root) if isinstance(extra, dict) else ANY
        names = st.sampled_from(["a", "digital-human", "digital-human/avatar", "x-1", "B", "a\n"])
        mapping = st.tuples(st.fixed_dictionaries({}, optional=fields), st.dictionaries(names, more, max_size=1))
        return mapping.map(lambda both: both[0] | both[1]) | ANY
    if isinstance(schema.get("items"), dict):
        return st.lists(_values(schema["items"], root), max_size=3) | ANY
    return known | ANY


def _agrees(check: SchemaCheck, schema: dict[str, Any], value: Any) -> None:
    complaints = check.complaints(value)
    assert check.accepts(value) == (not complaints)
    assert check.accepts(value) == check._explaining.is_valid(value)
    assert all(it.code != "M100" for it in complaints), "every refusal has words of its own"
    assert jsonschema_rs.is_valid(schema, value) == check.accepts(value)


MANIFEST = load_schema("manifest")
MANIFEST_CHECK = SchemaCheck(MANIFEST)


@settings(max_examples=300, deadline=None)
@given(_values(MANIFEST, MANIFEST))
def test_manifest_verdicts_agree(value: Any) -> None:
    """Jsonschema explains exactly what jsonschema-rs refuses, for manifests."""
    _agrees(MANIFEST_CHECK, MANIFEST, value)


@pytest.mark.parametrize("name", operation_names())
def test_operation_verdicts_agree(name: str) -> None:
    """The same for the inputs of every operation."""
    root = load_schema(name)
    schema = {"$ref": "#/$defs/inputs", "$defs": root["$defs"]}

    @settings(max_examples=200, deadline=None)
    @given(_values(schema, root))
    def agree(value: Any) -> None:
        _agrees(operation_schema(name).check, schema, value)

    agree()


@pytest.mark.parametrize("schema", [{"$ref": "https://example.com/x.json"}, {"type": "nonsense"}, {"pattern": "("}])
def test_unusable_schema(schema: dict[str, Any]) -> None:
    """A schema that is none, or that would have to be fetched, is refused without the network."""
    with pytest.raises(SchemaUnusable):
        SchemaCheck(schema)
