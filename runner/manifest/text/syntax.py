"""What libyaml says about text that is not YAML, as a finding in plainer words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from runner.core.diagnostics import Diagnostic, Label, Span
from runner.manifest.text.codes import SourceCode

if TYPE_CHECKING:
    from yaml.error import Mark, YAMLError

    from runner.manifest.text.lines import Lines

_QUOTE: Final = "put the text between quotes"
_NEIGHBOURS: Final = "is the line indented like its neighbours?"

_WORDS: Final[dict[str, tuple[str, str | None]]] = {
    "mapping values are not allowed in this context": ("a `:` that makes a mapping where none can be", _QUOTE),
    "mapping keys are not allowed in this context": ("a mapping cannot begin here", _QUOTE),
    "block sequence entries are not allowed in this context": (
        "a list cannot begin here",
        "begin it on a line of its own",
    ),
    "did not find expected key": ("expected a key, or the end of this mapping", _NEIGHBOURS),
    "did not find expected '-' indicator": ("expected `-`, or the end of this list", _NEIGHBOURS),
    "did not find expected ',' or ']'": ("expected `,` or `]`", None),
    "did not find expected ',' or '}'": ("expected `,` or `}`", None),
    "did not find expected node content": ("expected a value", None),
    "did not find expected alphabetic or numeric character": ("`&` and `*` stand before the name of an anchor", _QUOTE),
    "did not find expected comment or line break": ("expected the end of the line", "the text begins on the next line"),
    "did not find expected <document start>": ("expected the end of the text", None),
    "could not find expected ':'": ("expected a `:` behind this key", None),
    "found a tab character that violates indentation": ("a tab cannot indent", "use spaces"),
    "found a tab character where an indentation space is expected": ("a tab cannot indent", "use spaces"),
    "found invalid Unicode character escape code": (
        "this escape stands for no character",
        "write the character itself",
    ),
    "found unknown escape character": (
        "there is no such escape",
        "write `\\\\` for a backslash, or use 'single quotes'",
    ),
    "found unexpected end of stream": ("the text ends before its closing quote", None),
    "found unexpected document indicator": ("the text ends before its closing quote", None),
    "found unknown directive name": ("there is no such directive", "leave the line out, or quote the text"),
    "found incompatible YAML document": ("a manifest is YAML 1.2, this file says otherwise", "leave `%YAML` out"),
    "found undefined tag handle": ("tags are not allowed", "quotes make text"),
}
"""By what libyaml 0.2.5 says: what is wrong, and the words at the caret."""

_CODES: Final = {
    "found unknown directive name": SourceCode.DIRECTIVE,
    "found incompatible YAML document": SourceCode.DIRECTIVE,
    "found undefined tag handle": SourceCode.TAG,
}
"""By the same: what is YAML after all, but none that a manifest may hold."""

_STARTS: Final = {
    "\t": ("a tab cannot indent or begin a value", "use spaces"),
    "@": ("a value cannot begin with `@`", _QUOTE),
    "`": ("a value cannot begin with a backtick", _QUOTE),
    "%": ("a value cannot begin with `%`", _QUOTE),
}
"""By the character that libyaml cannot start a token with."""

_AFTER_VALUE: Final = ("the value has ended before this", "put the whole value between one pair of quotes")
"""When a key is missed in the middle of a line: `text: "Hi" {{ row.name }}`."""


def syntax_finding(error: YAMLError, lines: Lines, file: str) -> Diagnostic:
    """The finding for an error of libyaml.

    Args:
        error: As raised by `CParser.get_event`.
        lines: The text that it reads.
        file: The path that the finding names.
    """
    if isinstance(error, ReaderError):
        return _reader_finding(error, lines, file)
    assert isinstance(error, MarkedYAMLError)
    span = _span(error.problem_mark, lines, file)
    message, hint = _words(error, lines)
    code = _CODES.get(error.problem or "", SourceCode.SYNTAX)
    return Diagnostic(code=code, message=message, span=span, hint=hint, labels=_beginning(error, lines, span))


def _words(error: MarkedYAMLError, lines: Lines) -> tuple[str, str | None]:
    problem, mark = error.problem or "this is not YAML", error.problem_mark
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    column = mark.column if mark else 0
    if problem == "found character that cannot start any token":
        return _STARTS.get(line[column : column + 1], (problem, None))
    if problem == "did not find expected key" and line[:column].strip():
        return _AFTER_VALUE
    return _WORDS.get(problem, (problem, None))


def _beginning(error: MarkedYAMLError, lines: Lines, span: Span) -> tuple[Label, ...]:
    """A label at what libyaml was reading, such as the flow mapping whose `}` is missing."""
    begin = _span(error.context_mark, lines, span.file)
    if error.context is None or begin == span or not begin.line:
        return ()
    what = error.context.removeprefix("while parsing ").removeprefix("while scanning ")
    return (Label(begin, f"{what} begins here"),)


def _span(mark: Mark | None, lines: Lines, file: str) -> Span:
    if mark is None:
        return Span(file)
    line, column = lines.within(mark.line, mark.column)
    return Span(file, line + 1, column + 1)


def _reader_finding(error: ReaderError, lines: Lines, file: str) -> Diagnostic:
    """Bytes that are not UTF-8, or a character that YAML does not allow. libyaml gives the byte's offset."""
    span = lines.span(error.position, file)
    if "control" in error.reason:
        message = f"the control character U+{error.character:04X} is not allowed"
        return Diagnostic(code=SourceCode.CHARACTER, message=message, span=span, hint="delete it")
    return Diagnostic(code=SourceCode.ENCODING, message="the file is not UTF-8", span=span, notes=("save it as UTF-8",))
