"""Reading a list of tasks from its first page to its last."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from runner.engine.task_pages import MOST_TRIES, Unlisted, all_tasks
from tests.unit.engine.api import LOST, Forever, complaint
from tests.unit.engine.listing_api import ListingApi, Pages
from tests.unit.engine.virtual_time import VirtualClock, play

if TYPE_CHECKING:
    from runner.core.answers import Exchange, Request


def read(api: ListingApi, *, pages: Pages | None = None, most: int = 100_000) -> list[str]:
    """The ids of all tasks."""

    async def scene() -> list[str]:
        tasks = all_tasks(api, pages or Pages(), clock=VirtualClock(), rng=Random(1), most=most)
        return [task.task_id async for task in tasks]

    return play(scene)[0]


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1000, 1700])
def test_every_task_is_given_once(number: int) -> None:
    """Whether or not the last page is full."""
    assert len(set(read(ListingApi(older=number)))) == number


@pytest.mark.parametrize(("most", "given"), [(1, 500), (500, 500), (501, 1000)])
def test_a_long_list_is_cut(most: int, given: int) -> None:
    """No page is asked for when enough tasks were read."""
    assert len(read(ListingApi(older=10_000), most=most)) == given


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
    assert len(read(api, pages=_OnePage())) == 500
    assert len(api.lists) == 2
