"""Where the fields of a row stand in its file.

Only a finding asks, so rows are read without looking for the places of their fields, and the file is read once more for those that have
a finding. Findings come in the order of the file: all of them together cost one further pass.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from runner.core.diagnostics import Span
from runner.manifest.rows.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.manifest.inputs import Pointer
    from runner.manifest.text.source import Document

_PLAIN: Final = re.compile(r"[^,\r\n]*")
_QUOTED: Final = re.compile(r'[^"]*(?:""[^"]*)*("?)')
"""The rest of a quoted field after its opening quote, as far as the line goes; the group is its closing quote."""
LONGEST_FIELD: Final = 1024 * 1024
"""Characters; what is longer is taken for a quote that was never closed."""
_GAP: Final = re.compile(r"[ \t\r\n]*")
_json_value: Final = json.JSONDecoder().raw_decode


class Fields(Protocol):
    """Finds fields of rows."""

    def header(self) -> Span | None:
        """The line that names the columns; None when there is none."""

    def column(self, name: str) -> Span | None:
        """The name of a column in the header; None when it has none of this name."""

    def find(self, row: Span, path: Pointer) -> Span:
        """The place of a field.

        Args:
            row: The place of the row.
            path: The column or key, and for JSON what lies below it. Where it leads to nothing, the nearest that exists counts.

        Returns:
            The place of the field, of the row when it cannot be found.
        """


class _Lines:
    """The lines of a file by number, quick when the numbers asked for rise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: Iterator[str] = iter(())
        self._next = 0

    def after(self, number: int) -> Iterator[str]:
        """The lines from this one on, from 1; ends early where the file cannot be read."""
        try:
            if not 0 < self._next <= number:
                self._lines, self._next = lines_of(self._path, _not_again), 1
            while (line := next(self._lines, None)) is not None:
                self._next += 1
                if self._next > number:
                    yield line
        except OSError:
            self._next = 0


def _not_again(line: int, column: int, text: str) -> None:
    """What cannot be read was said when the rows were read."""


class CsvFields:
    """Fields of a CSV file.

    Args:
        path: The file.
        file: Its path as people see it.
    """

    def __init__(self, path: Path, file: str) -> None:
        self._file = file
        self._lines = _Lines(path)
        self._columns: dict[str, tuple[int, Span]] | None = None
        self._header: Span | None = None
        self._line = 0
        self._places: list[Span] = []
        """Those of the record that begins on that line: one row may have several findings."""

    def header(self) -> Span | None:
        """The header line."""
        self._read_header()
        return self._header

    def column(self, name: str) -> Span | None:
        """The name of a column in the header."""
        found = self._read_header().get(name)
        return None if found is None else found[1]

    def find(self, row: Span, path: Pointer) -> Span:
        """The place of a field; for one in quotes, that of its opening quote."""
        column = self._read_header().get(str(path[0])) if path else None
        if column is None:
            return row
        if row.line != self._line:
            self._line, self._places = row.line, [span for _, span in self._fields(row.line)]
        return self._places[column[0]] if column[0] < len(self._places) else row

    def _read_header(self) -> dict[str, tuple[int, Span]]:
        if self._columns is None:
            line = next((at for at, text in enumerate(self._lines.after(1), 1) if text.strip("\r\n")), 1)
            names = list(self._fields(line))
            self._columns = {name or "": (number, span) for number, (name, span) in enumerate(names)}
            if names:
                last = names[-1][1]
                width = last.column + last.width - 1 if last.line == line else names[0][1].width
                self._header = Span(self._file, line, 1, width)
        return self._columns

    def repeated(self) -> list[tuple[str, Span, Span]]:
        """Names that stand in the header twice, with the first place and the second."""
        header = self.header()
        places: dict[str, Span] = {}
        found = []
        for name, span in self._fields(header.line) if header is not None else ():
            if name is not None and name in places:
                found.append((name, places[name], span))
            places.setdefault(name or "", span)
        return found

    def at(self, line: int, number: int) -> Span:
        """The place of a field of the record that begins on a line, by its number from 0.

        Where the record has fewer, the place right after the last of them, where it ends or breaks, or the quote that is never closed.
        """
        last = Span(self._file, line, 1)
        for count, (text, span) in enumerate(self._fields(line)):
            if count == number or text is None:
                return span
            last = Span(self._file, span.line, span.column + span.width)
        return last

    def _fields(self, line: int) -> Iterator[tuple[str | None, Span]]:
        return _csv_fields(self._lines.after(line), self._file, line)


