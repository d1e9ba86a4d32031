"""What YAML allows and a manifest does not, put into words with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from runner.core.diagnostics import Diagnostic, Label
from runner.manifest.text.codes import SourceCode

if TYPE_CHECKING:
    from runner.manifest.text.positions import Positions

MOST_FINDINGS: Final = 200
"""A file with more is not a manifest; to read on would only cost memory."""

_LONGEST_QUOTE: Final = 40
_QUOTE_IT: Final = "put it between quotes to make it text"


class Abandoned(Exception):
    """The document cannot be read any further; the last finding says why."""


def quoted(text: str) -> str:
    """A piece of the manifest for use in a message: between backticks, cut when it is long."""
    return f"`{text}`" if len(text) <= _LONGEST_QUOTE else f"`{text[: _LONGEST_QUOTE - 1]}…`"


class Refusals:
    """Collects the findings of one document; each method is one thing that is refused.

    Args:
        positions: The places of the nodes that the methods are given by number.
    """

    def __init__(self, positions: Positions) -> None:
        self.findings: list[Diagnostic] = []
        self._positions = positions

    def duplicate(self, node: int, first: int, key: str) -> None:
        """A mapping has the key of `node` already, at `first`."""
        label = Label(self._positions.span(first), "the first is here")
        note = ("to merge several mappings, write `<<: [*one, *two]`",) if key == "<<" else ()
        self._add(
            SourceCode.DUPLICATE_KEY,
            node,
            f"the key {quoted(key)} is given twice",
            "the second is here",
            label,
            notes=note,
        )

    def key(self, node: int, text: str) -> None:
        """A key is not text."""
        message = f"the key {quoted(text)} is not text" if text else "the key is empty"
        self._add(SourceCode.KEY_NOT_TEXT, node, message, _QUOTE_IT)

    def collection_as_key(self, node: int) -> NoReturn:
        """A key is a list or mapping: mostly a template that lacks its quotes, which YAML reads as a mapping in a mapping."""
        span = self._positions.span(node)
        if self._positions.lines[span.line - 1][: span.column].endswith("{{"):
            self._abandon(SourceCode.KEY_NOT_TEXT, node, "a template needs quotes", 'write it as "{{ … }}"')
        self._abandon(SourceCode.KEY_NOT_TEXT, node, "a key is text, not a list or mapping")

    def tag(self, node: int, tag: str) -> None:
        """A value has an explicit tag."""
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        self._add(
            SourceCode.TAG, node, f"the tag {quoted(shown)} is not allowed", "leave the tag out; quotes make text"
        )

    def number(self, node: int, text: str, problem: ValueError) -> None:
        """A number is none that a manifest can hold."""
        self._add(SourceCode.NUMBER, node, f"{quoted(text)} {problem}", _QUOTE_IT)

    def nul(self, node: int) -> None:
        """A text holds NUL, which neither file names nor terminals nor the remote APIs can take."""
        self._add(SourceCode.CHARACTER, node, "the text holds the character NUL")

    def alias(self, node: int, name: str, anchor: int | None) -> None:
        """An alias has no anchor before it (None), or stands inside the value of its anchor."""
        if anchor is None:
            message = f"the alias {quoted(f'*{name}')} has no anchor {quoted(f'&{name}')} before it"
            self._add(SourceCode.ALIAS, node, message)
            return
        label = Label(self._positions.span(anchor), "the anchor is here")
        message = f"the alias {quoted(f'*{name}')} stands inside the value that it repeats"
        self._add(SourceCode.ALIAS, node, message, None, label)

    def joined_anchor(self, node: int, name: str) -> None:
        """An anchor's name goes on with characters that libyaml takes for the text behind it."""
        message = f"the anchor {quoted(f'&{name}')} is not divided from its text"
        self._add(SourceCode.ALIAS, node, message, "put a space behind the name, which is letters, digits, `-` and `_`")

    def merge(self, node: int) -> None:
        """`<<` is given something else than mappings."""
        self._add(SourceCode.MERGE, node, "`<<` takes a mapping or a list of mappings", "this is neither")

    def version(self, node: int) -> None:
        """The text says that it is YAML of another version than 1.2."""
        self._add(SourceCode.DIRECTIVE, node, "a manifest is YAML 1.2, this file says otherwise", "leave `%YAML` out")

    def second_document(self, node: int) -> NoReturn:
        """The text goes on after its document."""
        self._abandon(SourceCode.SECOND_DOCUMENT, node, "a manifest is one document; here a second one begins")

    def too_deep(self, node: int, most: int) -> NoReturn:
        """There are more levels than `most`."""
        self._abandon(
            SourceCode.TOO_DEEP, node, f"lists and mappings are nested more than {most} levels deep, aliases followed"
        )

    def too_many_values(self, node: int, most: int) -> NoReturn:
        """There are more values than `most`."""
        message = f"the manifest has more than {most:,} values, aliases and merges counted out"
        self._abandon(SourceCode.TOO_MANY_VALUES, node, message, "the limit is passed here")

    def _add(
        self,
        code: SourceCode,
        node: int,
        message: str,
        hint: str | None = None,
        *labels: Label,
        notes: tuple[str, ...] = (),
    ) -> None:
        span = self._positions.span(node)
        self.findings.append(
            Diagnostic(code=code, message=message, span=span, hint=hint, labels=labels, notes=notes),
        )
        if len(self.findings) >= MOST_FINDINGS:
            raise Abandoned

    def _abandon(self, code: SourceCode, node: int, message: str, hint: str | None = None) -> NoReturn:
        self._add(code, node, message, hint)
        raise Abandoned
