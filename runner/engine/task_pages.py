"""Pages of the lists that APIs give of their tasks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from runner.core.answers import AskAgain, Reply
from runner.core.limits import back_off_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from random import Random

    from runner.core.ports import Clock, ListedTask, ListPage, TaskList, Wire

MOST_TRIES: Final = 6
"""With waits of 1, 2, 4, 8, 16 s: a page that cannot be had is given up after about half a minute."""

_MOST_RETRY_AFTER_S: Final = 900.0


class Unlisted(Exception):
    """A page cannot be had; the message says what came instead, for people."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one more page of a list has shown.

    Args:
        tasks: Those that no earlier page has shown.
        unreadable: Entries that name no task.
        is_last: Whether the list ends here.
    """

    tasks: Sequence[ListedTask]
    unreadable: int
    is_last: bool


async def read_page(wire: Wire, task_list: TaskList, offset: int, size: int) -> tuple[ListPage | AskAgain, int]:
    """Ask for the page with a certain place of a list. One that does not fit into a reply is asked for in halves.

    Args:
        wire: The account's connection.
        task_list: The list.
        offset: Entries before that place.
        size: Entries on each page.

    Returns:
        The page, or why there is none; and the size of the pages in the end. The page begins at a whole multiple of that.
    """
    while True:
        exchange = await wire.get(task_list.request(offset // size + 1, size))
        if not isinstance(exchange, Reply):
            return AskAgain(exchange.message), size
        listed = task_list.read(exchange)
        if not (isinstance(listed, AskAgain) and exchange.truncated and size > 1):
            return listed, size
        size //= 2


async def all_pages(wire: Wire, task_list: TaskList, *, clock: Clock, rng: Random, most: int) -> AsyncIterator[Stretch]:
    """A list from its first page to its last, each task once.

    Args:
        wire: The account's connection.
        task_list: The list.
        clock: For waits between tries.
        rng: For jitter.
        most: Entries at the most; a page that was asked for is given whole. What was cut has no last page.

    Raises:
        Unlisted: A page cannot be had.
    """
    offset, size, seen = 0, task_list.page_size, set[str]()
    while offset < most:
        page, size = await _insist(wire, task_list, offset, size, clock=clock, rng=rng)
        fresh = [task for task in page.tasks if task.task_id not in seen]
        seen.update(task.task_id for task in fresh)
        is_last = page.size < size
        yield Stretch(fresh, page.size - len(page.tasks), is_last)
        if is_last or (page.tasks and not fresh):  # nothing new on a full page: a host that knows one page only
            return
        offset = (offset // size + 1) * size


async def _insist(
    wire: Wire, task_list: TaskList, offset: int, size: int, *, clock: Clock, rng: Random
) -> tuple[ListPage, int]:
    for tries in count(1):
        listed, size = await read_page(wire, task_list, offset, size)
        if not isinstance(listed, AskAgain):
            return listed, size
        if tries == MOST_TRIES or listed.stops_account is not None:
            raise Unlisted(listed.reason)
        wait_s = back_off_s(tries, first_s=1.0, most_s=16.0, jitter=rng.random())
        await clock.sleep(max(wait_s, min(listed.retry_after_s or 0.0, _MOST_RETRY_AFTER_S)))
    raise AssertionError("asking ends inside its loop")
