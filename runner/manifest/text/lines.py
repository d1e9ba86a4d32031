"""The text of a file as lines, decoded only where somebody looks.

A manifest may be 64 MiB of empty lines; a list of them would take eight times the file.
"""

from __future__ import annotations

from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final, overload

from runner.core.diagnostics import Span

_BLOCK: Final = 4096
"""Bytes between two marks of the index: looking up a line costs at most so many steps."""


class Lines(Sequence[str]):
    r"""The lines of UTF-8 text without their ends; text that ends in a line break has an empty last line.

    Args:
        raw: UTF-8 in which every line ends in `\n`. Bytes that are not UTF-8 show as `\ufffd`.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @classmethod
    def of_file(cls, raw: bytes) -> Lines:
        """The lines of a file's bytes, without byte order mark and carriage returns."""
        return cls(raw.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n"))

    @property
    def text(self) -> str:
        """All of it, decoded anew each time."""
        return self.raw.decode("utf-8", "replace")

    def __len__(self) -> int:
        return self._breaks[-1] + 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """A line by its number from 0."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        start = self._start(number)
        end = self.raw.find(b"\n", start)
        return self.raw[start : end if end >= 0 else None].decode("utf-8", "replace")

    def span(self, offset: int, file: str) -> Span:
        """The place of the character at a byte's offset."""
        before = self.raw[self.raw.rfind(b"\n", 0, offset) + 1 : offset]
        return Span(file, self.raw.count(b"\n", 0, offset) + 1, len(before.decode("utf-8", "replace")) + 1)

    def within(self, line: int, column: int) -> tuple[int, int]:
        """The same place, or the end of the text when it lies behind it: libyaml puts the end on a line of its own."""
        last = len(self) - 1
        return (line, column) if line <= last else (last, len(self[last]))

    @cached_property
    def _breaks(self) -> list[int]:
        """Line breaks before the end of each block."""
        blocks = range(0, len(self.raw) or 1, _BLOCK)
        return list(accumulate(self.raw.count(b"\n", start, start + _BLOCK) for start in blocks))

    def _start(self, number: int) -> int:
        """Where a line begins: behind the line break of that number, counted from 1."""
        if number == 0:
            return 0
        block = bisect_left(self._breaks, number)
        missing = number - (self._breaks[block - 1] if block else 0)
        position = block * _BLOCK - 1
        for _ in range(missing):
            position = self.raw.index(b"\n", position + 1)
        return position + 1
