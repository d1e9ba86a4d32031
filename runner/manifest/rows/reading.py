"""Rows of `foreach`: CSV files, JSON-lines files and rows written in the manifest, streamed with their places."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Protocol

from runner.core.diagnostics import Diagnostic, Label, Severity, Span
from runner.manifest.codes import Code
from runner.manifest.rows.fields import LONGEST_FIELD, CsvFields, InlineFields, JsonFields
from runner.manifest.rows.lines import lines_of
from runner.manifest.templates.sandbox import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.manifest.rows.fields import Fields
    from runner.manifest.text.source import Document

_PAST_ALL: Final = 1_000_000_000
_MOST_DIGITS_SHOWN: Final = 40
_OTHER_SIGNS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


class RowSource(Protocol):
    """Where rows come from."""

    @property
    def file(self) -> str:
        """The file that the rows stand in, as people see it."""

    @property
    def has_header(self) -> bool:
        """Whether one line names the columns of all rows."""

    def fields(self) -> Fields:
        """What finds the places of single fields."""

    def rows(self, report: Callable[[Diagnostic], None]) -> Iterator[tuple[Row, Span]]:
        """Every row that can be read, with its place; what cannot goes to `report`."""


def _unreadable(file: str, error: OSError) -> Diagnostic:
    return Diagnostic(code=Code.FILE_UNREADABLE, message=f"cannot read the rows: {error.strerror}", span=Span(file))


def _no_rows(span: Span) -> Diagnostic:
    return Diagnostic(
        code=Code.NO_ROWS, message="there are no rows, so this makes no jobs", span=span, severity=Severity.WARNING
    )


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A CSV file (RFC 4180, comma, UTF-8) whose first line names the columns. Every value is text.

    Args:
        path: The file.
        file: Its path as people see it.
    """

    path: Path
    file: str
    has_header: bool = True

    def fields(self) -> CsvFields:
        """Finds fields by reading the file once more."""
        return CsvFields(self.path, self.file)

    def rows(self, report: Callable[[Diagnostic], None]) -> Iterator[tuple[Row, Span]]:
        """Every good row; the line of a place is the physical line that the row begins on."""
        reader = _CsvReader(self.path, self.file, report)
        try:
            columns = reader.columns()
            if columns is not None:
                yield from reader.rows(columns)
        except OSError as error:
            report(_unreadable(self.file, error))


_FIELD: Final = re.compile(r'"(?:[^"]|"")*+"|(?P<bare>[^,\r\n]*)')


def late_quote(line: str) -> int | None:
    """The column, from 1, of a quote that begins a value after blanks; None when there is none.

    RFC 4180 counts the blanks as part of the value, so that the quotes would be text and a comma between them would end it. A quote in
    the middle of a value (`5" screen`) is read by everybody as what it is.

    Args:
        line: A record of one line.
    """
    at = 0
    while at <= len(line):
        found = _FIELD.match(line, at)
        bare = found["bare"] if found is not None else None
        if bare and bare[0] == " " and bare.lstrip().startswith('"'):
            return at + len(bare) - len(bare.lstrip()) + 1
        at = found.end() + 1 if found is not None else len(line) + 1
    return None


