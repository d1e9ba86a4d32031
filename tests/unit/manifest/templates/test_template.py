"""Templates: types, scope, and a sandbox that holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.manifest.flaws import Flaw
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row, Vars
from runner.manifest.templates.template import compile_template
from tests.unit.manifest.manifests import ADDRESSES, HEAD, findings, written

if TYPE_CHECKING:
    from pathlib import Path

VALUES = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
PIECES = st.sampled_from(
    [
        "Hi ",
        "100% ",
        "%s",
        "{{ row.a }}",
        "{{ row['b c'] }}",
        "{{ matrix.m }}",
        "{{ job.key }}",
        "{{ vars.v }}",
        "\n",
        "}",
    ]
)


def scope(**row: Any) -> dict[str, Any]:
    """A scope with one row."""
    return {
        "vars": Vars(v="value", items=[1, 2], deep={"er": "x"}),
        "row": Row(row),
        "matrix": Matrix(m="en"),
        "job": JobFacts(id="a/1", name="a", key="1"),
    }


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ row.n }}", 3),
        ("{{ row.n > 2 }}", True),
        ("{{ row.list }}", [1, {"a": None}]),
        ("{{ vars.deep }}", {"er": "x"}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ row.list | map('string') }}", ["1", "{'a': None}"]),
        ("{{ vars.deep.items() }}", [["er", "x"]]),
        ("{{ none }}", None),
        ("{{ row.n }} ", "3 "),
        ("{{ row.n }}{{ row.n }}", "33"),
        ("{{ row.yes }}!", "true!"),
        ("{{ 0.1 + 0.2 }}s", "0.30000000000000004s"),
        ("{{ row.items }}", "a column"),
        ("{{ vars.items }}", [1, 2]),
        ("{{ row.missing | default('none') }}", "none"),
        ("{% if row.missing is defined %}x{% else %}y{% endif %}", "y"),
        ("{# a comment #}text", "text"),
        ("line\n", "line\n"),
        ("{{ '<b>' | tojson }} & <i>", '"<b>" & <i>'),
        ("{{ 'a-b' | replace('-', ' ') | title }}", "A B"),
        ("{{ ['a', true] | join(', ') }}.", "a, true."),
    ],
)
def test_value(source: str, value: object) -> None:
    """A single expression keeps its type; anything else is text."""
    row = {"n": 3, "list": [1, {"a": None}], "yes": True, "items": "a column"}
    rendered = compile_template(source).render(scope(**row))
    assert rendered == value
    assert type(rendered) is type(value)


@given(st.lists(PIECES, min_size=1, max_size=5), VALUES, VALUES)
def test_quick_path_is_jinja(pieces: list[str], a: object, b: object) -> None:
    """Templates that only put names into text give what Jinja2 gives for the same text written as a concatenation."""
    source = "".join(pieces)
    quick = _result(source, scope(a=a, **{"b c": b}))
    # An `if` is beyond the quick path and changes nothing else, apart from the type of a single expression.
    slow = _result(f"{{% if true %}}{source}{{% endif %}}", scope(a=a, **{"b c": b}))
    if re.fullmatch(r"\{\{[^{}]*\}\}", source):
        assert isinstance(slow, Flaw) or not isinstance(quick, str) or quick == slow
    else:
        assert str(quick) == str(slow)


def _result(source: str, values: dict[str, Any]) -> object:
    try:
        return compile_template(source).render(values)
    except Flaw as flaw:
        return flaw


@pytest.mark.parametrize(
    ("source", "words", "hint"),
    [
        ("{{ row.frist }}", "`row` has no `frist`", "did you mean `first`?"),
        ("Hi {{ row.frist }}", "`row` has no `frist`", "did you mean `first`?"),
        ("{{ vars.deep.err }}", "the mapping has no `err`", "did you mean `er`?"),
        ("{{ 'x'.foo }}", "a text has no `foo`", None),
        ("{{ matrix.language }}", "`matrix` has no `language`", None),
    ],
)
def test_unknown_name(source: str, words: str, hint: str | None) -> None:
    """A name that is not there fails with the name that was probably meant."""
    with pytest.raises(Flaw, match=re.escape(words)) as caught:
        compile_template(source).render(scope(first="Ann"))
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "source", ["{{ row.keys }}", "{{ range }}", "{{ row.keys.__self__ }}", "{{ vars.deep.update({}) }}"]
)
def test_nothing_but_values_comes_out(source: str) -> None:
    """Methods, functions and what changes the scope are refused."""
    with pytest.raises(Flaw):
        compile_template(source).render(scope())


def test_what_a_template_uses_is_known() -> None:
    """A compiled template says which names and jobs it uses."""
    template = compile_template("{{ row.a }} {{ jobs['x'].outputs.y }} {{ jobs.z.outputs.y }}")
    assert template.names == {"row", "jobs"}
    assert set(template.job_ids) == {"x", "z"}
    assert not template.job_names_unknown
    assert compile_template("{{ jobs[row.a].outputs.y }}").job_names_unknown


@pytest.mark.parametrize(
    "row", ['{"id": 1, "\\ue000v|audio_id|%s\\ue001": 1}', '{"id": 1, "x": {"y": "\\ue000v|audio_id|%s\\ue001"}}']
)
def test_a_row_cannot_forge_a_reference(tmp_path: Path, row: str) -> None:
    """Text of a row that looks like a reference is refused, wherever it stands, also where references are in use."""
    checksum = f"{crc32(b'v|audio_id'):08x}"
    manifest = (
        f"{HEAD}jobs:\n  v:\n    uses: digital-human/avatar\n    with: {ADDRESSES}\n"
        '  a:\n    uses: digital-human/avatar\n    foreach: {jsonl: rows.jsonl, key: "{{ row.id }}"}\n    with:\n'
        '      avatar_url: "{{ jobs.v.outputs.cover_url }}"\n'
        '      use_voice: {voice_engine_id: x, audio_id: x, language: en, text: "{{ row | tojson }}"}\n'
    )
    (finding,) = findings(written(tmp_path, manifest, rows_jsonl=row % checksum))
    assert (finding.code, finding.span.file.rpartition("/")[2]) == ("M206", "rows.jsonl")
