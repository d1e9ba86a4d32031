"""The digital human as if its API knew our own ids, and a scripted API that does: what look-ups are tested with."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from runner.core.answers import AskAgain, Duplicate, Reply, Request, UnknownTask
from runner.core.events import Cause, Failure
from runner.core.ports import ListedTask, ListPage
from runner.providers.registry import PROVIDERS
from tests.unit.engine.api import Api, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Exchange, QueryAnswer, SubmitAnswer
    from runner.core.ports import Operation, OwnIds, TaskList, Traits

REAL = PROVIDERS["digital-human"].operations["avatar"]
DUPLICATE = reply(400, {"code": "duplicate"})
"""The API refuses: it has the id already, or it dislikes something else."""
SURE_DUPLICATE = reply(400, {"code": "sure duplicate"})


class ById:
    """`GET /own/<id>`."""

    def request(self, external_id: str) -> Request:
        """Asks by the id."""
        return Request("GET", f"/own/{external_id}")

    def read(self, reply: Reply, external_id: str) -> str | AskAgain | None:  # noqa: ARG002  the reply says nothing else
        """200 names the task, 404 denies it."""
        if reply.status == 200:
            return str(json.loads(reply.body)["task"])
        return None if reply.status == 404 else AskAgain(f"HTTP {reply.status}", is_busy=reply.status == 429)


class InList:
    """`GET /list?page=&size=`."""

    page_size = 2

    def request(self, page: int, size: int) -> Request:
        """Asks for a page."""
        return Request("GET", f"/list?page={page}&size={size}")

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """The tasks, or nothing said."""
        if reply.status != 200:
            return AskAgain(f"HTTP {reply.status}")
        entries = json.loads(reply.body)
        tasks = [ListedTask(task_id=task, external_id=own, body={}) for task, own in entries if task]
        return ListPage(tasks=tasks, size=len(entries))

    def read_task(self, task: ListedTask, inputs: Mapping[str, Any]) -> QueryAnswer:  # noqa: ARG002  nothing is listed of it
        """Nothing."""
        return AskAgain("the list shows ids alone")


@dataclass(frozen=True)
class Knowing:
    """The digital human's operation with own ids."""

    own_ids: OwnIds | None = field(default_factory=ById)
    task_list: TaskList | None = None
    name: str = REAL.name
    traits: Traits = REAL.traits

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The real one's, with our id."""
        request = REAL.submission(inputs, external_id)
        return replace(request, body=json.dumps(json.loads(request.body or b"") | {"own": external_id}).encode())

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """The real one's, and two words more."""
        for word, is_certain in ((DUPLICATE, False), (SURE_DUPLICATE, True)):
            if reply.body == word.body:
                return Duplicate(Failure(cause=Cause.REFUSED, code="P101", message="no such voice"), is_certain)
        return REAL.read_submission(reply)

    def query(self, task_id: str) -> Request:
        """The real one's."""
        return REAL.query(task_id)

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real one's."""
        answer = REAL.read_query(reply, inputs)
        return AskAgain("?") if isinstance(answer, UnknownTask) else answer


@dataclass(slots=True)
class KnowingApi(Api):
    """Takes everything, and can be asked by our ids.

    Args:
        lag_s: Seconds until a task that was taken is shown.
        lookups_script: What look-ups are answered, in order; after the last, the truth.
        lists: Whether it lists tasks; if not, a list is answered with 501.
        lookups: When it was asked for which id.
        own: Task id and the moment that it was taken at, by our id.
        refuses_known: Whether an id that was taken is refused.
        deaf: Paths of look-ups that are never answered.
    """

    lag_s: float = 0.0
    lookups_script: list[Exchange] = field(default_factory=list)
    lists: bool = True
    lookups: list[tuple[float, str]] = field(default_factory=list)
    pages: int = 0
    own: dict[str, tuple[str, float]] = field(default_factory=dict)
    refuses_known: bool = True
    deaf: set[str] = field(default_factory=set)

    async def post(self, request: Request) -> Exchange:
        """Refuse an id that was taken; note the others that are."""
        own_id = json.loads(request.body or b"")["own"]
        if own_id in self.own and self.refuses_known:
            return DUPLICATE
        before = set(self.tasks)
        waiting = asyncio.ensure_future(Api.post(self, request))
        await asyncio.sleep(0)
        for task_id in set(self.tasks) - before:
            self.own[own_id] = (task_id, asyncio.get_running_loop().time())
        try:
            return await waiting
        finally:
            waiting.cancel()

    async def get(self, request: Request) -> Exchange:
        """Answer a look-up or a list; the rest as ever."""
        now = asyncio.get_running_loop().time()
        shown = {own: task for own, (task, taken) in self.own.items() if taken + self.lag_s <= now}
        parts = urlsplit(request.path)
        if parts.path == "/list":
            self.pages += 1
            if not self.lists:
                return reply(501)
            page, size = (int(parse_qs(parts.query)[name][0]) for name in ("page", "size"))
            return reply(200, [[task, own] for own, task in shown.items()][(page - 1) * size : page * size])
        if not parts.path.startswith("/own/"):
            return await Api.get(self, request)
        own_id = parts.path.removeprefix("/own/")
        self.lookups.append((now, own_id))
        if request.path in self.deaf:
            return reply(500)
        if self.lookups_script:
            return self.lookups_script.pop(0)
        return reply(200, {"task": shown[own_id]}) if own_id in shown else reply(404)


def knowing(task_list: TaskList | None = None) -> dict[str, Operation]:
    """The operations of an account whose API knows own ids."""
    return {REAL.name: Knowing(task_list=task_list)}