class _CsvReader:
    """One pass over a CSV file."""

    def __init__(self, path: Path, file: str, report: Callable[[Diagnostic], None]) -> None:
        self._file = file
        self._report = report
        self._has_problem = False
        self._fields = CsvFields(path, file)
        csv.field_size_limit(LONGEST_FIELD)
        self._with_quotes = ""
        """The last line that has a quote in it."""
        self._reader = csv.reader(self._lines(path), strict=True)

    def _say(
        self, code: Code, place: Span, message: str, hint: str | None = None, labels: tuple[Label, ...] = ()
    ) -> None:
        self._has_problem = True
        self._report(Diagnostic(code=code, message=message, span=place, hint=hint, labels=labels))

    def _bad_line(self, line: int, column: int, text: str) -> None:
        self._say(Code.ROWS_SYNTAX, Span(self._file, line, column), text)

    def _lines(self, path: Path) -> Iterator[str]:
        for line in lines_of(path, self._bad_line):
            if '"' in line:
                self._with_quotes = line
            yield line

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Records with the physical line that each begins on. A broken one is reported and left out; blank lines do not count."""
        reader = self._reader
        line = reader.line_num + 1
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._broken(line, error)
            else:
                is_refused = bool(self._with_quotes) and self._has_late_quote(line)
                if record and not is_refused:
                    yield line, record
            line = reader.line_num + 1

    def _has_late_quote(self, line: int) -> bool:
        """Whether a value of the record begins with blanks and a quote. Looked at in records of one line."""
        text, self._with_quotes = self._with_quotes, ""
        column = late_quote(text) if self._reader.line_num == line else None
        if column is not None:
            self._say(
                Code.ROWS_SYNTAX, Span(self._file, line, column), "a blank stands before this quote", "delete the blank"
            )
        return column is not None

    def _broken(self, line: int, error: csv.Error) -> None:
        text = str(error)
        breaks = self._fields.at(line, _PAST_ALL)
        if "field larger" in text:
            hint = "most often a quote that opens in this row is never closed"
            self._say(Code.ROWS_SYNTAX, breaks, f"a value is longer than {LONGEST_FIELD:,} characters", hint)
        elif "new-line character seen" in text:
            hint = "save the file with the line ends LF or CRLF"
            self._say(Code.ROWS_SYNTAX, breaks, "a carriage return alone ends no line", hint)
        elif "unexpected end of data" in text:
            self._say(Code.ROWS_SYNTAX, breaks, "a quote that opens in this row is never closed")
        elif "expected after" in text:
            hint = 'a quote inside a quoted value is written twice: ""'
            self._say(Code.ROWS_SYNTAX, breaks, "text follows a closing quote", hint)
        else:
            self._say(Code.ROWS_SYNTAX, breaks, f"the row is not CSV: {text}")

    def columns(self) -> list[str] | None:
        """The names in the header; None when there is none or it does not hold."""
        _, names = next(self._records(), (1, []))
        # After a line that cannot be read, whatever was read is not the header.
        return names if not self._has_problem and self._holds(names) else None

    def _holds(self, names: list[str]) -> bool:
        """Whether the header can be used; what is wrong with it is reported."""
        repeated = self._fields.repeated()
        if not names:
            self._say(Code.COLUMNS, Span(self._file, 1, 1), "the file has no header line")
        elif len(names) == 1 and (sign := next((sign for sign in _OTHER_SIGNS if sign in names[0]), None)):
            text, hint = (
                f"the header has one column, `{names[0]}`",
                f"columns are divided by commas, not by {_OTHER_SIGNS[sign]}",
            )
            self._say(Code.COLUMNS, self._fields.header() or Span(self._file, 1, 1), text, hint)
            return False
        for name, first, second in repeated:
            text = f"the column `{name}` stands there twice" if name else "two columns have no name"
            self._say(Code.COLUMNS, second, text, labels=(Label(first, "the first is here"),))
        return bool(names) and not repeated

    def rows(self, columns: list[str]) -> Iterator[tuple[Row, Span]]:
        """The rows after the header."""
        count, file = len(columns), self._file
        line = 0
        for line, values in self._records():
            if len(values) == count:
                yield Row(zip(columns, values, strict=True)), Span(file, line, 1)
            else:
                message = f"the row has {_count(len(values), 'value')}, the header has {_count(count, 'column')}"
                self._say(Code.ROW_LENGTH, self._fields.at(line, count), message)
        if not line and not self._has_problem:
            self._report(_no_rows(Span(file, 1, 1)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class JsonRows:
    """A file with one JSON object in each line.

    Args:
        path: The file.
        file: Its path as people see it.
    """

    path: Path
    file: str
    has_header: bool = False

    def fields(self) -> JsonFields:
        """Finds fields by reading the file once more."""
        return JsonFields(self.path, self.file)

    def rows(self, report: Callable[[Diagnostic], None]) -> Iterator[tuple[Row, Span]]:
        """Every good row; blank lines do not count."""
        seen = False

        def bad_line(line: int, column: int, text: str) -> None:
            nonlocal seen
            seen = True
            report(Diagnostic(code=Code.ROWS_SYNTAX, message=text, span=Span(self.file, line, column)))

        try:
            for number, line in enumerate(lines_of(self.path, bad_line), 1):
                if not line.strip():
                    continue
                seen = True
                row = self._row(line, number, report)
                if row is not None:
                    yield row, Span(self.file, number, 1)
        except OSError as error:
            report(_unreadable(self.file, error))
        else:
            if not seen:
                report(_no_rows(Span(self.file, 1, 1)))

    def _row(self, line: str, number: int, report: Callable[[Diagnostic], None]) -> Row | None:
        problem, column = "", 1
        try:
            value = json.loads(line, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_repeats)
        except json.JSONDecodeError as error:
            problem, column = f"the line is not JSON: {error.msg}", error.colno
        except _BadNumber as error:
            problem, column = error.reason, error.column_in(line)
        except (ValueError, RecursionError) as error:
            problem = f"the line is not JSON: {error}"
        else:
            if isinstance(value, dict):
                return Row(value)
            problem = "the line is not a JSON object"
        report(Diagnostic(code=Code.ROWS_SYNTAX, message=problem, span=Span(self.file, number, column)))
        return None


class _BadNumber(Exception):
    """A number that no JSON value can be made of.

    Args:
        written: As it stands in the line.
        reason: What is wrong with it.
    """

    def __init__(self, written: str, reason: str) -> None:
        super().__init__(reason)
        self.written = written
        self.reason = reason

    def column_in(self, line: str) -> int:
        """The column, from 1, at which it stands in its line, where text between quotes may look the same."""
        found = re.finditer(rf'"(?:[^"\\]|\\.)*"|(?<![\w.+-]){re.escape(self.written)}', line)
        return next((it.start() + 1 for it in found if it[0] == self.written), 1)


def _no_constant(word: str) -> Any:
    raise _BadNumber(word, f"the line is not JSON: {word} is not JSON")


def _finite(written: str) -> float:
    number = float(written)
    if not isfinite(number):
        raise _BadNumber(written, f"the number {written[:_MOST_DIGITS_SHOWN]} is too large; write it as text")
    return number


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"`{name}` stands there twice")
    return found


@dataclass(frozen=True, slots=True)
class InlineRows:
    """Rows written in the manifest.

    Args:
        document: The manifest.
        pointer: Where the list stands in it.
        values: The list.
    """

    document: Document
    pointer: tuple[str | int, ...]
    values: list[dict[str, Any]]
    has_header: bool = False

    def fields(self) -> InlineFields:
        """Finds fields in the manifest."""
        return InlineFields(self.document, self.pointer, len(self.values))

    @property
    def file(self) -> str:
        """The manifest."""
        return self.document.file

    def rows(self, report: Callable[[Diagnostic], None]) -> Iterator[tuple[Row, Span]]:
        """Every row."""
        if not self.values:
            report(_no_rows(self.document.span(self.pointer)))
        for number, value in enumerate(self.values):
            yield Row(value), self.document.span((*self.pointer, number))
