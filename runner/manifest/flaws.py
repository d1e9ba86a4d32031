"""A finding before it has its place: raised deep inside, given a place where the place is known."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.manifest.codes import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_CANDIDATES: Final = 2000
_LONGEST_WORD: Final = 200
"""Characters. Nobody means another name by more, and to compare takes memory by the character."""


class Flaw(Exception):
    """Something is wrong with one value.

    Args:
        code: Its code.
        message: What is wrong, without a full stop.
        hint: Words for the caret, or None.
        notes: How to mend it, one line each.
        per_header: True when every row of the file has the same flaw (a missing column), so that it is said once.
        within: Where in the job's inputs it is; None when it is elsewhere or unknown.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        notes: tuple[str, ...] = (),
        per_header: bool = False,
        within: tuple[str | int, ...] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.notes = notes
        self.per_header = per_header
        self.within = within


class SaidAlready(Flaw):
    """A value is not known, for a reason that the findings have already: not to be reported again."""

    def __init__(self) -> None:
        super().__init__(Code.SCHEMA, "what is wrong here was said already")


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None. Looks at the first 2,000."""
    if len(word) > _LONGEST_WORD:
        return None
    matches = get_close_matches(word, list(islice(candidates, _MOST_CANDIDATES)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """`did you mean `x`?` for the closest candidate, or None."""
    found = closest(word, candidates)
    return f"did you mean `{found}`?" if found is not None else None
