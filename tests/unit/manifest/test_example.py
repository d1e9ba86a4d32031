"""`callsheet init`."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.manifest.example import ExampleExists, write_example
from runner.manifest.schema.check import SchemaCheck
from runner.manifest.text.source import Document, read
from tests.unit.manifest.manifests import findings, jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@pytest.mark.parametrize(
    "folder", ["2026", "007", "1e5", "1e999", "0x1f", "0o17", "9007199254740993", "null", "true", "false"]
)
def test_a_name_that_yaml_reads_as_something_else_is_quoted(tmp_path: Path, folder: str) -> None:
    """A number, null or a boolean is text between quotes: the manifest holds and is called like its folder."""
    manifest = write_example(tmp_path / folder).manifest
    assert f'\nname: "{folder}"\n' in manifest.read_text(encoding="utf-8")
    assert findings(manifest) == []


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


def test_an_ignore_list_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Lines cannot be added to a file of the kernel, and not even root may: every file that had been written is gone, and `init` may come again."""
    ignore = tmp_path / ".gitignore"
    ignore.symlink_to("/proc/version")
    with pytest.raises(OSError, match="gitignore"):
        write_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]
    ignore.unlink()
    assert len(write_example(tmp_path).written) == 5


def test_an_ignore_list_that_was_written_in_part_is_as_it_was(tmp_path: Path, smallest_files: int) -> None:
    """The disk takes the first of the bytes that are added, and no more: the list has its old ones."""
    ignore = tmp_path / ".gitignore"
    before = b"#" * (smallest_files - 5) + b"\n"
    ignore.write_bytes(before)
    with pytest.raises(OSError, match="File too large"):
        write_example(tmp_path)
    assert ignore.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_folders_that_were_made_for_nothing_are_gone_again(tmp_path: Path, longest_files: int) -> None:
    """No file of the example fits: neither a file nor a folder is left, and a folder that was there stays."""
    assert longest_files == 0
    with pytest.raises(OSError, match="File too large"):
        write_example(tmp_path / "new" / "campaign")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def smallest_files() -> Iterator[int]:
    """No file of this process may grow beyond so many bytes, which is more than any file of the example has."""
    yield from _files_up_to(2**20)


@pytest.fixture
def longest_files() -> Iterator[int]:
    """No file of this process may have any content."""
    yield from _files_up_to(0)


def _files_up_to(size_bytes: int) -> Iterator[int]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    yield size_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")], ids=["folder", "pipe", "broken-link"]
)
def test_an_ignore_list_that_is_no_file_is_in_the_way(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """It can neither be read nor replaced: nothing is written, and nothing waits for a pipe that nobody writes to."""
    make(tmp_path / ".gitignore")
    with pytest.raises(ExampleExists, match="gitignore"):
        write_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_git_would_ignore_the_secret(tmp_path: Path) -> None:
    """The example's `.gitignore` names `.env`, and the example of `.env` holds no value."""
    write_example(tmp_path)
    assert ".env" in (tmp_path / ".gitignore").read_text().splitlines()
    assert (tmp_path / ".env.example").read_text().rstrip().endswith("DIGITAL_HUMAN_TOKEN=")
