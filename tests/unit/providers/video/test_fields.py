"""The fields that are sent and those of the schema are the same."""

from __future__ import annotations

import jsonschema_rs
import pytest

from runner.providers.video.fields import EXTRA, TYPED, fields
from runner.schema_files import load_schema

INPUTS = load_schema("video/generate")["$defs"]["inputs"]


def test_every_input_is_sent() -> None:
    """What the schema lists is sent; `extra` itself is not."""
    assert {*TYPED, EXTRA} == set(INPUTS["properties"])


@pytest.mark.parametrize("name", [*TYPED, EXTRA])
def test_a_typed_field_is_refused_in_extra(name: str) -> None:
    """`extra` takes none of the fields that have a place of their own, but any whose name only begins or ends like one."""
    accepts = jsonschema_rs.Draft202012Validator(INPUTS["properties"][EXTRA]).is_valid
    assert not accepts({name: 1})
    assert accepts({f"{name}_2": 1, f"x_{name}": {"deep": [None]}, name.upper(): True})


def test_extra_never_wins() -> None:
    """Even past the schema, a field of `extra` takes no typed one's place, given or not."""
    assert fields({"model": "m", "extra": {"model": "dear", "size": "large", "seed": 1}}) == {"model": "m", "seed": 1}
