"""Reading a list of tasks from its first page to its last."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from runner.engine.task_pages import MOST_TRIES, Stretch, Unlisted, all_pages
from tests.unit.engine.api import LOST, Forever, complaint
from tests.unit.engine.listing_api import ListingApi, Pages
from tests.unit.engine.virtual_time import VirtualClock, play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.core.answers import Exchange, Request


def stretches(api: ListingApi, *, pages: Pages | None = None, most: int = 100_000) -> list[Stretch]:
    """All that reading the list shows."""

    async def scene() -> list[Stretch]:
        shown = all_pages(api, pages or Pages(), clock=VirtualClock(), rng=Random(1), most=most)
        return [stretch async for stretch in shown]

    return play(scene)[0]


def read(api: ListingApi, *, most: int = 100_000) -> list[str]:
    """The ids of all tasks."""
    return [task.task_id for stretch in stretches(api, most=most) for task in stretch.tasks]


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1000, 1700])
def test_every_task_is_given_once(number: int) -> None:
    """Whether or not the last page is full."""
    assert len(set(read(ListingApi(older=number)))) == number


@pytest.mark.parametrize(("most", "given"), [(1, 500), (500, 500), (501, 1000)])
def test_a_long_list_is_cut(most: int, given: int) -> None:
    """No page is asked for when enough tasks were read, and none says that it is the last."""
    shown = stretches(ListingApi(older=10_000), most=most)
    assert sum(len(stretch.tasks) for stretch in shown) == given
    assert not any(stretch.is_last for stretch in shown)


@pytest.mark.parametrize("nameless", [[3], [0, 499, 500, 1999], range(1500, 2000), range(500)])
def test_entries_that_name_no_task_do_not_end_the_list(nameless: Iterable[int]) -> None:
    """Whether a page is the last is seen by its entries, not by those that can be read; the others are counted."""
    without_id = frozenset(nameless)
    shown = stretches(ListingApi(older=2000, newest_first=False, nameless=without_id))
    assert sum(len(stretch.tasks) for stretch in shown) == 2000 - len(without_id)
    assert sum(stretch.unreadable for stretch in shown) == len(without_id)
    assert [stretch.is_last for stretch in shown] == [False] * 4 + [True]


def test_a_list_of_nothing_readable_ends() -> None:
    """Also on a host that gives the same page whatever it is asked for."""
    api = ListingApi(older=600, nameless=frozenset(range(600)))
    shown = stretches(api, pages=_OnePage(), most=5_000)
    assert (len(api.lists), shown[-1].is_last) == (10, False)


def test_pages_that_do_not_fit_are_asked_for_in_halves() -> None:
    """And not one task is left out for it."""
    assert len(set(read(ListingApi(older=900, most_fitting=70)))) == 900


@pytest.mark.parametrize("trouble", [LOST, complaint(500), complaint(429, retry_after="5")])
def test_a_page_that_fails_is_asked_for_again(trouble: Exchange) -> None:
    """A reset or an overloaded server is weather."""
    api = ListingApi(older=10, fails=[trouble] * (MOST_TRIES - 1))
    assert len(read(api)) == 10


def test_a_page_that_cannot_be_had_is_given_up() -> None:
    """With what the API says."""
    api = ListingApi(fails=Forever([complaint(404)]))
    with pytest.raises(Unlisted, match="404"):
        read(api)
    assert len(api.lists) == MOST_TRIES


@dataclass(frozen=True, slots=True)
class _OnePage(Pages):
    """Pages of a host that does not heed which one is asked for."""

    def request(self, page: int, size: int) -> Request:
        """Always the first."""
        return Pages.request(self, min(page, 1), size)


def test_a_host_that_knows_one_page_only_is_not_asked_for_ever() -> None:
    """A page without a single new task is the last."""
    api = ListingApi(older=700)
    shown = stretches(api, pages=_OnePage())
    assert [len(stretch.tasks) for stretch in shown] == [500, 0]
    assert (len(api.lists), shown[-1].is_last) == (2, False)
