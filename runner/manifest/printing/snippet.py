"""A finding in the manner of rustc: the line of the file, the place underlined, the words beside it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from runner.core.diagnostics import Severity
from runner.manifest.printing.visible import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runner.core.diagnostics import Diagnostic, Span

    Paint = Callable[[str, str], str]

_LONGEST_LINE: Final = 120
"""Code points of a source line that are shown; a longer line shows the part around the caret."""
_BEFORE_CARET: Final = 40
"""Code points shown left of the caret when the line is cut there."""

_STYLES: Final = {"error": "1;31", "warning": "1;33", "frame": "1;34", "second": "1;34", "message": "1"}
"""Parameters of the terminal's colour sequence (ECMA-48 SGR)."""


def colours(role: str, text: str) -> str:
    """Text in the colour of its role."""
    return f"\x1b[{_STYLES[role]}m{text}\x1b[0m" if text else text


def no_colours(role: str, text: str) -> str:  # noqa: ARG001 - the other way to paint
    """Text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place to underline.

    Args:
        span: The place.
        text: The words beside the line.
        role: What it is painted as.
    """

    span: Span
    text: str
    role: str

    @property
    def line(self) -> int:
        return self.span.line

    @property
    def sign(self) -> str:
        return "-" if self.role == "second" else "^"


@dataclass(frozen=True, slots=True)
class _Frame:
    """Draws the left edge.

    Args:
        width: Digits of the greatest line number.
        paint: Colours a role's text.
    """

    width: int
    paint: Paint

    def row(self, text: str = "", number: int | None = None) -> str:
        edge = f"{'' if number is None else number:>{self.width}} |"
        return f"{self.paint('frame', edge)} {text}".rstrip() if text else self.paint("frame", edge)

    def arrow(self, sign: str, span: Span) -> str:
        return f"{' ' * self.width}{self.paint('frame', sign)} {one_line(str(span))}"

    def note(self, text: str) -> str:
        return f"{' ' * self.width} {self.paint('frame', '=')} {one_line(text)}"


def snippet(diagnostic: Diagnostic, sources: Mapping[str, Sequence[str]], paint: Paint) -> str:
    """The finding as a block of lines.

    Args:
        diagnostic: The finding.
        sources: The lines of the files by the name that spans give; a file that is missing is named, not shown.
        paint: `colours` or `no_colours`.

    Returns:
        Lines divided by line feeds, without one at the end.
    """
    marks = _marks(diagnostic)
    shown = [mark for mark in marks if _is_in(mark.span, sources)]
    frame = _Frame(max((len(str(mark.line)) for mark in marks), default=1), paint)
    rows = [_title(diagnostic, paint), frame.arrow("-->", diagnostic.span)]
    rows += _excerpt(
        [mark for mark in shown if mark.span.file == diagnostic.span.file], diagnostic.span, sources, frame
    )
    elsewhere = [mark for mark in shown if mark.span.file != diagnostic.span.file]
    for mark in elsewhere:
        rows += [frame.arrow(":::", mark.span), *_excerpt([mark], diagnostic.span, sources, frame)]
    rows += [frame.note(text) for text in _notes(diagnostic, [mark for mark in marks if mark not in shown])]
    return "\n".join(rows)


def _title(diagnostic: Diagnostic, paint: Paint) -> str:
    severity = str(diagnostic.severity)
    head = paint(severity, f"{severity}[{diagnostic.code}]")
    return f"{head}{paint('message', ': ' + one_line(diagnostic.message))}"


def _marks(diagnostic: Diagnostic) -> list[_Mark]:
    role = "error" if diagnostic.severity is Severity.ERROR else "warning"
    first = _Mark(diagnostic.span, diagnostic.hint or "", role)
    return [first, *(_Mark(label.span, label.text, "second") for label in diagnostic.labels)]


def _is_in(span: Span, sources: Mapping[str, Sequence[str]]) -> bool:
    return span.file in sources and 1 <= span.line <= len(sources[span.file])


def _notes(diagnostic: Diagnostic, not_shown: Sequence[_Mark]) -> Iterator[str]:
    """The lines at the foot: the words of places that could not be shown, the job, how to mend it."""
    for mark in not_shown:
        if mark.text:
            yield mark.text if mark.span == diagnostic.span else f"{mark.span}: {mark.text}"
    if diagnostic.job is not None:
        yield f"job: {diagnostic.job}"
    for note in diagnostic.notes:
        yield f"help: {note}"


def _excerpt(marks: Sequence[_Mark], main: Span, sources: Mapping[str, Sequence[str]], frame: _Frame) -> Iterator[str]:
    """The marked lines of one file, with the line before the finding's own place."""
    if not marks:
        return
    lines = sources[marks[0].span.file]
    by_line = {
        line: list(group) for line, group in groupby(sorted(marks, key=lambda mark: mark.span), lambda mark: mark.line)
    }
    before = main.line - 1
    if main.file == marks[0].span.file and before >= 1 and lines[before - 1].strip():
        by_line.setdefault(before, [])
    yield frame.row()
    previous = None
    for number in sorted(by_line):
        if previous is not None and number > previous + 1:
            yield frame.paint("frame", "...")
        yield from _line(lines[number - 1], number, by_line[number], frame)
        previous = number


def _line(text: str, number: int, marks: Sequence[_Mark], frame: _Frame) -> Iterator[str]:
    """A source line and, below it, a row for each of its marks. A long line is shown anew for a mark that lies outside the part shown."""
    part = _part(text, marks[0].span.column if marks else 1)
    yield frame.row(_cut(text, *part), number)
    for mark in marks:
        if not part[0] < mark.span.column <= part[1]:
            part = _part(text, mark.span.column)
            yield frame.row(_cut(text, *part), number)
        yield frame.row(_underline(text, part, mark, frame.paint))


def _part(text: str, column: int) -> tuple[int, int]:
    """Which code points of a line are shown: all, or so many around the column (from 1)."""
    if len(text) <= _LONGEST_LINE:
        return 0, max(len(text), column)
    start = max(0, min(column - 1 - _BEFORE_CARET, len(text) - _LONGEST_LINE))
    return start, max(start + _LONGEST_LINE, column if column > len(text) else 0)


def _cut(text: str, start: int, end: int) -> str:
    return f"{'…' if start else ''}{visible(text[start:end])}{'…' if end < len(text) else ''}"


def _underline(text: str, part: tuple[int, int], mark: _Mark, paint: Paint) -> str:
    """The row below a line: as wide in terminal cells as the text above it, since CJK and emoji take two."""
    start, end = part
    first = max(mark.span.column - 1, 0)
    padding = cell_len(visible(text[start:first])) + (1 if start else 0)
    width = max(1, cell_len(visible(text[first : min(first + mark.span.width, end)])))
    words = f" {one_line(mark.text)}" if mark.text else ""
    return " " * padding + paint(mark.role, mark.sign * width + words)