def _csv_fields(lines: Iterable[str], file: str, first: int) -> Iterator[tuple[str | None, Span]]:
    """The fields of one record with their places; None for the text of a field whose quote is never closed.

    Args:
        lines: The lines from that on which the record begins.
        file: The file's name for people.
        first: The number of the first line.
    """
    text, opened = "", None
    for number, line in enumerate(lines, first):
        at = 0
        while True:
            if opened is None and line[at : at + 1] != '"':
                end = _match_end(_PLAIN, line, at)
                yield line[at:end], Span(file, number, at + 1, max(1, end - at))
            else:
                if opened is None:
                    opened, text, at = Span(file, number, at + 1), "", at + 1
                if len(text) > LONGEST_FIELD:
                    break
                match = _QUOTED.match(line, at)
                end = match.end() if match else len(line)
                text += line[at:end]
                if opened.line == number:
                    opened = Span(
                        file, number, opened.column, max(1, len(line[:end].rstrip("\r\n")) - opened.column + 1)
                    )
                if match is None or not match.group(1):
                    break  # goes on in the next line
                yield text[:-1].replace('""', '"'), opened
                opened = None
            if line[end : end + 1] != ",":
                return
            at = end + 1
        if len(text) > LONGEST_FIELD:
            break
    if opened is not None:
        yield None, opened


def _match_end(pattern: re.Pattern[str], line: str, at: int) -> int:
    match = pattern.match(line, at)
    return at if match is None else match.end()


class JsonFields:
    """Fields of a file with one JSON object in each line.

    Args:
        path: The file.
        file: Its path as people see it.
    """

    def __init__(self, path: Path, file: str) -> None:
        self._file = file
        self._lines = _Lines(path)
        self._number = 0
        self._line = _JsonLine("")

    def header(self) -> None:
        """There is none."""

    def column(self, name: str) -> None:
        """There is none."""

    def find(self, row: Span, path: Pointer) -> Span:
        """The place of a value."""
        if row.line != self._number:  # one row may have several findings
            self._number, self._line = row.line, _JsonLine(next(self._lines.after(row.line), ""))
        try:
            start, end = self._line.find(path)
        except (ValueError, RecursionError):
            return row
        return Span(self._file, row.line, start + 1, max(1, end - start))


class _JsonLine:
    """A line that holds one JSON value. Where members begin is found once for each object and list that somebody asks about.

    Args:
        text: The line.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._members: dict[int, dict[str | int, int]] = {}

    def find(self, path: Pointer) -> tuple[int, int]:
        """Where the value at a path begins and ends, or the nearest that exists; raises `ValueError` when the line is not JSON."""
        at = _match_end(_GAP, self._text, 0)
        for step in path:
            inner = self._inside(at).get(step)
            if inner is None:
                break
            at = inner
        _, end = _json_value(self._text, at)
        return at, end

    def _inside(self, at: int) -> dict[str | int, int]:
        """Where the members of the object or list at `at` begin; none of any other value."""
        if at not in self._members:
            sign = self._text[at : at + 1]
            members = _json_members(self._text, at + 1, is_object=sign == "{") if sign in ("{", "[") else ()
            self._members[at] = {key if sign == "{" else number: start for number, (key, start) in enumerate(members)}
        return self._members[at]


def _json_members(line: str, at: int, *, is_object: bool) -> Iterator[tuple[Any, int]]:
    """The keys (None in a list) and where their values begin, of valid JSON."""
    at = _match_end(_GAP, line, at)
    while line[at : at + 1] not in ("}", "]", ""):
        key = None
        if is_object:
            key, at = _json_value(line, at)
            at = _match_end(_GAP, line, _match_end(_GAP, line, at) + 1)
        yield key, at
        _, at = _json_value(line, at)
        at = _match_end(_GAP, line, at)
        if line[at : at + 1] == ",":
            at = _match_end(_GAP, line, at + 1)


class InlineFields:
    """Fields of rows that stand in the manifest.

    Args:
        document: The manifest.
        pointer: Where the list of rows stands in it.
        count: How many rows there are.
    """

    def __init__(self, document: Document, pointer: Pointer, count: int) -> None:
        self._document = document
        self._pointer = pointer
        self._count = count
        self._numbers: dict[tuple[int, int], int] = {}

    def header(self) -> None:
        """There is none."""

    def column(self, name: str) -> None:
        """There is none."""

    def find(self, row: Span, path: Pointer) -> Span:
        """The place of a value."""
        if not self._numbers:
            spans = (self._document.span((*self._pointer, at)) for at in range(self._count))
            self._numbers = {(span.line, span.column): at for at, span in enumerate(spans)}
        number = self._numbers.get((row.line, row.column))
        return row if number is None else self._document.span((*self._pointer, number, *path))
