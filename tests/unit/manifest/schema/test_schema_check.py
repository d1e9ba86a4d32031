"""Two libraries, one verdict; and whatever is refused is explained at its place.

CALLSHEET_EXAMPLES is the number of manifests that are made; each operation's inputs are made a quarter as often.
"""

from __future__ import annotations

import os
import re
from random import Random
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from runner.manifest.schema.check import SchemaCheck, SchemaUnusable
from runner.manifest.schema.explain import MOST_COMPLAINTS
from runner.manifest.schema.repeats import first_repeated
from runner.schema_files import load_schema, operation_names
from tests.unit.manifest.schema.generated import Generated, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("CALLSHEET_EXAMPLES", "10000"))
BATCH = 50
"""Values made from one seed."""


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """`$` as ECMA-262 has it, which JSON Schema asks for: the very end, and not before a line feed too."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError("")


_JSONSCHEMA = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # jsonschema has no types here


class Verdicts:
    """One schema, read by three: the product's check and both libraries as they come.

    Args:
        schema: The schema.
        root: Where its `$defs` are.
        is_for_large: As the product uses it.
    """

    def __init__(self, schema: dict[str, Any], root: dict[str, Any], *, is_for_large: bool) -> None:
        self._schema = schema
        self._root = root
        self._quick = jsonschema_rs.Draft202012Validator(schema)
        self._check = SchemaCheck(schema, is_for_large=is_for_large)
        self._plain = _JSONSCHEMA(schema)
        self.verdicts: list[bool] = []

    def hold(self, seed: int) -> None:
        """Make a batch of values and hold each against all three."""
        made = Generated(self._schema, self._root, Random(seed))
        for number in range(BATCH):
            self._judge(made.anything() if number % 10 == 0 else made.nearly())

    def _judge(self, value: Any) -> None:
        accepted = self._plain.is_valid(value)
        assert self._quick.is_valid(value) == accepted, shown(value)
        complaints = self._check.complaints(value)
        assert (not complaints) == accepted == self._check.accepts(value), shown(value)
        for complaint in complaints:
            assert complaint.code != "M100", (complaint, shown(value))
            assert complaint.message
            for path in (complaint.at, *(path for path, _ in complaint.also)):
                _assert_leads_somewhere(path, value)
        self.verdicts.append(accepted)


def _assert_leads_somewhere(path: tuple[str | int, ...], value: Any) -> None:
    for step in path:
        keys = value if isinstance(value, dict) else range(len(value))
        assert step in keys, (path, shown(value))
        value = value[step]


def _hold_all(verdicts: Verdicts, values: int) -> None:
    @settings(max_examples=max(1, values // BATCH), deadline=None, database=None)
    @given(st.integers(0, 2**32))
    def hold(seed: int) -> None:
        verdicts.hold(seed)

    hold()
    # Hypothesis may try a seed again while it mends a failure, but never fewer.
    assert len(verdicts.verdicts) >= values // BATCH * BATCH
    share = sum(verdicts.verdicts) / len(verdicts.verdicts)
    assert 0.03 < share < 0.9, f"{share:.0%} of the values fit: both verdicts are to be tried"


def test_manifest_verdicts_agree() -> None:
    """Ten thousand manifests: both libraries say the same, and every refusal is explained in words at a place that is there."""
    manifest = load_schema("manifest")
    _hold_all(Verdicts(manifest, manifest, is_for_large=True), EXAMPLES)


@pytest.mark.parametrize("name", operation_names())
def test_operation_verdicts_agree(name: str) -> None:
    """The same for the inputs of every operation."""
    root = load_schema(name)
    _hold_all(Verdicts({"$ref": "#/$defs/inputs", "$defs": root["$defs"]}, root, is_for_large=False), EXAMPLES // 4)


@pytest.mark.parametrize("schema", [{"$ref": "https://example.com/x.json"}, {"type": "nonsense"}, {"pattern": "("}])
def test_unusable_schema(schema: dict[str, Any]) -> None:
    """A schema that is none, or that would have to be fetched, is refused without the network."""
    with pytest.raises(SchemaUnusable):
        SchemaCheck(schema)


@pytest.mark.parametrize(
    ("items", "number"),
    [
        ([], None),
        ([1, 2, 3], None),
        ([1, True, 0, False, None, "1", ""], None),
        ([1, 2, 1.0], 2),
        ([True, 1, True], 2),
        ([[1], [1.0]], 1),
        ([[1], [True]], None),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], 1),
        ([{"a": 1}, {"a": True}, {"a": None}], None),
        ([[], {}, [[]], [{}]], None),
        ([{"a": 1}, ["a", 1], [["a", 1]]], None),
        (["x", "y", "x", "y"], 2),
        ([*range(100_000), 5], 100_000),
    ],
)
def test_first_repeated(items: list[Any], number: int | None) -> None:
    """Items are compared as JSON Schema does, in time that grows with the list, and so does the library that decides."""
    assert first_repeated(items) == number
    assert jsonschema_rs.is_valid({"uniqueItems": True}, items) == (number is None)


def test_complaints_have_an_end_and_an_order() -> None:
    """Of a hundred thousand faults the first are told, in the order in which they were written."""
    check = SchemaCheck(load_schema("manifest"), is_for_large=True)
    jobs = {f"k{number}": number for number in range(100_000)}
    complaints = check.complaints({"version": 1, "name": "a", "jobs": jobs})
    assert [it.at for it in complaints] == [("jobs", f"k{number}") for number in range(MOST_COMPLAINTS)]


def test_one_fault_among_many_jobs() -> None:
    """One bad job among many is found where it is."""
    job = {"uses": "digital-human/avatar", "with": {}}
    jobs = {f"k{number}": job for number in range(10_000)} | {"bad": {"uses": "digital-human/avatar", "wit": {}}}
    (complaint,) = SchemaCheck(load_schema("manifest"), is_for_large=True).complaints(
        {"version": 1, "name": "a", "jobs": jobs}
    )
    assert (complaint.at, complaint.message) == (
        ("jobs", "bad", "wit"),
        "unknown key `wit`; the required key `with` is missing",
    )
