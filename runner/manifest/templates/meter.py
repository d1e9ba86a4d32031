"""Bounds what one rendering of a template may read and make.

Everything that a template does is paid for before it is done: one step for each item and each character that it reads or makes. A
million steps are well under a second's work, whatever they are spent on.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Final

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

MOST_CHARACTERS: Final = 1_000_000
MOST_ITEMS: Final = 10_000
_MOST_STEPS: Final = 1_000_000
_BITS_A_STEP: Final = 64
_HOLDING: Final = (list, tuple, dict, KeysView, ValuesView, ItemsView)


def too_large(message: str) -> Flaw:
    """The flaw of a template that does or makes too much."""
    return Flaw(Code.TEMPLATE_TOO_LARGE, message)


def weight(value: Any, most: int = _MOST_STEPS) -> int:
    """How many steps it takes to read a value throughout: one for each character and each item, at any depth.

    What a list holds twice counts twice, since whoever reads the list reads it twice.

    Args:
        value: What an expression has given.
        most: The count ends when it is passed, so that it never takes longer than what it is asked about.
    """
    if type(value) is str:
        return 1 + len(value)
    steps = 1
    waiting = [value]
    while waiting and steps <= most:
        item = waiting.pop()
        if isinstance(item, str):
            steps += len(item)
        elif isinstance(item, int):
            steps += item.bit_length() // _BITS_A_STEP
        elif isinstance(item, _HOLDING):
            steps += len(item)
            if steps <= most:
                waiting += item
                waiting += item.values() if isinstance(item, dict) else ()
    return steps


class Meter:
    """Counts the steps of the present rendering."""

    def __init__(self) -> None:
        self._left = 0

    def begin(self) -> None:
        """A rendering begins."""
        self._left = _MOST_STEPS

    def pay(self, steps: int) -> None:
        """Take steps from what is left.

        Raises:
            Flaw: There are not so many.
        """
        self._left -= steps
        if self._left < 0:
            raise too_large(f"the template works through more than {_MOST_STEPS:,} items and characters")

    def read(self, *values: Any) -> None:
        """Pay for values that are about to be read throughout."""
        for value in values:
            self.pay(weight(value, self._left))

    def counted(self, items: Iterator[Any], steps: int = 1) -> Iterator[Any]:
        """Items of unknown number, each paid for when it is asked for."""
        for item in items:
            self.pay(steps)
            yield item

    def listed(self, value: Any) -> Any:
        """A value whose size is known: what gives its items one by one becomes a list of them."""
        return list(self.counted(value)) if isinstance(value, Iterator) else value
