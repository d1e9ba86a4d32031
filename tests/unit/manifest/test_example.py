"""`callsheet init` and the editor's view."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runner.manifest.editor import editor_schema
from runner.manifest.example import ExampleExists, write_example
from runner.manifest.schema_check import SchemaCheck
from runner.manifest.source import Document, read
from tests.unit.manifest.manifests import findings, jobs

ROOT = Path(__file__).parents[3]
VALID = sorted((ROOT / "tests" / "examples" / "valid").glob("*/manifest.yaml"))


def test_example_holds(tmp_path: Path) -> None:
    """The example that `init` writes holds as it is, and makes jobs."""
    paths = write_example(tmp_path / "new")
    assert {path.name for path in paths} == {
        "campaign.yaml",
        "customers.csv",
        ".gitignore",
        ".env.example",
        "callsheet.schema.json",
    }
    assert findings(paths[0]) == []
    assert len(jobs(paths[0])) == 7


def test_example_fits_its_editor_line(tmp_path: Path) -> None:
    """The schema that the example's first line names lies beside it and accepts it."""
    manifest, *_ = write_example(tmp_path)
    name = manifest.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    schema = json.loads((tmp_path / name).read_text(encoding="utf-8"))
    document = read(manifest)
    assert isinstance(document, Document)
    assert SchemaCheck(schema).complaints(document.value) == []


@pytest.mark.parametrize("name", ["campaign.yaml", ".gitignore"])
def test_example_overwrites_nothing(tmp_path: Path, name: str) -> None:
    """When one of its files is there, nothing is written and nothing changed."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(ExampleExists, match=name):
        write_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_git_would_ignore_the_secret(tmp_path: Path) -> None:
    """The example's `.gitignore` names `.env`, and the example of `.env` holds no value."""
    write_example(tmp_path)
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()
    assert (tmp_path / ".env.example").read_text().rstrip().endswith("DIGITAL_HUMAN_TOKEN=")


def test_editor_schema_is_a_schema() -> None:
    """The editor's view is valid JSON Schema and complete in itself."""
    schema = editor_schema()
    Draft202012Validator.check_schema(schema)
    refs = {part for part in json.dumps(schema).split('"') if part.startswith("#/$defs/")}
    assert {ref.removeprefix("#/$defs/") for ref in refs} <= schema["$defs"].keys()


@pytest.mark.parametrize(
    "manifest", [*VALID, ROOT / "manifests" / "quickstart.yaml"], ids=lambda path: path.parent.name
)
def test_editor_accepts_what_holds(manifest: Path) -> None:
    """Templates may stand wherever a value may: every manifest that holds is accepted."""
    document = read(manifest)
    assert isinstance(document, Document)
    assert SchemaCheck(editor_schema()).complaints(document.value) == []


@pytest.mark.parametrize("case", ["misspelt-required-key", "exactly-one-of", "wrong-values"])
def test_editor_sees_wrong_inputs(case: str) -> None:
    """A misspelt input, two ways of speaking, a wrong value: red in the editor already."""
    document = read(ROOT / "tests" / "examples" / "invalid" / case / "manifest.yaml")
    assert isinstance(document, Document)
    assert SchemaCheck(editor_schema()).complaints(document.value)
