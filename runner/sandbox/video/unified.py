"""The unified form: `POST /v1/video/create`, `GET /v1/video/query?id=`.

Source: api-facts.md sections 3.2 to 3.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox.api import Answer, Reading
from runner.sandbox.video.generation import Generation
from runner.sandbox.video.life import SORA, VEO, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.api import Measured
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task
    from runner.sandbox.video.life import Standing

_WORDS: Final = frozenset({"other-id", "times-in-seconds", "url-in-fail-reason"})
_SORA: Final = "sora-2"
_VEO: Final = "veo"


class UnifiedVideo(Generation):
    """The words of `video/generate`."""

    name = "video/generate"
    words = Generation.words | _WORDS

    def routes(self) -> list[web.RouteDef]:
        """The paths of this form."""
        return [web.post("/v1/video/create", self._create), web.get("/v1/video/query", self._task)]

    def task_id(self, serial: str, body: Any) -> str:
        """`<model>:task_<serial number>`, as the documents' example has it."""
        return f"{body['model']}:task_{serial}"

    def read(self, body: Any, measured: Measured) -> Reading:
        """As for every video; sora also wants a size, as a real gateway complains."""
        reading = super().read(body, measured)
        if reading.problem is None and not self.desk.options.lenient and _lacks_size(body):
            return Reading(problem=f"size is required for {body['model']}", kept=reading.kept)
        return reading

    def begun(self, task: Task) -> dict[str, Any]:
        """The id, `pending`, and the time."""
        enhanced = {"enhanced_prompt": ""} if _is_veo(task) else {}
        return {"id": task.id, "status": "pending", "status_update_time": _time(task, task.accepted_at), **enhanced}

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.report`; what else stands in it depends on the model, as it does in life."""
        stands = standing(task, now, fault, _walk(task))
        facts = {
            "id": f"{task.body['model']}:task_{task.serial[::-1]}" if task.fault("other-id") else task.id,
            "status": stands.status,
            "status_update_time": _time(task, min(now, task.ends_at)),
            **(_veo_facts(task, stands) if _is_veo(task) else self._sora_facts(task, now, stands)),
        }
        if not stands.has_video:
            return Answer(200, {**facts, "video_url": None} if now >= task.ends_at else facts)
        if task.fault("url-in-fail-reason"):
            facts["fail_reason"] = self.address(task, now, fault)
        return Answer(200, self.with_address(facts, task, now, fault))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.receive(request, self)

    async def _task(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.ask(request, self, request.query.get("id", ""))

    def _sora_facts(self, task: Task, now: float, stands: Standing) -> dict[str, Any]:
        """`detail` as the documents' example has it."""
        asked = {name: task.body.get(name) for name in ("size", "model", "images", "prompt", "orientation")}
        moderation = {"code": None, "type": "blocked", "is_output_rejection": True}
        passed = {"code": None, "type": "passed", "is_output_rejection": False}
        pending = {
            "status": "processing",
            "progress_pct": round(task.progress(now), 2),
            "failure_reason": stands.reason or None,
            "generations": [],
            "moderation_result": moderation if "moderation" in stands.reason else passed,
        }
        facts: dict[str, Any] = {"progress": self.progress(task, now)} if task.fault("progress-text") else {}
        return facts | {
            "detail": {"id": f"task_{task.serial}", "status": stands.status, "input": asked, "pending_info": pending}
        }


def _lacks_size(body: Any) -> bool:
    return str(body["model"]).startswith(_SORA) and not body.get("size")


def _is_veo(task: Task) -> bool:
    return str(task.body["model"]).startswith(_VEO)


def _walk(task: Task) -> Sequence[str]:
    """The statuses of the model: veo fetches pictures and upsamples only where it is asked to."""
    if not _is_veo(task):
        return SORA
    has_pictures, upsamples = bool(task.body.get("images")), bool(task.body.get("enable_upsample"))
    skipped = {"image_downloading"} if not has_pictures else set()
    skipped |= {"video_upsampling", "video_upsampling_completed"} if not upsamples else set()
    return [status for status in VEO if status not in skipped]


def _veo_facts(task: Task, stands: Standing) -> dict[str, Any]:
    asked = ("model", "prompt", "images", "aspect_ratio", "enhance_prompt", "enable_upsample")
    return {
        "enhanced_prompt": task.scene.text if stands.has_video and task.body.get("enhance_prompt") else "",
        "detail": {
            "id": task.id,
            "status": stands.status,
            "running": not (stands.has_video or stands.reason),
            "req": {name: task.body[name] for name in asked if name in task.body},
            **({"error": stands.reason} if stands.reason else {}),
        },
    }


def _time(task: Task, seconds: float) -> int:
    return round(seconds) if task.fault("times-in-seconds") else round(seconds * 1000)
