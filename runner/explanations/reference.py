"""All pages as one document, `docs/errors.md`: `python -m runner.explanations.reference`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from runner.explanations.library import FAMILIES, codes, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.explanations.library import Page

_INTRODUCTION: Final = """\
# Codes

Every finding, failure and error has a code that never changes its meaning. `callsheet explain CODE` prints its page.

Printed from `runner/explanations/pages/` by `python -m runner.explanations.reference`.
"""
_FENCED: Final = re.compile(r"(^```.*?^```$)", flags=re.MULTILINE | re.DOTALL)


def reference() -> str:
    """The document: a table of all codes, then every page under an anchor that is its code in small letters.

    Returns:
        Markdown that ends with a line feed.
    """
    pages = [read_page(code) for code in codes()]
    return "\n".join([_INTRODUCTION, *_table(pages), *_chapters(pages)])


def _table(pages: list[Page]) -> Iterator[str]:
    yield "| code | what it says |\n|---|---|"
    yield from (f"| [{page.code}](#{page.code.lower()}) | {page.title} |" for page in pages)
    yield ""


def _chapters(pages: list[Page]) -> Iterator[str]:
    for letter, heading in FAMILIES.items():
        yield f"## {heading}\n"
        yield from (_section(page) for page in pages if page.code.startswith(letter))


def _section(page: Page) -> str:
    return f'<a id="{page.code.lower()}"></a>\n\n{_two_levels_down(page.text)}'


def _two_levels_down(text: str) -> str:
    """The page with its headings below those of the document; `#` begins a comment inside an example, and stays."""
    pieces = _FENCED.split(text)
    pieces[::2] = [re.sub(r"^#", "###", prose, flags=re.MULTILINE) for prose in pieces[::2]]
    return "".join(pieces)


if __name__ == "__main__":
    sys.stdout.write(reference())
