"""Nothing silent in templates: what has no value, or no number that JSON can carry, fails."""

from __future__ import annotations

from typing import Any

import pytest

from runner.manifest.flaws import Flaw
from runner.manifest.templates.sandbox import Row, Vars
from runner.manifest.templates.template import compile_template


def rendered(source: str) -> Any:
    """What a template gives."""
    return compile_template(source).render({"vars": Vars(n=1), "row": Row(n="inf")})


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a prize' if vars.n == 2 }}",
        "You won {{ 'a prize' if vars.n == 2 }}!",
        "{{ ('a' if vars.n == 2) ~ 'b' }}",
        "{{ ['a' if vars.n == 2] }}",
        "{{ ['a' if vars.n == 2] | join }}",
        "{{ ('a' if vars.n == 2) | upper }}",
        "{{ 'x' if ('a' if vars.n == 2) else 'y' }}",
        "{{ ('a' if vars.n == 2) == 'a' }}",
        "{{ 'a' if vars.n == 1 and ('b' if vars.n == 2) else 'c' }}",
        "{{ 'a prize' if false }}",
    ],
)
def test_an_if_without_else_is_not_silence(source: str) -> None:
    """Where the condition does not hold there is no text, and nobody is to hear "You won !"."""
    with pytest.raises(Flaw, match="an `if` without `else`") as caught:
        rendered(source)
    assert caught.value.code == "M203"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 'a prize' if vars.n == 1 }}", "a prize"),
        ("{{ 'a' if vars.n == 2 else '' }}", ""),
        ("{{ ('a' if vars.n == 2) | default('b') }}", "b"),
        ("{% if vars.n == 2 %}a{% endif %}!", "!"),
    ],
)
def test_an_if_whose_value_is_given(source: str, value: object) -> None:
    """A condition that holds, an `else`, a default, and the statement `if`, which says by itself that there may be nothing."""
    assert rendered(source) == value


@pytest.mark.parametrize("source", ["{{ 1e999 }}", "{{ -1e999 }}", "{{ [1e999] }}", "{{ 1 if 1e999 > 2 else 0 }}!"])
def test_a_number_that_is_too_large(source: str) -> None:
    """A number that reads as infinity is refused where it is written."""
    with pytest.raises(Flaw, match="a number in the template is too large") as caught:
        rendered(source)
    assert caught.value.code == "M205"


@pytest.mark.parametrize("source", ["{{ 1e308 + 1e308 }}!", "{{ row.n | float }}!", "{{ [row.n | float] | join }}"])
def test_no_infinity_is_spoken(source: str) -> None:
    """What computes to infinity, or a column that says `inf`, does not become text."""
    with pytest.raises(Flaw, match="infinite"):
        rendered(source)
