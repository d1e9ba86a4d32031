"""The digital-human API: `POST /avatar/generation`, `GET /avatar/task/{id}`, `GET /avatar/voice` (api-facts section 2)."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakeapi.api import Moment, task_of
from tests.fakeapi.script import answer
from tests.fakeapi.shapes import BAD_KEY, created, relay_error, told

if TYPE_CHECKING:
    from tests.fakeapi.api import Reception
    from tests.fakeapi.keys import Verdict
    from tests.fakeapi.ledger import Create, Task
    from tests.fakeapi.script import Answer, Break, TaskPlan


class DigitalHuman:
    """The API, with its one operation.

    Args:
        reception: Writes down what arrives.
    """

    name = "digital-human/avatar"

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the documented paths."""
        router.add_post("/avatar/generation", self._create)
        router.add_get("/avatar/task/{task_id}", self._query)
        router.add_get("/avatar/voice", self._voices)

    def unwelcome(self, _verdict: Verdict) -> Answer:
        """One reply for every bad credential."""
        return BAD_KEY

    def objection(self, _create: Create) -> Answer | None:
        """It has no rules of its own."""
        return None

    def admit(self, create: Create, plan: TaskPlan) -> Task:
        """Its id has 32 hexadecimal digits."""
        return task_of(create, uuid.uuid4().hex, plan)

    def created(self, task: Task) -> Answer:
        """The id under `data`."""
        return created(task.id)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._reception.take(request, self)

    async def _query(self, request: web.Request) -> web.StreamResponse:
        task_id = request.match_info["task_id"]
        self._reception.ledger.polls.append((time.monotonic(), task_id))
        reply = self._tell(request, task_id)
        return await self._reception.tell(request, Moment.POLL_ARRIVED, Moment.POLL_REPLIED, reply)

    def _tell(self, request: web.Request, task_id: str) -> Answer | Break:
        task = self._reception.ledger.tasks.get(task_id)
        if not self._reception.keys.judge(request.headers).is_welcome:
            return BAD_KEY
        if task is None or task.operation != self.name:
            return relay_error(400, "task_not_exist", "任务不存在")
        if (planned := task.next_poll_answer()) is not None:
            return planned
        status = task.status(time.monotonic())
        addresses = self._addresses(task) if status == task.plan.ending and task.succeeds else {}
        return told(task_id, status, addresses, task.plan.shape)

    def _addresses(self, task: Task) -> dict[str, str]:
        plain = self._reception.address(task)
        return {
            "plain": plain,
            "clean": plain,
            "marked": self._reception.address(task, kind="-watermark"),
            "cover": self._reception.address(task, "jpg"),
        }

    async def _voices(self, _request: web.Request) -> web.StreamResponse:
        voice = {"audio_id": "aid-1", "name": "Ann", "language": "en", "voice_engine_id": "eng-1", "labels": ["calm"]}
        reply = answer(200, {"code": "success", "message": "", "data": {"audio_list": [voice]}})
        return web.Response(body=reply.body, content_type="application/json")
