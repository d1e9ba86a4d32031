"""What a stranger's template may try where rows and vars are large: each trick ends as a finding before it fills the memory or takes long.

All run in one process of their own, so that its peak of memory is theirs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import pytest

from runner.manifest.flaws import Flaw
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row, Vars
from runner.manifest.templates.template import compile_template

MOST_SECONDS = 2.0
MOST_KILOBYTES = 300 * 2**10
IN_LOOP = "{%% for i in range(10000) %%}{{ '' if %s else '' }}{%% endfor %%}"

TOO_LARGE = [
    "{{ (" + " ~ ".join(["row.s"] * 2_000) + ")|length }}",
    "{{ (" + " + ".join(["row.s"] * 2_000) + ")|length }}",
    "{{ (" + " + ".join(["vars.numbers"] * 2_000) + ")|length }}",
    "{{ row.s }}" * 1_000,
    "{{row.s}}" * 1_000 + "{{ vars.one }}",
    "{{ [" + ", ".join(["row.s"] * 2_500) + "] }}",
    "{{ [" + ", ".join(["row.s"] * 2_500) + "]|string|length }}",
    "{{ [" + ", ".join(["row.s"] * 2_500) + "]|tojson|length }}",
    "{{ [" + ", ".join(["row.s"] * 2_500) + "]|map('default')|list }}",
    "{{ [" + ", ".join(["row.s"] * 2_500) + "] is lower }}",
    "{{ [" + ", ".join(["vars.numbers"] * 1_000) + "] }}",
    "{{ [" + ", ".join(["vars.numbers"] * 1_000) + "] == [" + ", ".join(["vars.same"] * 1_000) + "] }}",
    "{{ vars.numbers in ([" + ", ".join(["vars.same"] * 1_000) + "]|map('default')) }}",
    "{{ [" + ", ".join(["vars.same"] * 1_000) + "]|select('eq', vars.numbers)|list }}",
    "{{ [" + ", ".join(["vars.same"] * 1_000) + "]|sort }}",
    "{{ [" + ", ".join(["vars.same"] * 1_000) + "]|min }}",
    "{{ vars.lists|sum(start=[])|length }}",
    "{{ vars.lists|sort|length }}",
    "{{ vars.colliding|unique|list|length }}",
    "{{ vars.numbers|select('in', vars.same)|list|length }}",
    "{{ vars.numbers|reject('in', vars.same)|list|length }}",
    "{{ vars.numbers|map(attribute='" + "0." * 40_000 + "0', default=1)|list|length }}",
    "{{ vars.numbers" + "|map('abs')" * 300 + "|list|length }}",
    "{{ vars.numbers|list" + "|map(attribute='real')" * 3_000 + "|list|length }}",
    "{{ row.s.strip(row.t) }}",
    "{{ row.s|trim(row.t) }}",
    "{{ vars.numbers|join|length ~ vars.numbers|join }}",
    "{{ row.s|replace('a', row.s) }}",
    "{{ row.s|upper|lower|upper|title }}",
    "{{ " + "*".join(["vars.digits"] * 5_000) + " % 7 }}",
    "{{ (vars.digits % 7 + 2) ** 64 * vars.digits * vars.digits * vars.digits }}",
    "{{ (row.f|int(base=16)) % vars.digits }}",
    IN_LOOP % "vars.numbers.count(7) == 99",
    IN_LOOP % "vars.numbers.index(99999) == 7",
    IN_LOOP % "row.s.count('b') == 99",
    IN_LOOP % "row.s.upper() == 'x'",
    IN_LOOP % "row.s.startswith(row.s)",
    IN_LOOP % "row.s.split('b')|length == 7",
    IN_LOOP % "99999 in vars.numbers",
    IN_LOOP % "99999 not in vars.numbers",
    IN_LOOP % "'b' in row.s",
    IN_LOOP % "row.s in row.t",
    IN_LOOP % "99999 in vars.mapping.values()",
    IN_LOOP % "vars.numbers == vars.same",
    IN_LOOP % "1 < 2 and vars.numbers < vars.same",
    IN_LOOP % "0 != 1 != vars.numbers != vars.same",
    IN_LOOP % "row.s == row.u",
    IN_LOOP % "row.s <= row.u",
    IN_LOOP % "vars.numbers is eq(vars.same)",
    IN_LOOP % "99999 is in(vars.numbers)",
    IN_LOOP % "row.s is lower",
    IN_LOOP % "vars.numbers is upper",
    IN_LOOP % "row.s[1:] is none",
    IN_LOOP % "vars.numbers[1:] is none",
    IN_LOOP % "vars.numbers[::-1][0] == 7",
    IN_LOOP % "vars.numbers|list|length == 7",
    IN_LOOP % "vars.numbers|sum == 7",
    IN_LOOP % "vars.numbers|max == 7",
    IN_LOOP % "row.s|wordcount == 7",
    IN_LOOP % "vars.mapping|dictsort|length == 7",
    IN_LOOP % "vars.mapping|tojson|length == 7",
    IN_LOOP % "loop.changed(vars.same, vars.numbers)",
    IN_LOOP % "loop.cycle(*vars.numbers) == 7",
    IN_LOOP % ("[i" + ", 1" * 20_000 + "]|length == 7"),
    IN_LOOP % ("{i: 1" + "".join(f", {(2**61 - 1) * number}: 1" for number in range(1, 3_000)) + "}|length == 7"),
]
"""Text and lists that grow, comparisons, methods, filters, tests, slices and literals, each over what is large or again and again."""

REFUSED = [
    "{{ '%999999999d' is odd }}",
    "{{ '%999999999d' is divisibleby 7 }}",
    "{{ '%999999999d' is even }}",
    "{{ ['%999999999d']|select('odd')|list }}",
    "{{ vars.numbers|round(5, 'ceil') }}",
    "{{ row.s|round(9, 'floor') }}",
]
"""Operators that make much of little where Python divides or multiplies what is no number."""

ALLOWED = {
    "{{ row.s|length }}": 1_000_000,
    "{{ row.s|default('x')|length }}": 1_000_000,
    "{{ row.s == '' or row.s == 'x' or not row.s or row.t == '' }}": False,
    "{{ 'k7' in vars.mapping and vars.mapping.k7 == 7 and 'x' not in vars.mapping }}": True,
    "{{ vars.numbers|length + vars.numbers|first + vars.numbers|last }}": 199_999,
    "{{ vars.numbers[:3] + [0] }}": [0, 1, 2, 0],
    "{{ vars.numbers|sum }}": 4_999_950_000,
    "{{ vars.numbers[:1000]|map('string')|join(',')|length }}": 3_889,
    "{{ (vars.lists[:3]|sum(start=[]))|unique|list }}": [0, 1, 2],
    "{{ 1 < 2 <= 2 != 3 and not 3 > 2 > 2 }}": True,
    "{% for n in vars.numbers[:5000] %}{{ loop.index0 if n % 1000 == 0 else '' }}{% endfor %}": "01000200030004000",
    "{{ 'abc'[1:] ~ 'abc'[::-1] ~ [1, 2, 3][-1:]|join }}": "bccba3",
    "{{ vars.digits - vars.digits + 1 }}": 1,
}
"""What costs little however large the data are, or reads them once."""


def large_scope() -> dict[str, Any]:
    """Rows and vars of some ten megabytes."""
    numbers = list(range(100_000))
    large = 1_000_000
    return {
        "vars": Vars(
            one=1,
            numbers=numbers,
            same=list(numbers),
            lists=[[number] for number in range(180_000)],
            colliding=[(2**61 - 1) * number for number in range(180_000)],
            mapping={f"k{number}": number for number in numbers},
            digits=10**4299,
        ),
        "row": Row(s="a" * large, t="b" * (large - 1) + "a", u="a" * (large - 1) + "b", f="f" * (large - 9)),
        "matrix": Matrix(),
        "job": JobFacts(id="a/1", name="a", key="1"),
    }


def try_all() -> None:
    """Print what became of each trick, and by how much the tricks raised the peak of memory, in kilobytes."""
    scope = large_scope()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = [_outcome(source, scope) for source in [*TOO_LARGE, *REFUSED]]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    json.dump({"outcomes": outcomes, "grown": grown}, sys.stdout)


def _outcome(source: str, scope: dict[str, Any]) -> tuple[str, float]:
    begun = time.process_time()
    try:
        compile_template(source).render(scope)
    except Flaw as flaw:
        return flaw.code, time.process_time() - begun
    return "nothing", time.process_time() - begun


def test_large_tricks_end_in_time() -> None:
    """Each trick is refused for what it is, quickly, and all of them take less memory than is allowed for one."""
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import try_all; try_all()"],
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109  a variable of the environment
        capture_output=True,
        timeout=120,
        check=True,
    )
    found = json.loads(done.stdout)
    codes = ["M205"] * len(TOO_LARGE) + ["M203"] * len(REFUSED)
    sources = [*TOO_LARGE, *REFUSED]
    wrong = [
        (source[:80], *outcome)
        for source, outcome, code in zip(sources, found["outcomes"], codes, strict=True)
        if outcome[0] != code or outcome[1] > MOST_SECONDS
    ]
    assert wrong == []
    assert found["grown"] < MOST_KILOBYTES


@pytest.fixture(scope="module")
def scope() -> dict[str, Any]:
    """One large scope for all that reads it."""
    return large_scope()


@pytest.mark.parametrize(("source", "value"), ALLOWED.items(), ids=lambda it: str(it)[:60])
def test_large_data_may_be_used(scope: dict[str, Any], source: str, value: object) -> None:
    """What a template really reads is what it pays for."""
    assert compile_template(source).render(scope) == value
