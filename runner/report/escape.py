"""Hostile text made harmless, one function a sink.

Provider messages, prompts, names and addresses come from outside. Each sink calls its own function here right before it writes;
nothing is escaped earlier, so nothing is escaped twice. HTML is escaped by Jinja2; only `visible` is applied before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPLACEMENT: Final = "\ufffd"

_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC: titles, links
    r"|\x1b[ -/]*[0-~]"  # every other escape
)
_BLANKS: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls: they reorder the line around them
    r"\u200b\u2060\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # zero width, tags: text that only programmes see
    r"\ud800-\udfff]"  # lone surrogates: no encoder takes them
)
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_JSON: Final = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]()<>#+!|~&@$^=:\"'-]")

_ADDRESS: Final = re.compile(
    r"(?P<place>(?:https?(?::|%3a))?(?:\\?/|%2f){2}[^\s?#]*?)(?:[?#]|%3f|%23)\S*",
    re.IGNORECASE,
)
"""An absolute or scheme-relative address with query or fragment, also where it is percent-encoded or JSON-escaped inside a text.

It goes to the next blank, quotes and angle brackets included: these may stand in an address, and words lost cost less than a signature.
"""
_USER_PART: Final = re.compile(r"(?P<scheme>https?://)[^\s/@]*@", re.IGNORECASE)


def visible(text: str) -> str:
    """The text without what a reader cannot see: one line, without escape sequences, controls and invisible characters.

    For the terminal, and as the first step of every other sink for people.

    Args:
        text: Anything.

    Returns:
        Whole escape sequences removed, line breaks and tabs as one blank, other invisible characters as U+FFFD.
    """
    if text.isprintable():  # holds for nearly every text, and nothing that the patterns look for is printable
        return text
    return _UNSEEN.sub(_REPLACEMENT, _BLANKS.sub(" ", _SEQUENCES.sub("", text)))


def visible_lines(text: str) -> str:
    """Like `visible`, with its line breaks kept: for a transcript."""
    return "\n".join(visible(line) for line in text.splitlines())


def markdown(text: str) -> str:
    """The text for Markdown, also within a table cell: every character with a meaning as its numeric entity."""
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", visible(text))


def xml(text: str) -> str:
    """The text with what XML 1.0 forbids replaced by U+FFFD; the XML writer escapes the rest.

    Source: XML 1.0 (fifth edition), production 2, Char.
    """
    return _NOT_XML.sub(_REPLACEMENT, text)


def json_text(text: str) -> str:
    """Encoded JSON made safe to print: the same value, with C1 and bidirectional controls written as escapes.

    Lone surrogates, which strict readers refuse, become U+FFFD.

    Args:
        text: What `json.dumps(..., ensure_ascii=False)` gave.
    """
    escaped = _NOT_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _SURROGATES.sub(_REPLACEMENT, escaped)


def without_queries(text: str) -> str:
    """The text with every address in it cut before its query: signatures of result addresses never leave the state.

    Args:
        text: An address, or a sentence that may quote some.

    Returns:
        The same with query, fragment and user part of each address removed.
    """
    if "//" not in text and "%2f" not in text.lower() and "\\/" not in text:
        return text
    return _USER_PART.sub(r"\g<scheme>", _ADDRESS.sub(r"\g<place>", text))


def shown(value: Any) -> Any:
    """A JSON value for people: addresses without their queries, and `None` for numbers that JSON cannot write.

    Args:
        value: JSON value, e.g. an operation's outputs.
    """
    match value:
        case str():
            return without_queries(value)
        case float() if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN differs from itself
            return None
        case dict():
            return shown_mapping(value)
        case list() | tuple():
            return [shown(item) for item in value]
        case _:
            return value


def shown_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """`shown` for an object."""
    return {without_queries(str(key)): shown(item) for key, item in value.items()}
