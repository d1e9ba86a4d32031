"""Text in columns of a terminal: measured in cells, of which a Chinese character takes two."""

from __future__ import annotations

from itertools import chain
from typing import Final

from rich.cells import cell_len, chop_cells

_LEAST: Final = 8
"""Narrower than this nothing is wrapped: it would be torn to pieces."""


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """The text with blanks up to a width; longer text as it is.

    Args:
        text: One visible line.
        cells: The width.
        right: Whether it stands at the right edge.
    """
    blanks = " " * (cells - cell_len(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, cells: int | None) -> list[str]:
    """The text in lines, broken at blanks, and within a word only where it is longer than a line.

    Args:
        text: One visible line.
        cells: The width of a line, at least 8; None for no limit.

    Returns:
        At least one line.
    """
    if cells is None or cell_len(text) <= cells:
        return [text]
    cells = max(cells, _LEAST)
    lines = [""]
    for word in chain.from_iterable(chop_cells(word, cells) for word in text.split(" ")):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= cells:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
