"""A finding before it has its place: raised deep inside, given a place where the place is known."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.manifest.codes import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_CANDIDATES: Final = 2_000
_MOST_COMPARED: Final = 100
_LONGEST_WORD: Final = 200
"""Characters. Nobody means another name by more, and to compare takes memory by the character."""
_MOST_SUGGESTIONS: Final = 100
"""Of each file, 4 ms each where there are thousands of names; 20 findings of a file are shown."""


class Flaw(Exception):
    """Something is wrong with one value.

    Args:
        code: Its code.
        message: What is wrong, without a full stop.
        hint: Words for the caret, or what finds them when they are asked for (`Suggestions`), or None.
        notes: How to mend it, one line each.
        per_header: True when every row of the file has the same flaw (a missing column), so that it is said once.
        within: Where in the job's inputs it is; None when it is elsewhere or unknown.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        hint: str | Callable[[], str | None] | None = None,
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
    near = [it for it in islice(candidates, _MOST_CANDIDATES) if len(it) <= _LONGEST_WORD]
    if len(near) > _MOST_COMPARED:  # a comparison takes ten times as long as a look at both ends
        near = nlargest(_MOST_COMPARED, near, key=lambda it: _common_ends(word, it))
    matches = get_close_matches(word, near, n=1, cutoff=0.6)
    return matches[0] if matches else None


def _common_ends(word: str, other: str) -> int:
    """How many characters two words share at the front and at the back: a slip leaves most of these alone."""
    return _common_start(word, other) + _common_start(word[::-1], other[::-1])


def _common_start(word: str, other: str) -> int:
    shorter = min(len(word), len(other))
    return next((at for at in range(shorter) if word[at] != other[at]), shorter)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """`did you mean `x`?` for the closest candidate, or None."""
    found = closest(word, candidates)
    return f"did you mean `{found}`?" if found is not None else None


def suggestion(word: str, candidates: Iterable[str]) -> Callable[[], str | None]:
    """`did_you_mean` for when somebody asks: most of a million findings are counted and never shown.

    Args:
        word: What was written.
        candidates: What may have been meant; read when somebody asks, and each time.
    """
    return lambda: did_you_mean(word, candidates)


class Suggestions:
    """Gives flaws their hints: of each file the first findings with words of their own, since each takes a look at all names."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()
        self._known: dict[tuple[str, str], str | None] = {}

    def hint(self, flaw: Flaw, file: str) -> str | None:
        """The words for the caret.

        Args:
            flaw: What is wrong.
            file: The file that the finding points into.
        """
        if not callable(flaw.hint):
            return flaw.hint
        key = (file, flaw.message)
        if key not in self._known:
            if self._made[file] >= _MOST_SUGGESTIONS:
                return None
            self._made[file] += 1
            self._known[key] = flaw.hint()
        return self._known[key]
