"""What libyaml says about text that is not YAML, as a finding in plainer words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from runner.core.diagnostics import Diagnostic, Label, Span
from runner.manifest.source_codes import SourceCode

if TYPE_CHECKING:
    from yaml.error import Mark, YAMLError

    from runner.manifest.lines import Lines

_WORDS: Final = {
    "mapping values are not allowed in this context": (
        "a `:` that makes a mapping where none can be",
        "quote the text if it belongs to it",
    ),
    "found invalid Unicode character escape code": (
        "this escape stands for no character",
        "write the character itself",
    ),
    "found unknown escape character": (
        "there is no such escape",
        "write `\\\\` for a backslash, or use 'single quotes'",
    ),
    "found unexpected end of stream": ("the text ends before its closing quote", None),
    "did not find expected key": (
        "expected a key, or the end of this mapping",
        "is the line indented like its neighbours?",
    ),
    "did not find expected '-' indicator": (
        "expected `-`, or the end of this list",
        "is the line indented like its neighbours?",
    ),
    "did not find expected ',' or ']'": ("expected `,` or `]`", None),
    "did not find expected ',' or '}'": ("expected `,` or `}`", None),
    "could not find expected ':'": ("expected a `:` behind this key", None),
    "did not find expected <document start>": ("expected the end of the text here", None),
    "found unknown directive name": ("there is no such directive", "leave the line out, or quote the text"),
    "found incompatible YAML document": ("a manifest is YAML 1.2, this file says otherwise", "leave `%YAML` out"),
    "did not find expected node content": ("expected a value", None),
    "found undefined tag handle": ("tags are not allowed", "quotes make text"),
}
"""By what libyaml 0.2.5 says: what is wrong, and the words at the caret."""

_STARTS: Final = {
    "\t": ("a tab cannot indent or begin a value", "use spaces"),
    "@": ("a value cannot begin with `@`", "put the text between quotes"),
    "`": ("a value cannot begin with a backtick", "put the text between quotes"),
    "%": ("a value cannot begin with `%`", "put the text between quotes"),
}
"""By the character that libyaml cannot start a token with."""


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
    return Diagnostic(
        code=SourceCode.SYNTAX, message=message, span=span, hint=hint, labels=_beginning(error, lines, span)
    )


def _words(error: MarkedYAMLError, lines: Lines) -> tuple[str, str | None]:
    problem = error.problem or "this is not YAML"
    if problem in _WORDS:
        return _WORDS[problem]
    mark = error.problem_mark
    if mark and problem == "found character that cannot start any token":
        return _STARTS.get(lines[mark.line][mark.column : mark.column + 1], (problem, None))
    return problem, None


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
