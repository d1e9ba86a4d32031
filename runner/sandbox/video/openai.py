"""OpenAI's form: `POST /v1/videos` (JSON or a form), `GET /v1/videos/{id}`, and the bytes at `GET /v1/videos/{id}/content`.

Source: api-facts.md section 3.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox.api import Answer
from runner.sandbox.faults import ADDRESS_PLACES
from runner.sandbox.video.generation import Generation
from runner.sandbox.video.life import OPENAI, standing

if TYPE_CHECKING:
    from runner.sandbox.deliveries import Deliveries
    from runner.sandbox.desk import Desk
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_PATH: Final = "/v1/videos"
_SIZE: Final = "720x1280"
_LIFETIME_S: Final = 3600
"""Of a result, as `expires_at` says it; addresses end with `SandboxOptions.url_lifetime_s`."""


class OpenAiVideo(Generation):
    """The words of `video/generate` on accounts with `style: openai`.

    Args:
        desk: Where creates and questions are booked.
        deliveries: Delivers the videos.
    """

    name = "video/openai"
    words = Generation.words | {"content-redirect"}

    def __init__(self, desk: Desk, deliveries: Deliveries) -> None:
        super().__init__(desk)
        self._deliveries = deliveries

    def routes(self) -> list[web.RouteDef]:
        """The paths of this form."""
        return [
            web.post(_PATH, self._create),
            web.get(f"{_PATH}/{{task_id}}", self._task),
            web.get(f"{_PATH}/{{task_id}}/content", self._content),
        ]

    def task_id(self, serial: str, body: Any) -> str:  # noqa: ARG002  the model stands in an answer's own field
        """`video_<serial number>`."""
        return f"video_{serial}"

    def begun(self, task: Task) -> dict[str, Any]:
        """The video object, queued."""
        return self._object(task, "queued", task.accepted_at)

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.report`: the video object, without an address unless the task wants one."""
        stands = standing(task, now, fault, OPENAI)
        facts = self._object(task, stands.status, now)
        if stands.reason:
            return Answer(200, {**facts, "error": {"code": "video_generation_failed", "message": stands.reason}})
        if stands.has_video and task.first_of(ADDRESS_PLACES):
            return Answer(200, self.with_address(facts, task, now, fault))
        return Answer(200, facts)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.receive(request, self)

    async def _task(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.ask(request, self, request.match_info["task_id"])

    async def _content(self, request: web.Request) -> web.StreamResponse:
        task_id, now = request.match_info["task_id"], self.desk.now()
        if (refusal := self.desk.refuse_token(request, self)) is not None:
            return refusal.response()
        task = self.desk.tasks.get(task_id)
        if task is None or task.api != self.name or not standing(task, now, None, OPENAI).has_video:
            return self.refusal("unknown-task").response()
        if task.fault("content-redirect"):
            raise web.HTTPFound(self.address(task, now))
        return await self._deliveries.deliver(request, f"{task_id}/content", task, ".mp4", None)

    def _object(self, task: Task, status: str, now: float) -> dict[str, Any]:
        ended = {"completed_at": int(task.ends_at), "expires_at": int(task.ends_at) + _LIFETIME_S}
        return {
            "id": task.id,
            "object": "video",
            "model": task.body["model"],
            "status": status,
            "progress": self.progress(task, now),
            "created_at": int(task.accepted_at),
            "seconds": f"{round(task.scene.duration_s)}",
            "size": task.body.get("size", _SIZE),
            "error": None,
            **(ended if now >= task.ends_at else {}),
        }
