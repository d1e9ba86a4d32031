r"""Text made fit for a terminal: what could move the cursor, colour, reorder or break a line shows as `\ufffd`.

Terminals do not agree on how wide a sequence of emoji is. So the characters that make one of several (joiners, variation selectors,
skin tones) are left out of lines of a file, and a caret below stands at the right cell everywhere.
"""

from __future__ import annotations

import re
from typing import Final

TAB: Final = "    "
"""What a tab shows as. Its real width depends on where the terminal puts its stops."""

_SEQUENCES: Final = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_LONGEST_MESSAGE: Final = 2_000
"""Code points. A circle of ten thousand jobs has a longer one; nobody reads it to its end."""

_SPACES: Final = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_HARMFUL: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences begin with them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of writing direction: the text would read in another order than it has
    "\u200b\u2060\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # no width: text that only programmes see
    "\u2028\u2029"  # line ends to some programmes
    "\ud800-\udfff"  # lone surrogates: cannot be written at all
    "]"
)


def visible(line: str) -> str:
    """A line of a file: tabs as spaces, emoji one by one, anything harmful as one replacement character each."""
    return _HARMFUL.sub("\ufffd", _SEQUENCES.sub("", line.replace("\t", TAB)))


def one_line(text: str) -> str:
    """A message: on one line, anything harmful replaced, cut when nobody would read it."""
    shown = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
    return _HARMFUL.sub("\ufffd", _SPACES.sub(" ", shown))
