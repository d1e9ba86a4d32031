"""`callsheet init`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.manifest.example import ExampleExists, write_example
from runner.manifest.schema.check import SchemaCheck
from runner.manifest.text.source import Document, read
from tests.unit.manifest.manifests import findings, jobs

if TYPE_CHECKING:
    from pathlib import Path


def test_example_holds(tmp_path: Path) -> None:
    """The example that `init` writes holds as it is, and makes jobs."""
    example = write_example(tmp_path / "new")
    assert {path.name for path in example.written} == {
        "campaign.yaml",
        "customers.csv",
        ".gitignore",
        ".env.example",
        "callsheet.schema.json",
    }
    assert example.manifest == example.written[0]
    assert findings(example.manifest) == []
    assert len(jobs(example.manifest)) == 7


def test_example_fits_its_editor_line(tmp_path: Path) -> None:
    """The schema that the example's first line names lies beside it and accepts it."""
    manifest = write_example(tmp_path).manifest
    name = manifest.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    schema = json.loads((tmp_path / name).read_text(encoding="utf-8"))
    document = read(manifest)
    assert isinstance(document, Document)
    assert SchemaCheck(schema).complaints(document.value) == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [("spring-2026", "spring-2026"), ("Spring", "my-campaign"), ("my work", "my-campaign"), ("x" * 64, "my-campaign")],
)
def test_example_is_called_like_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    """Where the folder's name can be that of a campaign; the comment about the outputs follows."""
    text = write_example(tmp_path / folder).manifest.read_text(encoding="utf-8")
    assert f"\nname: {name}\n" in text
    assert f"outputs/{name}/" in text


@pytest.mark.parametrize("name", ["campaign.yaml", "customers.csv", ".env.example", "callsheet.schema.json"])
def test_example_overwrites_nothing(tmp_path: Path, name: str) -> None:
    """When one of its files is there, nothing is written and nothing changed."""
    (tmp_path / name).write_text("mine")
    (tmp_path / ".gitignore").write_text("mine\n")
    with pytest.raises(ExampleExists, match=name):
        write_example(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine", ".gitignore": "mine\n"}


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        (b"*.log", (".env", ".callsheet/", "outputs/"), b"*.log\n.env\n.callsheet/\noutputs/\n"),
        (b"", (".env", ".callsheet/", "outputs/"), b".env\n.callsheet/\noutputs/\n"),
        (b"/outputs\r\n.env\r\n", (".callsheet/",), b"/outputs\r\n.env\r\n.callsheet/\n"),
        (b"# caf\xe9\n.env\n.callsheet\noutputs/\n", (), b"# caf\xe9\n.env\n.callsheet\noutputs/\n"),
    ],
    ids=["no-newline-at-the-end", "empty", "some", "all"],
)
def test_an_ignore_list_that_is_there_is_kept(
    tmp_path: Path, before: bytes, added: tuple[str, ...], after: bytes
) -> None:
    """Its lines stay as they are, to the byte; those that are missing are added at the end, and named."""
    ignore = tmp_path / ".gitignore"
    ignore.write_bytes(before)
    example = write_example(tmp_path)
    assert (example.ignored, ignore.read_bytes()) == (added, after)
    assert ignore not in example.written


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """A `.gitignore` that is a folder cannot be read: what had been written is gone again."""
    (tmp_path / ".gitignore").mkdir()
    with pytest.raises(IsADirectoryError):
        write_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_git_would_ignore_the_secret(tmp_path: Path) -> None:
    """The example's `.gitignore` names `.env`, and the example of `.env` holds no value."""
    write_example(tmp_path)
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()
    assert (tmp_path / ".env.example").read_text().rstrip().endswith("DIGITAL_HUMAN_TOKEN=")
