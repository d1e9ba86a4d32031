"""Outputs of other jobs in templates: put in whole or joined to text, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.references import OutputRef, marker
from runner.manifest.flaws import Flaw
from runner.manifest.templates.jobs_scope import Jobs, JobShape
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row, Vars
from runner.manifest.templates.template import compile_template

OUT = "jobs['v'].outputs.duration_s"
MARKED = marker(OutputRef("v", "duration_s"))


def rendered(source: str) -> Any:
    """What a template gives, in which `OUT` stands for an output."""
    scope = {
        "vars": Vars(n=1, list=[1, 2]),
        "row": Row(a="x"),
        "matrix": Matrix(),
        "job": JobFacts(id="a", name="a", key=""),
        "jobs": Jobs({"v": JobShape(is_many=False, outputs=("audio_id", "duration_s"))}),
    }
    return compile_template(source.replace("OUT", OUT)).render(scope)


@pytest.mark.parametrize(
    "source",
    [
        # Filters, whether they read it first or as an argument.
        "{{ OUT | int }}",
        "{{ OUT | float }}",
        "{{ OUT | length }}",
        "{{ OUT | lower }}",
        "{{ OUT | trim }}",
        "{{ OUT | first }}",
        "{{ OUT | list }}",
        "{{ OUT | join }}",
        "{{ OUT | string }}",
        "{{ OUT | tojson }}",
        "{{ OUT | round(1) }}",
        "{{ 1.5 | round(OUT) }}",
        "{{ OUT | default('x') }}",
        "{{ OUT | replace('a', 'b') }}",
        "{{ 'a' | replace('a', OUT) }}",
        "{{ 'a' | replace(old='a', new=OUT) }}",
        "{{ [OUT] | map('upper') | list }}",
        "{{ [OUT] | map(attribute='marked') | list }}",
        "{{ [OUT] | select | list }}",
        "{{ [OUT] | select('string') | list }}",
        "{{ [OUT] | sum }}",
        "{{ [OUT] | string }}",
        "{{ [OUT, 1] | max }}",
        "{{ [OUT, 1] | sort }}",
        "{{ [OUT, OUT] | unique | list }}",
        "{{ {'a': OUT} | tojson }}",
        "{{ {'a': OUT} | urlencode }}",
        # What text makes of it is no more known than it.
        "{{ ('a' ~ OUT) | upper }}",
        "{{ ('a' ~ OUT).upper() }}",
        "{{ ([OUT, 'b'] | join) | length }}",
        "{{ (['a', 'b'] | join(OUT))[0] }}",
        # Methods and attributes.
        "{{ OUT.split('-')[0] }}",
        "{{ OUT.removeprefix('x') }}",
        "{{ OUT.marked }}",
        "{{ OUT['marked'] }}",
        "{{ OUT() }}",
        "{{ 'abc'.startswith(OUT) }}",
        "{{ row.get('x', OUT) }}",
        "{{ range(OUT) }}",
        "{% for i in [1] %}{{ loop.changed(OUT) }}{% endfor %}",
        # Comparisons and tests.
        "{{ OUT == 'v1' }}",
        "{{ 'v1' != OUT }}",
        "{{ OUT == OUT }}",
        "{{ OUT > 5 }}",
        "{{ 1 < 2 < OUT }}",
        "{{ OUT in 'abc' }}",
        "{{ OUT in [1] }}",
        "{{ OUT not in [] }}",
        "{{ 'a' in OUT }}",
        "{{ 'a' in [OUT] }}",
        "{{ 'long' if OUT | string > '5' else 'short' }}",
        "{{ OUT is string }}",
        "{{ OUT is defined }}",
        "{{ OUT is none }}",
        "{{ 1 is eq(OUT) }}",
        # Truth.
        "{% if OUT %}a{% endif %}",
        "{% if not OUT %}a{% endif %}",
        "{{ 'a' if OUT else 'b' }}",
        "{{ OUT and 'x' }}",
        "{{ OUT or 'x' }}",
        "{{ OUT | default('x', true) }}",
        # Indices and iteration.
        "{{ OUT[0] }}",
        "{{ OUT[1:] }}",
        "{{ 'abc'[OUT] }}",
        "{{ 'abc'[OUT:] }}",
        "{{ vars[OUT] }}",
        "{{ {OUT: 1} }}",
        "{{ jobs[OUT].outputs.audio_id }}",
        "{{ jobs['v'].outputs[OUT] }}",
        "{% for c in OUT %}{{ c }}{% endfor %}",
        "{% for a, b in [OUT] %}{{ a }}{% endfor %}",
        "{% for a in [OUT] if a %}{{ a }}{% endfor %}",
        # Arithmetic.
        "{{ OUT + 1 }}",
        "{{ 1 + OUT }}",
        "{{ 'a' + OUT }}",
        "{{ [1] + OUT }}",
        "{{ OUT - 1 }}",
        "{{ OUT * 2 }}",
        "{{ OUT // 2 }}",
        "{{ 7 / OUT }}",
        "{{ 2 ** OUT }}",
        "{{ OUT % 2 }}",
        "{{ 'x%s' % OUT }}",
        "{{ -OUT }}",
        "{{ +OUT }}",
    ],
)
def test_an_output_cannot_be_read(source: str) -> None:
    """Whatever needs the value of an output, which nobody knows yet, is refused with what can be done instead."""
    with pytest.raises(Flaw) as caught:
        rendered(source)
    assert (caught.value.code, caught.value.hint) == ("M404", "put it in whole, or text around it")
    assert "an output is known only when its job has run" in caught.value.message


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ OUT }}", MARKED),
        ("<{{ OUT }}>", f"<{MARKED}>"),
        ("{{ OUT }}{{ OUT }}", f"{MARKED}{MARKED}"),
        ("{{ 'a' ~ OUT ~ 1 }}", f"a{MARKED}1"),
        ("{{ ('a' ~ OUT) ~ true }}", f"a{MARKED}true"),
        ("{{ ['a', OUT] | join('-') }}", f"a-{MARKED}"),
        ("{{ ['a', 'b'] | join(OUT) }}", f"a{MARKED}b"),
        ("{{ [OUT, 1] }}", [MARKED, 1]),
        ("{{ {'a': [OUT]} }}", {"a": [MARKED]}),
        ("{{ [OUT, 'b'] | first }}", MARKED),
        ("{{ [OUT, 'b'] | length }}", 2),
        ("{{ OUT if row.a == 'x' else 'y' }}", MARKED),
        ("{{ 'y' if row.a == 'x' else OUT }}", "y"),
        ("{{ row.b | default(OUT) }}", MARKED),
        ("{{ row.a and OUT }}", MARKED),
        ("{{ row.a or OUT }}", "x"),
        ("{% for x in [OUT, 'q'] %}{{ x }},{% endfor %}", f"{MARKED},q,"),
        ("{% if row.a == 'x' %}{{ OUT }}{% else %}y{% endif %}", MARKED),
    ],
)
def test_an_output_can_be_put_in(source: str, value: object) -> None:
    """An output stands whole, in text or in a list, and what decides whether it does is known."""
    assert rendered(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "{{ jobs.v ~ '' }}",
        "{{ jobs.v.outputs | string }}",
        "{{ jobs.v.outputs == 1 }}",
        "{{ 'a' if jobs.v.outputs else 'b' }}",
        "{{ jobs.v.outputs }}",
        "{{ jobs }}!",
    ],
)
def test_the_way_to_an_output_is_no_value(source: str) -> None:
    """A job and its outputs as a whole are nothing to decide by and nothing to put in."""
    with pytest.raises(Flaw) as caught:
        rendered(source)
    assert caught.value.code in ("M203", "M206", "M404")
