"""Where in a list of tasks ours were seen last, and whether reading it is worth its requests. Pure arithmetic.

Neither order nor length of a list is documented (api-facts.md section 1.4). Newest first, ours stand on the first page; oldest first, on the
last ones, behind all that the account ever made. Either way they stand next time about where they stood this time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_LEAST_SIZE: Final = 30
_SIZE_FOR_EACH: Final = 4
"""A page has room for so many tasks for each one that is waited for: ended ones stand between them. A larger page costs time to read."""

_MOST_BARREN: Final = 32
"""So many pages in a row without a task of ours, 16,000 tasks of Kling's, and the search is given up for a while."""

_FIRST_REST: Final = 4
_LONGEST_REST: Final = 128
"""Rounds in which a list is left alone: doubled each time that it was of no use, up to ten minutes at the usual pace."""


@dataclass(slots=True)
class Sightings:
    """What the rounds have learned about one list.

    Args:
        most: The most tasks that a page can hold.
    """

    most: int
    _offset: int = field(init=False, default=0)
    _barren: int = field(init=False, default=0)
    _resting: int = field(init=False, default=0)
    _rest: int = field(init=False, default=_FIRST_REST)

    @property
    def offset(self) -> int:
        """Tasks before the place where to look first."""
        return self._offset

    @property
    def pages_to_search(self) -> int:
        """Pages that may be read in vain before the search is given up."""
        return _MOST_BARREN - self._barren

    def size_for(self, waiting: int) -> int:
        """Tasks that each page should hold.

        Args:
            waiting: Tasks that are waited for.
        """
        is_at_front = self._offset == self._barren == 0
        return min(self.most, max(_LEAST_SIZE, _SIZE_FOR_EACH * waiting)) if is_at_front else self.most

    def is_left_alone(self) -> bool:
        """Whether this round does without the list; asked once a round."""
        self._resting -= self._resting > 0
        return self._resting > 0

    def leave_alone(self, *, goes_on_at: int = 0) -> None:
        """The list was of no use: some rounds do without it.

        Args:
            goes_on_at: Where the search goes on after them.
        """
        self._resting = self._rest + 1
        self._rest = min(2 * self._rest, _LONGEST_REST)
        self._offset, self._barren = goes_on_at, 0

    def shrink(self, size: int) -> None:
        """Pages of more than `size` tasks do not fit into a reply."""
        self.most = size

    def found(self, offset: int) -> None:
        """Tasks of ours were seen, the first of them on the page that begins at `offset`."""
        self._offset, self._barren, self._rest = offset, 0, _FIRST_REST

    def nothing_found(self, pages: int, *, goes_on_at: int | None) -> None:
        """No task of ours was seen.

        Args:
            pages: So many were read.
            goes_on_at: Where the search may go on; None when the whole list was read.
        """
        self._barren += pages
        if goes_on_at is None or self._barren >= _MOST_BARREN:
            self.leave_alone(goes_on_at=goes_on_at or 0)
        else:
            self._offset = goes_on_at
