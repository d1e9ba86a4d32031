"""The unified video API, and the OpenAI style of it (api-facts section 3)."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakeapi.api import Moment, task_of
from tests.fakeapi.ledger import Fetch
from tests.fakeapi.script import answer
from tests.fakeapi.shapes import BAD_KEY, gateway_error, relay_error

if TYPE_CHECKING:
    from tests.fakeapi.api import Reception
    from tests.fakeapi.cdn import Cdn
    from tests.fakeapi.keys import Verdict
    from tests.fakeapi.ledger import Create, Task
    from tests.fakeapi.script import Answer, Break, TaskPlan


@dataclass(slots=True)
class Habits:
    """What differs from host to host; may be changed while it runs.

    Args:
        address_at: Keys to the place of the result's address, e.g. `("data", "url")`.
        running: The word for a task that has not ended.
        done: The word for one that has succeeded.
        failed: The word for one that has failed.
        wraps: Whether a created task stands under `data`.
        shows_address: Whether the OpenAI style gives a direct address too.
        redirects: Whether the bytes of the OpenAI style lie elsewhere, and the API only says where.
    """

    address_at: tuple[str, ...] = ("video_url",)
    running: str = "pending"
    done: str = "completed"
    failed: str = "failed"
    wraps: bool = False
    shows_address: bool = False
    redirects: bool = False


class Video:
    """Both styles of the API.

    Args:
        reception: Writes down what arrives.
        cdn: Sends the bytes that the API serves itself.
        habits: How this host differs.
    """

    def __init__(self, reception: Reception, cdn: Cdn, habits: Habits) -> None:
        self._unified = Unified(reception, habits)
        self._openai = OpenAi(reception, cdn, habits)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the documented paths."""
        router.add_post("/v1/video/create", self._unified.create)
        router.add_get("/v1/video/query", self._unified.query)
        router.add_post("/v1/videos", self._openai.create)
        router.add_get("/v1/videos/{id}", self._openai.query)
        router.add_get("/v1/videos/{id}/content", self._openai.content)


class Style:
    """What both styles share.

    Args:
        reception: Writes down what arrives.
        habits: How this host differs.
    """

    name = "video/generate"

    def __init__(self, reception: Reception, habits: Habits) -> None:
        self._reception = reception
        self._habits = habits

    def unwelcome(self, _verdict: Verdict) -> Answer:
        """One reply for every bad credential."""
        return BAD_KEY

    def objection(self, _create: Create) -> Answer | None:
        """It has no rules of its own."""
        return None

    async def _ask(self, request: web.Request, task_id: str) -> web.StreamResponse:
        self._reception.ledger.polls.append((time.monotonic(), task_id))
        reply = self._tell(request, task_id)
        return await self._reception.tell(request, Moment.POLL_ARRIVED, Moment.POLL_REPLIED, reply)

    def _tell(self, request: web.Request, task_id: str) -> Answer | Break:
        if not self._reception.keys.judge(request.headers).is_welcome:
            return BAD_KEY
        task = self._reception.ledger.tasks.get(task_id)
        if task is None:
            return relay_error(400, "task_not_exist", "任务不存在")
        return task.next_poll_answer() or answer(200, self._told(task))

    def _status(self, task: Task) -> str:
        if time.monotonic() < task.ends_at:
            return self._habits.running
        return self._habits.done if task.succeeds else self._habits.failed

    def _told(self, task: Task) -> dict[str, Any]:
        raise NotImplementedError


class Unified(Style):
    """`POST /v1/video/create`, `GET /v1/video/query?id=`."""

    def admit(self, create: Create, plan: TaskPlan) -> Task:
        """Its id is the model and a name, with a colon between."""
        return task_of(create, f"{create.fields['model']}:task_{uuid.uuid4().hex[:26]}", plan)

    def created(self, task: Task) -> Answer:
        """The id, plain or wrapped."""
        plain = {"id": task.id, "status": self._habits.running, "status_update_time": 1760000000000}
        return answer(200, {"data": plain, "message": "success", "code": 200} if self._habits.wraps else plain)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST."""
        return await self._reception.take(request, self)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """GET with the id in the query."""
        return await self._ask(request, request.query.get("id", ""))

    def _told(self, task: Task) -> dict[str, Any]:
        """The id is another one than was asked for, as in the document's example."""
        status = self._status(task)
        told: dict[str, Any] = {"id": f"other:{task.id[-8:]}", "status": status, "status_update_time": 1760000021142}
        if status == self._habits.done:
            place = told
            for key in self._habits.address_at[:-1]:
                place = place.setdefault(key, {})
            place[self._habits.address_at[-1]] = self._reception.address(task)
        if status == self._habits.failed:
            told["detail"] = {"pending_info": {"failure_reason": task.plan.reason}}
        return told


class OpenAi(Style):
    """`POST /v1/videos`, `GET /v1/videos/{id}`, `GET /v1/videos/{id}/content`.

    Args:
        reception: Writes down what arrives.
        cdn: Sends the bytes.
        habits: How this host differs.
    """

    def __init__(self, reception: Reception, cdn: Cdn, habits: Habits) -> None:
        super().__init__(reception, habits)
        self._cdn = cdn

    def admit(self, create: Create, plan: TaskPlan) -> Task:
        """Its id is `video_` and a UUID."""
        return task_of(create, f"video_{uuid.uuid4()}", plan)

    def created(self, task: Task) -> Answer:
        """The video object."""
        return answer(200, {**self._told(task), "status": "queued", "progress": 0})

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST."""
        return await self._reception.take(request, self)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """GET with the id in the path."""
        return await self._ask(request, request.match_info["id"])

    async def content(self, request: web.Request) -> web.StreamResponse:
        """GET of the bytes, for those with the credential."""
        task_id = request.match_info["id"]
        fetch = Fetch(time.monotonic(), task_id, request.path_qs, dict(request.headers))
        self._reception.ledger.contents.append(fetch)
        self._reception.passes(Moment.FETCH_ARRIVED)
        task = self._reception.ledger.tasks.get(task_id)
        if task is None or not self._reception.keys.judge(request.headers).is_welcome:
            refused = gateway_error(404, "not_found", "no such video") if task is None else BAD_KEY
            fetch.status = refused.status
            return web.Response(status=refused.status, body=refused.body, content_type="application/json")
        if self._habits.redirects:
            fetch.status = 302
            return web.Response(status=302, headers={"Location": self._reception.address(task)})
        return await self._cdn.serve(request, task, fetch)

    def _told(self, task: Task) -> dict[str, Any]:
        status = {"pending": "in_progress"}.get(word := self._status(task), word)
        told: dict[str, Any] = {"id": task.id, "object": "video", "model": "sora-2", "status": status, "seconds": "4"}
        told |= {"progress": 100 if status == self._habits.done else 40, "created_at": 1760000000, "error": None}
        if status == self._habits.done:
            told |= {"completed_at": 1760000153, "expires_at": 1760003753}
            if self._habits.shows_address:
                told["video_url"] = self._reception.address(task)
        if status == self._habits.failed:
            told["error"] = {"code": "generation_failed", "message": task.plan.reason}
        return told
