"""What a stranger's template may try: each trick ends as a typed finding, in bounded time and memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.manifest.flaws import Flaw
from runner.manifest.templates.template import compile_template
from tests.unit.manifest.manifests import HEAD
from tests.unit.manifest.templates.test_template import scope

if TYPE_CHECKING:
    from pathlib import Path

MOST_SECONDS = 2.0
MOST_BYTES = 300 * 2**20

TRICKS = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ vars['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ vars.__init__.__globals__ }}",
    "{{ row.__class__.__mro__[1].__subclasses__() }}",
    "{{ (1).__class__ }}",
    "{{ 1.0.real }}",
    "{{ true.__and__ }}",
    "{{ [].append(1) }}",
    "{{ [].__class__ }}",
    "{{ [1].pop() }}",
    "{{ {}.update(a=1) }}",
    "{{ vars.setdefault('x', 1) }}",
    "{{ vars.clear() }}",
    "{{ row.pop('a') }}",
    "{{ row.fromkeys(range(9)) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '%s' % 1 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ ''.format_map(vars) }}",
    "{{ 'a'|format(1) }}",
    "{{ cycler('a','b').next() }}",
    "{{ namespace(a=1).a }}",
    "{{ lipsum(n=100000) }}",
    "{{ joiner() }}",
    "{{ dict(a=1) }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ request }}",
    "{{ config }}",
    "{{ get_flashed_messages() }}",
    "{{ loop }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ debug() }}",
    "{{ super() }}",
    "{{ range(10**9) }}",
    "{{ range(0, 10**9, 1) | list }}",
    "{{ range(10**9)|length }}",
    "{{ range(10000)|map('string')|join('x'*1000) }}",
    "{{ 'a' * 10**9 }}",
    "{{ [1] * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ (1,) * 10**9 }}",
    "{{ 10**10**9 }}",
    "{{ 10**64 ** 64 }}",
    "{{ 2 ** 64 ** 64 ** 64 }}",
    "{{ 7 // 0 }}",
    "{{ 1 % 0 }}",
    "{{ 'a'|center(10**9) }}",
    "{{ 'a b'|wordwrap(1) }}",
    "{{ 'a'|indent(10**9) }}",
    "{{ 'a'|ljust(10**9) }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a\t'.expandtabs(10**9) }}",
    "{{ 'a'.join(range(10)) }}",
    "{{ 'a'.replace('', 'b' ) }}",
    "{{ 'a'.encode() }}",
    "{{ 'a'.translate({}) }}",
    "{{ 'a'|urlize }}",
    "{{ 'a'|xmlattr }}",
    "{{ [1,2]|batch(1) }}",
    "{{ [1]|slice(10**9) }}",
    "{{ [1]|random }}",
    "{{ {}|pprint }}",
    "{{ 'a'|tojson(indent=10**9) }}",
    "{{ 1|round(-(10**9)) }}",
    "{{ ('9' * 5)|int }}",
    "{{ '9'|filesizeformat }}",
    "{{ [1]|map(attribute='__class__')|list }}",
    "{{ [1]|map('attr','__class__')|list }}",
    "{{ [vars]|map(attribute='__init__.__globals__')|list }}",
    "{{ [vars]|selectattr('__class__')|list }}",
    "{{ [vars]|groupby('__class__') }}",
    "{{ [vars]|unique(attribute='__class__')|list }}",
    "{{ [vars]|sum(attribute='__class__') }}",
    "{{ [[vars]]|map('first')|map(attribute='update')|list }}",
    "{% for a in range(99) %}{% for b in range(99) %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% call x() %}{% endcall %}",
    "{% set x = 1 %}{{ x }}",
    "{% filter upper %}a{% endfilter %}",
    "{% with %}{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do 1 %}",
    "{% raw %}{{ x }}{% endraw %}{{",
    "{% for x in range(10000) %}{{ range(10000) }}{% endfor %}",
    "{% for x in range(10000) %}{{ 'x'|replace('x', 'y' ~ range(100)|join) }}{% endfor %}",
    "{% for x in vars %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in range(3) %}{{ loop.cycle.__globals__ }}{% endfor %}",
    "{% for x in range(3) %}{{ loop._iterable }}{% endfor %}",
    "{% for x in row.a.__iter__() %}{% endfor %}",
    "{% if ''.__class__ %}x{% endif %}",
    "{% for x in range(9) if x.__class__ %}{{ x }}{% endfor %}",
    "{{ (range(10000)|join).split('') }}",
    "{{ (range(10000)|join).count('') * 10**64 ** 2 }}",
    "{{ (range(9999)|join)|dictsort }}",
    "{{ [1]|map('map') }}",
    "{{ undefined_name|default(''.__class__) }}",
    "{{ vars|string|attr('x') }}",
    "{{ ().__class__.__base__ }}",
    "{{ row.a.mro() }}",
    "{{ range.__self__ }}",
    "{{ vars.items.__self__ }}",
    "{{ vars.get.__func__ }}",
    "{{ (vars.get).__class__ }}",
    "{{ jobs.__class__ }}",
    "{{ jobs['__class__'] }}",
    "{{ jobs._shapes }}",
    "{{ jobs.look }}",
    "{{ job.__dict__ }}",
    "{{ matrix.__reduce__() }}",
    "{{ ''.__doc__ }}",
    "{{ 1 is divisibleby 0 }}",
    "{{ 'x' in 5 }}",
    "{{ [3, 'a']|sort }}",
    "{{ vars.deep.er.er.er }}",
    "{{ row.a[10**18] }}",
    "{{ row.a[:10**18:0] }}",
    "{{ 'abc'|truncate(1, true, 'y'|replace('y', range(9999)|join), -(10**9)) }}",
    "{{ 'ab'.title.__call__() }}",
    "{{ '😀'|wordcount.__class__ }}",
]
"""Attributes, format strings, functions of other Jinja2 programmes, huge numbers and texts, filters that grow, loops, statements."""

NESTED = [
    "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{{ " + "not " * 5000 + "1 }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{{ " + "1+" * 5000 + "1 }}",
    "{{ 1" + "|abs" * 3000 + " }}",
    "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "{{ 9" + "9" * 5000 + " }}",
    "{{ '" + "a" * 99_990,
    "{{ " + "1 ~ " * 30_000 + "1 }}",
]
"""Deep or long text that makes parsers recurse."""


@pytest.mark.parametrize("source", [*TRICKS, *NESTED], ids=lambda text: text[:60])
def test_trick_ends_as_a_finding(source: str) -> None:
    """A trick is refused with a code and a message on one line, within the time."""
    begun = time.process_time()
    with pytest.raises(Flaw) as caught:
        compile_template(source).render(scope(a="x"))
    assert time.process_time() - begun < MOST_SECONDS
    assert caught.value.code.startswith(("M2", "M4"))
    assert caught.value.message.isprintable()


def test_tricks_on_the_command_line(tmp_path: Path) -> None:
    """All tricks in one manifest: `validate` says something at the place of each, in the memory of a small machine."""
    tricks = [*TRICKS, *NESTED]
    jobs = (
        f"  j{number}:\n    uses: digital-human/avatar\n    with: {{avatar_url: https://cdn.example.com/a.png, audio_url: {json.dumps(it, ensure_ascii=False)}}}\n"
        for number, it in enumerate(tricks)
    )
    manifest = tmp_path / "tricks.yaml"
    manifest.write_text(f"{HEAD}jobs:\n{''.join(jobs)}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "runner", "validate", "tricks.yaml", "--format", "json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109  a variable of the environment
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=_bounded,
    )
    assert done.returncode == 4, done.stderr.decode()
    found = {finding["line"] for finding in json.loads(done.stdout)["findings"]}
    assert found == {6 + 3 * number for number in range(len(tricks))}


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
