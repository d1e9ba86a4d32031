"""The quick path of templates gives what Jinja2 gives, and takes no template that Jinja2 reads in another way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.manifest.flaws import Flaw
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row, Vars
from runner.manifest.templates.template import Scope, Template, compile_template, is_template

SCOPE: Scope = {
    "vars": Vars({"x": "a", "items": "own", "number": 3, "list": [1, "b"], "ü": "ü"}),
    "row": Row({"x": "{{ 1 }}", "first name": "%s", "100%": "%d", "": "empty", "if": "keyword"}),
    "matrix": Matrix(language="en", n=1.5),
    "job": JobFacts(id="j/1", name="j", key="1"),
}
NO_OUTPUT = "{# a comment that changes nothing, but takes the template through Jinja2 #}"

PIECES = st.sampled_from([
    "{{ vars.x }}", "{{vars.x}}", "{{ vars.items }}", "{{ vars.number }}", "{{ vars.list }}", "{{ vars.missing }}", "{{ row.x }}",
    "{{ row['first name'] }}", "{{ row['100%'] }}", "{{ row[''] }}", "{{ row.if }}", "{{ matrix.n }}", "{{ job.id }}", "{{  job.key  }}",
    "Hi ", "100 %", "%s", "\n", "\r\n", "日本", "}", "{", "#", "'", "\\", " ", "{%", "}}", "{{ row.x|upper }}", "{{- row.x }}", "{{ nobody.x }}",
])  # fmt: skip


def outcome(source: str) -> Any:
    """The value of a template with its type, or the flaw's code and hint; its message may count characters."""
    try:
        value = compile_template(source).render(SCOPE)
    except Flaw as flaw:
        return flaw.code, flaw.hint
    return type(value), value


@settings(max_examples=1_500, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join).filter(is_template))
def test_same_as_jinja(source: str) -> None:
    """Whatever is put into text, Jinja2 makes the same of it; a comment before it is what takes the template to Jinja2."""
    text = f"<{source}>"
    assert outcome(text) == outcome(f"{NO_OUTPUT}{text}")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ vars.number }}", 3),
        ("{{ vars.list }}", [1, "b"]),
        ("{{ row['100%'] }} of 100 %", "%d of 100 %"),
        ("{{ row.x }}", "{{ 1 }}"),
        ("{{ vars.items }}", "own"),
        ("a\r\n{{ row.x }}", "a\n{{ 1 }}"),
    ],
)
def test_value(source: str, value: object) -> None:
    """A single name keeps its type, and what is put in is never read as a template."""
    assert compile_template(source).render(SCOPE) == value


def test_equal_templates_are_compiled_once() -> None:
    """Ten thousand jobs that say the same share one template."""
    first: Template = compile_template("{{ row.x | upper }} once")
    assert compile_template("{{ row.x | upper }} once") is first
