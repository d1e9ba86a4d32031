"""Finds and reads the pages: the folder listing is the list of codes, a page's first line is its title."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FAMILIES: Final = {
    "M": "What can be wrong with a manifest",
    "P": "What can go wrong with a job at its provider",
    "E": "What can end a command early",
}
"""The first letter of a code, in the order in which people meet them."""
_SUFFIX: Final = ".md"


class UnknownCode(LookupError):
    """No page has this code; `codes()` lists those that there are."""


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say about a code.

    Args:
        code: Such as `M103`.
        title: What happened, in a few words without a full stop.
        text: The whole page as Markdown, the line `# <code>: <title>` first.
    """

    code: str
    title: str
    text: str


def codes() -> list[str]:
    """All codes that have a page: by family, then by number."""
    names = (page.name for page in _folder().iterdir())
    found = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return sorted(found, key=lambda code: (list(FAMILIES).index(code[0]), code))


def read_page(code: str) -> Page:
    """The page of a code.

    Args:
        code: As `codes()` gives it.

    Raises:
        UnknownCode: There is none.
    """
    # Only listed names become paths: a code comes from a command line.
    if code not in codes():
        raise UnknownCode(code)
    text = (_folder() / f"{code}{_SUFFIX}").read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix(f"# {code}: ")
    return Page(code, title, text)


def _folder() -> Traversable:
    return files(__package__) / "pages"
