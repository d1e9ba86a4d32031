"""`callsheet schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.schema_files import load_schema, schema_names

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell


@pytest.mark.parametrize("name", schema_names())
def test_each_schema_is_printed_as_it_is(shell: Shell, name: str) -> None:
    """`callsheet schema NAME` prints the strict view: the file itself."""
    assert shell.json("schema", name) == load_schema(name)


def test_without_a_name_it_is_the_editors_view(shell: Shell) -> None:
    """What is printed without a name knows the inputs of every operation and needs no other file."""
    printed = shell.json("schema")
    assert printed["$id"].endswith("/manifest.editor.v1.schema.json")
    assert "avatar_url" in json.dumps(printed["$defs"])


def test_the_list_names_and_describes_all(shell: Shell) -> None:
    """`--list` prints a line for each name: what can be asked for, and what it is."""
    lines = shell("schema", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == schema_names()
    assert "A talking avatar" in next(line for line in lines if line.startswith("digital-human/avatar "))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("kling/avatr",), "did you mean `kling/avatar`?"),
        (("digital-human.avatar",), "did you mean `digital-human/avatar`?"),
        (("manifests",), "did you mean `manifest`?"),
        (("zebra",), "there are: digital-human/avatar"),
        (("--list", "plan"), "--list takes no NAME"),
    ],
)
def test_a_name_that_is_none(shell: Shell, words: tuple[str, ...], hint: str) -> None:
    """A name that does not exist ends with 2 and with what was probably meant."""
    assert hint in shell("schema", *words, code=2).stderr
