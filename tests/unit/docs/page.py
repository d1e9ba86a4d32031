"""A page of the documentation as a test reads it: its blocks of examples, its headings, its links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = REPOSITORY / "docs"

_BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced example.

    Args:
        language: The word after the fence.
        title: Name of the file whose content it is; None when it is none.
        text: Without its fence and indentation; ends with a line feed.
        line: Where it begins in the page, from 1.
    """

    language: str
    title: str | None
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """A command of a `console` block.

    Args:
        command: What is typed after the prompt.
        shown: The lines that the page shows as its output; none when it shows nothing.
    """

    command: str
    shown: tuple[str, ...]


def pages() -> list[Path]:
    """All pages that people have written, by name; what is generated has tests of its own."""
    return sorted(path for path in DOCS.glob("*.md") if path.name != "errors.md")


def blocks(text: str) -> list[Block]:
    """The fenced examples of a page, in order."""
    return [
        Block(
            found["language"],
            found["title"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            text.count("\n", 0, found.start()) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


def steps(block: Block) -> Iterator[Step]:
    """The commands of a `console` block, in order: `$ ` begins one, what follows is its output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield Step(command, tuple(shown))


def links(text: str) -> list[str]:
    """The targets of a page's links, those within its examples left out."""
    return _LINK.findall(_BLOCK.sub("", text))


@cache
def anchors(path: Path) -> frozenset[str]:
    """What links into a page may name: its headings, as GitHub makes anchors of them, and anchors that are written out."""
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    named = re.findall(r'<a id="([^"]+)">', text)
    return frozenset(named) | {re.sub(r"[^\w\- ]", "", it.lower()).replace(" ", "-") for it in headings}
