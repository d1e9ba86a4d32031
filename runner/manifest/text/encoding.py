r"""From the bytes of a file to UTF-8 in which every line ends in `\n`, before the YAML reader sees it.

libyaml reads UTF-16, takes three more characters for line ends than YAML 1.2 does, and compares every `%TAG` directive with every
other. Each of these is found here, with its place.
"""

from __future__ import annotations

import codecs
from typing import Final

from runner.core.diagnostics import Diagnostic, Span
from runner.manifest.text.codes import SourceCode
from runner.manifest.text.lines import Lines

_OTHER_ENCODINGS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_LINE_ENDS_OF_YAML_1_1: Final = {
    "\u0085": ("U+0085 (next line)", "\\N"),
    "\u2028": ("U+2028 (line separator)", "\\L"),
    "\u2029": ("U+2029 (paragraph separator)", "\\P"),
}


def encode(text: str, *, file: str) -> bytes | Diagnostic:
    """Text as UTF-8, or a finding at the first character that has none (a lone surrogate)."""
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        before = text[: problem.start].encode()
        character = f"U+{ord(text[problem.start]):04X}"
        message = f"{character} is half of a surrogate pair, not a character"
        return Diagnostic(code=SourceCode.CHARACTER, message=message, span=Lines(before).span(len(before), file))


def normalise(raw: bytes, *, file: str) -> Lines | Diagnostic:
    """The text of a file without byte order mark and carriage returns.

    Args:
        raw: The file's bytes.
        file: The path that a finding names.

    Returns:
        The lines, of which libyaml has yet to find bytes that are not UTF-8; or what is wrong with them.
    """
    other = next((name for mark, name in _OTHER_ENCODINGS.items() if raw.startswith(mark)), None)
    if other is not None:
        message = f"the file is {other}; a manifest is UTF-8"
        return Diagnostic(code=SourceCode.ENCODING, message=message, span=Span(file), notes=("save it as UTF-8",))
    lines = Lines.of_file(raw)
    return _line_end(lines, file) or _tag_directive(lines, file) or lines


def _find(raw: bytes, wanted: bytes, *, rare: int) -> int:
    """As `raw.find(wanted)`; a look for one byte that is mostly not there at all comes first and is ten times faster."""
    return raw.find(wanted) if wanted[rare : rare + 1] in raw else -1


def _line_end(lines: Lines, file: str) -> Diagnostic | None:
    found = {
        offset: character
        for character in _LINE_ENDS_OF_YAML_1_1
        if (offset := _find(lines.raw, character.encode(), rare=0)) >= 0
    }
    if not found:
        return None
    offset = min(found)
    name, escape = _LINE_ENDS_OF_YAML_1_1[found[offset]]
    return Diagnostic(
        code=SourceCode.CHARACTER,
        message=f"the invisible character {name}, on which YAML readers do not agree",
        span=lines.span(offset, file),
        hint="delete it, or put a space or a line break here",
        notes=(f'if the text needs it, write `{escape}` in a text between "double quotes"',),
    )


def _tag_directive(lines: Lines, file: str) -> Diagnostic | None:
    """A line that begins with `%TAG`. It could serve tags only, which are refused; inside a mapping no text begins so far left."""
    offset = 0 if lines.raw.startswith(b"%TAG") else _find(lines.raw, b"\n%TAG", rare=1) + 1
    if not lines.raw.startswith(b"%TAG", offset):
        return None
    message = "a manifest has no tags, so it needs no `%TAG`"
    return Diagnostic(code=SourceCode.DIRECTIVE, message=message, span=lines.span(offset, file), hint="leave it out")
