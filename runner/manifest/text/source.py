"""A manifest's text as plain values, each with its place: YAML 1.2 (core schema) with bounds.

What is wrong with a file is a value, a list of findings, never an exception: one bad file never hides another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from yaml import CSafeLoader
from yaml.error import YAMLError

from runner.core.diagnostics import Diagnostic, Span
from runner.manifest.regular_files import open_regular
from runner.manifest.text.building import Builder
from runner.manifest.text.codes import SourceCode
from runner.manifest.text.encoding import encode, normalise
from runner.manifest.text.refusals import Abandoned
from runner.manifest.text.scalars import BadNumber, resolve
from runner.manifest.text.syntax import syntax_finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.manifest.text.lines import Lines
    from runner.manifest.text.positions import Positions

LARGEST_FILE: Final = 64 * 2**20
"""Bytes."""


@dataclass(frozen=True)
class Document:
    """A file that is YAML.

    Args:
        file: The path as the user typed it.
        value: Dicts, lists, strings, numbers, booleans and None; aliases and merges applied. What is aliased is one shared object, so
            nothing in it may be changed in place. The keys of `<<` come after those written in the mapping itself.
        lines: The text by line, from 0, decoded when asked for.
        sha256: Digest of the file's bytes, hexadecimal.
    """

    file: str
    value: Any
    lines: Sequence[str]
    sha256: str
    _node: int = field(repr=False)
    _positions: Positions = field(repr=False)

    @property
    def text(self) -> str:
        r"""The whole text, decoded anew each time: without byte order mark, every line ending in `\n`."""
        return self._positions.lines.text

    def span(self, pointer: tuple[str | int, ...]) -> Span:
        """The place of a value: where it was written, should it stand here by alias or merge.

        Args:
            pointer: Keys and indices from the root. Where it leads to nothing, the nearest existing ancestor counts.
        """
        return self._positions.span(self._positions.find(self._node, self.value, pointer)[1])

    def key_span(self, pointer: tuple[str | int, ...]) -> Span:
        """The place of the key of a mapping's entry; an item of a list is its own key. Else as `span`."""
        return self._positions.span(self._positions.find(self._node, self.value, pointer)[0])

    def use_span(self, pointer: tuple[str | int, ...]) -> Span | None:
        """The place that uses a value by alias or merge; None when the value was written where it stands."""
        node = self._positions.find_use(self._node, self.value, pointer)
        return None if node is None else self._positions.span(node)

    def scalar(self, pointer: tuple[str | int, ...]) -> str | None:
        """A number, true or false as it was written, such as `007`; None when the value is anything else."""
        place = self.span(pointer)
        start = place.column - 1
        # An anchor may stand before it; what follows it has no blank inside.
        *_, written = self.lines[place.line - 1][start : start + place.width].split() or [""]
        try:
            return written if isinstance(resolve(written), int | float) else None
        except BadNumber:
            return None


def read(path: Path, *, display: str | None = None) -> Document | list[Diagnostic]:
    """Reads a file.

    Args:
        path: Where it is.
        display: How messages name it; the path itself when None.

    Returns:
        The document, or what is wrong with it: at least one error.
    """
    file = str(path) if display is None else display
    try:
        with open(path, "rb", opener=open_regular) as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as problem:  # ValueError: a path that holds NUL
        reason = getattr(problem, "strerror", None) or str(problem)
        return [Diagnostic(code=SourceCode.UNREADABLE, message=f"the file cannot be read: {reason}", span=Span(file))]
    return parse(raw, file=file)


def parse(text: str | bytes, *, file: str) -> Document | list[Diagnostic]:
    """Reads text.

    Args:
        text: YAML as text, or as the bytes of a file.
        file: How messages name it.

    Returns:
        The document, or what is wrong with it: at least one error, in position order. At most 200 findings, and one more when the text is not YAML.
    """
    raw = encode(text, file=file) if isinstance(text, str) else text
    if isinstance(raw, Diagnostic):
        return [raw]
    if len(raw) > LARGEST_FILE:
        message = f"the file is larger than {LARGEST_FILE // 2**20} MiB; jobs by the thousand come from `foreach`"
        return [Diagnostic(code=SourceCode.TOO_LARGE, message=message, span=Span(file))]
    lines = normalise(raw, file=file)
    if isinstance(lines, Diagnostic):
        return [lines]
    builder = Builder(file, lines)
    findings = builder.refusals.findings
    findings += _build(builder, lines, file)
    if findings:
        return sorted(findings, key=lambda finding: finding.span)
    return Document(file, builder.value, lines, sha256(raw).hexdigest(), builder.node, builder.positions)


def _build(builder: Builder, lines: Lines, file: str) -> list[Diagnostic]:
    """Hands the events of the text to the builder; returns what libyaml has against it."""
    try:
        builder.take(iter(CSafeLoader(lines.raw).get_event, None))
    except YAMLError as error:
        return [syntax_finding(error, lines, file)]
    except Abandoned:
        pass
    return []
