"""An API that also lists its tasks, page by page, in whatever order and as late as a test wants it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.core.answers import AskAgain, Ended, Ready, Request, Running
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.ports import ListedTask, ListPage, Operation
from runner.providers.digital_human import DIGITAL_HUMAN
from tests.unit.engine.api import Api, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Exchange, QueryAnswer, Reply

_LIST = "/tasks?"


@dataclass(frozen=True, slots=True)
class Pages:
    """The list of tasks as a provider reads it: `runner.core.ports.TaskList`.

    Args:
        page_size: The most tasks on a page.
    """

    page_size: int = 500

    def request(self, page: int, size: int) -> Request:
        """A page."""
        assert page >= 1
        assert 1 <= size <= self.page_size
        return Request("GET", f"{_LIST}page={page}&size={size}")

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """Its tasks, but for entries without an id."""
        if reply.status != 200 or reply.truncated:
            wish = reply.headers.get("retry-after")
            return AskAgain(f"HTTP {reply.status}", retry_after_s=None if wish is None else float(wish))
        entries = json.loads(reply.body)
        tasks = [
            ListedTask(task_id=task["id"], external_id=task.get("external_id"), body=task)
            for task in entries
            if task["id"]
        ]
        return ListPage(tasks=tasks, size=len(entries))

    def read_task(self, task: ListedTask, inputs: Mapping[str, Any]) -> QueryAnswer:  # noqa: ARG002  no choice among results here
        """How a task stands."""
        match task.body["status"]:
            case "done":
                return Ready(task.body["address"])
            case "failed":
                return Ended(Failure(cause=Cause.GENERATION, code=Code.GENERATION_FAILED, message="no face"))
            case "running":
                return Running()
            case status:
                return AskAgain(f"unreadable: {status}")


@dataclass(frozen=True, slots=True)
class Listable:
    """An operation with a list: that of digital human, otherwise.

    Args:
        task_list: The list.
    """

    task_list: Pages = field(default_factory=Pages)
    operation: Operation = DIGITAL_HUMAN.operations["avatar"]

    def __getattr__(self, name: str) -> Any:
        """Everything else is the operation's own."""
        return getattr(self.operation, name)


@dataclass(slots=True)
class ListingApi(Api):
    """Lists what it took, beside what strangers made.

    Args:
        newest_first: In what order.
        older: Tasks of strangers from before.
        newer: Tasks of strangers that are always the newest.
        lag_s: Seconds by which the list lags behind the tasks themselves.
        stands_still_at: Virtual seconds after which the list shows nothing new; None for never.
        shows_results: Whether a finished task in it has its address.
        odd: Job ids whose tasks stand in it unreadably.
        nameless: Of strangers' older tasks, the numbers of those that stand in it without an id.
        fails: What its requests meet instead of a page, from the first on.
        most_fitting: Tasks that fit into a reply; None for all.
        lists: When pages were asked for: virtual seconds, page, size.
    """

    newest_first: bool = True
    older: int = 0
    newer: int = 0
    lag_s: float = 0.0
    stands_still_at: float | None = None
    shows_results: bool = True
    odd: frozenset[str] = frozenset()
    nameless: frozenset[int] = frozenset()
    fails: list[Exchange | BaseException] = field(default_factory=list)
    most_fitting: int | None = None
    lists: list[tuple[float, int, int]] = field(default_factory=list)

    async def get(self, request: Request) -> Exchange:
        """Answer a query, of one task or of many."""
        if not request.path.startswith(_LIST):
            return await Api.get(self, request)
        page, size = (int(word.partition("=")[2]) for word in request.path.removeprefix(_LIST).split("&"))
        now = asyncio.get_running_loop().time()
        self.lists.append((now, page, size))
        await asyncio.sleep(self.get_s)
        if self.fails:
            answer = self.fails.pop(0) if not getattr(self.fails, "repeats", False) else self.fails[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer
        tasks = self._listed(now - self.lag_s)[(page - 1) * size : page * size]
        if self.most_fitting is not None and len(tasks) > self.most_fitting:
            cut = reply(200, tasks)
            return type(cut)(cut.status, cut.headers, cut.body, truncated=True)
        return reply(200, tasks)

    def _listed(self, as_of: float) -> list[dict[str, Any]]:
        if self.stands_still_at is not None:
            as_of = min(as_of, self.stands_still_at)
        ours = [
            {"id": task_id, "status": self._status(job, ends, as_of), "address": self._address(job)}
            for task_id, (job, began, ends) in self.tasks.items()
            if began <= as_of
        ]
        before, after = (
            [{"id": f"{age}-{number}", "status": "done", "address": None} for number in range(count)]
            for age, count in (("older", self.older), ("newer", self.newer))
        )
        for number in self.nameless:
            before[number]["id"] = None
        oldest_first = [*before, *ours, *after]
        return oldest_first[::-1] if self.newest_first else oldest_first

    def _status(self, job: str, ends: float, as_of: float) -> str:
        if job in self.odd:
            return "odd"
        if as_of < ends:
            return "running"
        return "failed" if job in self.results else "done"

    def _address(self, job: str) -> str | None:
        return f"https://cdn.example.com/{job}.mp4" if self.shows_results else None

    def requests(self) -> list[float]:
        """When anything was asked: pages and single tasks."""
        return sorted([at for at, *_ in self.lists] + [at for at, _ in self.gets])

    def most_within(self, seconds: float, *, begin: float = 0.0) -> int:
        """The most requests within any span of so many seconds that begins at `begin` or later."""
        asked = [at for at in self.requests() if at >= begin]
        return max((sum(at <= other < at + seconds for other in asked) for at in asked), default=0)
