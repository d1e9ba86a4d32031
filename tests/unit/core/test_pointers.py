"""Putting a value into a JSON tree that others hold too."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.diagnostics import Diagnostic, Span, Unsaid
from runner.core.pointers import put


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((), "new"),
        (("a",), {"a": "new", "b": [1, {"c": 2}]}),
        (("b", 0), {"a": 0, "b": ["new", {"c": 2}]}),
        (("b", 1, "c"), {"a": 0, "b": [1, {"c": "new"}]}),
    ],
)
def test_a_value_is_put_in_its_place(at: tuple[str | int, ...], expected: Any) -> None:
    """The new tree differs in one place, and the old one in none."""
    tree = {"a": 0, "b": [1, {"c": 2}]}
    assert put(tree, at, "new") == expected
    assert tree == {"a": 0, "b": [1, {"c": 2}]}


def test_what_does_not_lie_on_the_way_is_shared() -> None:
    """Only the containers that lead to the place are copied."""
    tree: dict[str, Any] = {"a": {"x": 1}, "b": {"y": 2}}
    made = put(tree, ("a", "x"), 3)
    assert made["b"] is tree["b"]
    assert made["a"] is not tree["a"]


@pytest.mark.parametrize("at", [("c",), ("b", 7), ("b", 1, "d")])
def test_a_pointer_to_nothing_is_an_error(at: tuple[str | int, ...]) -> None:
    """Nothing is added where nothing was."""
    with pytest.raises(LookupError):
        put({"a": 0, "b": [1, {"c": 2}]}, at, "new")


def test_findings_are_new_once_as_far_as_they_are_remembered() -> None:
    """The same finding is new once; what does not fit into memory is new each time."""
    first, second, third = (Diagnostic(code="M501", message=name, span=Span("m.yaml", 1)) for name in "abc")
    unsaid = Unsaid(most=2)
    assert [unsaid(it) for it in (first, second, first, second)] == [True, True, False, False]
    assert [unsaid(it) for it in (third, third, first)] == [True, True, False]
