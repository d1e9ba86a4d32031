"""What the pages show is so: manifests are valid, commands run and print what stands there, links lead somewhere."""

from __future__ import annotations

import ast
import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests import contents
from tests.commandline import REPOSITORY
from tests.unit.docs.page import DOCS, Step, anchors, blocks, links, pages, steps
from tests.unit.docs.stage import Stage, completed, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.unit.docs.page import Block

PROPS: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "media.md": {
        "faces/anna.png": lambda: contents.picture(width=256, height=640),
        "sounds/anna.mp3": lambda: contents.recording("mp3", "mp3", 1.5),
        "sounds/ben.mp3": lambda: contents.recording("mp3", "mp3", 2.5),
    },
}
"""Files that a page speaks of and does not show, by page: their content."""

IN_PROGRAMS: Mapping[str, Callable[[str], object]] = {"json": json.loads, "toml": tomllib.loads, "python": ast.parse}
"""Who reads the examples that are neither manifests nor commands, by language."""


def by_name(path: Path) -> str:
    """How a page is called in the list of tests."""
    return path.name


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An empty folder with a shell; what it has started ends with the test."""
    stage = Stage(tmp_path)
    yield stage
    stage.end()


@pytest.mark.parametrize("page", pages(), ids=by_name)
def test_the_examples_of_a_page_work(page: Path, stage: Stage) -> None:
    """In the order of the page: files are written, manifests validated, and commands print what the page shows."""
    for name, content in PROPS.get(page.name, {}).items():
        path = stage.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content())
    for block in blocks(page.read_text(encoding="utf-8")):
        play(block, stage)


def play(block: Block, stage: Stage) -> None:
    """Try one example."""
    match block.language:
        case "console":
            for step in steps(block):
                stage.try_out(step)
        case "yaml" if block.title is None:
            stage.write("fragment.yaml", completed(block.text))
            stage.try_out(Step("callsheet validate fragment.yaml", ()))
        case language if language in IN_PROGRAMS and block.title is None:
            IN_PROGRAMS[language](block.text)
        case "yaml" | "csv" | "json":
            assert block.title is not None, f"line {block.line}: which file is it?"
            stage.write(block.title, block.text)


@pytest.mark.parametrize("page", pages(), ids=by_name)
def test_every_manifest_of_a_page_is_tried(page: Path) -> None:
    """A whole manifest is typed about: some command of its page names its file."""
    found = blocks(page.read_text(encoding="utf-8"))
    typed = " ".join(step.command for block in found if block.language == "console" for step in steps(block))
    assert [block.title for block in found if block.language == "yaml" and (block.title or "") not in typed] == []


@pytest.mark.parametrize("page", [*pages(), REPOSITORY / "README.md"], ids=by_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file names one that is there, and every anchor a heading of it."""
    for link in links(page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        if not name.startswith("https:"):
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_index_names_every_page() -> None:
    """`docs/README.md` leads to each page, the generated ones too."""
    named = set(links((DOCS / "README.md").read_text(encoding="utf-8")))
    there = {str(path.relative_to(DOCS)) for path in (*DOCS.glob("*.md"), *DOCS.glob("reference/*.md"))}
    assert there - named == {"README.md"}


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        ("one", "one\n", True),
        ("one", "one  \n", True),
        ("one", "two\n", False),
        ("one", "one\ntwo\n", False),
        ("one\n…", "one\ntwo\nthree\n", True),
        ("…\nthree", "one\ntwo\nthree\n", True),
        ("…\ntwo", "one\ntwo\nthree\n", False),
        ("task …: done", "task 4711: done\n", True),
        ("task …: done", "task 4711: failed\n", False),
        ("a.c", "abc\n", False),
    ],
)
def test_output_is_compared(shown: str, printed: str, agree: bool) -> None:
    """`…` stands for any lines or any characters, everything else for itself."""
    assert matches(tuple(shown.split("\n")), printed) is agree
