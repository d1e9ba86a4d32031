"""Where every value of a document was written, in a few flat arrays.

Each node (a key or a value) has a number. Four arrays hold its place, one more holds the nodes of what containers contain, in the
order of their dict or list. So 10,000 jobs need about 5 MB and not one object that the garbage collector has to visit. An alias is the
number of the node that it stands for, a merged entry is the pair of the mapping that it came from: places follow both.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from runner.core.diagnostics import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yaml.events import CollectionEndEvent, Event

    from runner.manifest.text.lines import Lines

_REST_OF_LINE: Final = 0
"""The width of what goes on below its first line."""
_INDEX_FROM: Final = 32
"""Entries from which a mapping's keys are indexed; below, walking over them is as fast and costs nothing to keep."""


class Positions:
    """The places of all nodes of one document, filled in document order.

    Args:
        file: The path that spans name.
        lines: The document's text.
    """

    def __init__(self, file: str, lines: Lines) -> None:
        self.lines = lines
        self._file = file
        self._lines = array("I")
        self._columns = array("I")
        self._widths = array("I")
        self._first_entries = array("I")
        self._entries = array("I")
        self._key_numbers: dict[int, dict[str, int]] = {}

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self._lines)

    def add(self, event: Event) -> int:
        """Takes up a scalar, an alias, or a container that begins; returns the number of its node."""
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        line, column = start.line, start.column
        self._lines.append(line)
        self._columns.append(column)
        self._widths.append((end.column - column or 1) if end.line == line else _REST_OF_LINE)
        self._first_entries.append(0)
        return len(self._lines) - 1

    def close(self, node: int, entries: Sequence[int], event: CollectionEndEvent) -> None:
        """A container ends: one between brackets is underlined as a whole when it stands on one line.

        Args:
            node: The container.
            entries: The nodes of its items; for a mapping of key and value in turn.
            event: Its end. The end of a container without brackets has no width.
        """
        if entries:
            self._first_entries[node] = len(self._entries)
            self._entries.extend(entries)
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        if end.column > start.column:
            one_line = end.line == self._lines[node]
            self._widths[node] = end.column - self._columns[node] if one_line else _REST_OF_LINE

    def entries(self, node: int, value: dict[str, Any] | list[Any]) -> Sequence[int]:
        """The nodes inside a container, as given to `close`."""
        count = 2 * len(value) if isinstance(value, dict) else len(value)
        first = self._first_entries[node]
        return self._entries[first : first + count]

    def span(self, node: int) -> Span:
        """Where the node was written."""
        width = self._widths[node]
        line, column = self.lines.within(self._lines[node], self._columns[node])
        if width == _REST_OF_LINE:
            width = max(1, len(self.lines[line].rstrip()) - column)
        return Span(self._file, line + 1, column + 1, width)

    def find(self, root: int, value: Any, pointer: tuple[str | int, ...]) -> tuple[int, int]:
        """Walks along a pointer as far as it leads.

        Args:
            root: The document's node.
            value: The document's value.
            pointer: Keys and indices from the root.

        Returns:
            The nodes of key and value of the last step that exists; an item of a list is its own key.
        """
        _, key_node, node = [(root, root, root), *self._steps(root, value, pointer)][-1]
        return key_node, node

    def find_use(self, root: int, value: Any, pointer: tuple[str | int, ...]) -> int | None:
        """The node of the key under which an alias or a merge lets in the value that a pointer leads to.

        What an alias or a merge lets in was written, and so numbered, before the mapping or list that it stands in.

        Args:
            root: The document's node.
            value: The document's value.
            pointer: Keys and indices from the root.

        Returns:
            For an alias its key (the container's, in a list), for a merge the key of the mapping that merges; the outermost of several.
            None when all was written where it stands.
        """
        above = root
        for container, key_node, node in self._steps(root, value, pointer):
            if node < container:
                return key_node if key_node > container else above
            above = key_node
        return None

    def _steps(self, node: int, value: Any, pointer: tuple[str | int, ...]) -> Iterator[tuple[int, int, int]]:
        """For each step of a pointer that leads on, the nodes of the container and of the entry's key and value."""
        for step in pointer:
            number = self._number(node, value, step)
            if number is None:
                return
            first = self._first_entries[node]
            if isinstance(value, dict):
                key_node, entry = self._entries[first + 2 * number], self._entries[first + 2 * number + 1]
            else:
                key_node = entry = self._entries[first + number]
            yield node, key_node, entry
            node, value = entry, value[step]

    def _number(self, node: int, value: Any, step: str | int) -> int | None:
        """Which entry of a container the step leads to, from 0; None when there is no such entry."""
        if isinstance(value, list):
            return step if isinstance(step, int) and 0 <= step < len(value) else None
        if not isinstance(value, dict) or step not in value:
            return None
        if len(value) < _INDEX_FROM:
            return next(number for number, key in enumerate(value) if key == step)
        if node not in self._key_numbers:
            self._key_numbers[node] = {key: number for number, key in enumerate(value)}
        return self._key_numbers[node][str(step)]
