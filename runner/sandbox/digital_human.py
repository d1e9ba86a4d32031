"""V-API digital human as the documents describe it: `POST /avatar/generation`, `GET /avatar/task/{id}`, `GET /avatar/voice`.

Source: api-facts.md section 2 (read 2026-11-20). Errors are those of `runner.sandbox.gateway`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox import gateway, voices
from runner.sandbox.api import Answer, Api, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.sandbox.api import Measured
    from runner.sandbox.desk import Desk
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "create_voice": frozenset({"audio_url", "language", "text"}),
    "use_voice": frozenset({"voice_engine_id", "audio_id", "language", "text"}),
}
"""The required fields of each object; no others are documented."""

_WAYS: Final = ("audio_url", *_FIELDS)
_TOP_FIELDS: Final = frozenset({"avatar_url", "no_watermark", *_WAYS})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ends badly.

    Args:
        web_work_status: Of the inner object (api-facts.md section 2.4).
        fail_reason: Of the envelope.
    """

    web_work_status: int
    fail_reason: str


_ENDINGS: Final[Mapping[str, Ending]] = {
    "fail": Ending(-1, "no face found"),
    "timeout-generation": Ending(-2, "generation timed out"),
    "no-money": Ending(-3, "积分不足"),
    "moderated": Ending(-101, "nudity"),
    "moderated-text": Ending(-102, "文本包含敏感词"),
}

_SHAPES: Final[Mapping[str, str]] = {"shape-flat": "flat", "shape-data": "data", "shape-data-data": "data.data"}
_RECEIPTS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "no-id": lambda _: {"code": "success", "message": "", "data": ""},
    "id-in-object": lambda task_id: {"code": "success", "message": "", "data": {"task_id": task_id}},
    "id-at-top": lambda task_id: {"id": task_id},
}
"""The body of a receipt of another shape, by kind of fault."""

_OTHER_WORDS: Final = frozenset({"url-in-fail-reason", "unknown-status", "no-address", "expired-url"})


class DigitalHuman(Api):
    """The words of this API.

    Args:
        desk: Where creates and questions are booked.
    """

    name = "digital-human/avatar"
    errors = gateway.ERRORS
    words = frozenset({*_RECEIPTS, *_ENDINGS, *_SHAPES, *_OTHER_WORDS})

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """The paths of this API."""
        return [
            web.post("/avatar/generation", self._create),
            web.get("/avatar/task/{task_id}", self._task),
            web.get("/avatar/voice", self._voices),
        ]

    def read(self, body: Any, measured: Measured) -> Reading:  # noqa: ARG002  it takes addresses alone
        """Judge a create's parsed body as the real API would: one way to speak, required fields, addresses, languages."""
        if not isinstance(body, dict):
            return Reading(problem="the body is not a JSON object", kept=body)
        parts = [body[way] for way in _FIELDS if isinstance(body.get(way), dict)]
        texts = [
            value for part in (body, *parts) for key in ("avatar_url", "audio_url", "text") if (value := part.get(key))
        ]
        spoken = next((part["text"] for part in parts if isinstance(part.get("text"), str)), body.get("audio_url"))
        return Reading(
            problem=_problem(body) or self._voice_problem(body),
            unknown_fields=tuple(_unknown_fields(body)),
            texts=tuple(text for text in texts if isinstance(text, str)),
            spoken=str(spoken or ""),
            kept=body,
        )

    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """See `Api.refusal`."""
        return gateway.refusal(kind, detail, number)

    def receipt(self, task: Task, now: float, fault: Fault | None) -> Answer:  # noqa: ARG002  nothing has happened yet
        """See `Api.receipt`."""
        if fault is not None and fault.kind in _RECEIPTS:
            return Answer(200, _RECEIPTS[fault.kind](task.id))
        return Answer(200, {"code": "success", "message": "", "data": task.id})

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.report`."""
        work = self._work(task, now, fault)
        match self._shape(task):
            case "flat":
                return Answer(200, work)
            case "data":
                return Answer(200, {"code": "success", "message": "", "data": work})
            case _:
                return Answer(200, {"code": "success", "message": "", "data": _envelope(task, now, fault, work)})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._desk.receive(request, self)

    async def _task(self, request: web.Request) -> web.StreamResponse:
        return await self._desk.ask(request, self, request.match_info["task_id"])

    async def _voices(self, request: web.Request) -> web.StreamResponse:
        return self._desk.tell(request, self, "voices", lambda: self._voice_list(request.query.get("language")))

    def _voice_list(self, language: str | None) -> Answer:
        if language not in (None, *voices.LANGUAGES):
            return self.refusal("invalid", f"language {language!r} is not supported")
        wanted = voices.LANGUAGES if language is None else (language,)
        found = [voice for one in wanted for voice in voices.presets(one)]
        return Answer(200, {"code": "success", "message": "", "data": {"audio_list": found}})

    def _voice_problem(self, body: Mapping[str, Any]) -> str | None:
        voice = body.get("use_voice")
        if voice is None or self._desk.options.lenient or voices.is_known(voice["voice_engine_id"], voice["audio_id"]):
            return None
        return "use_voice: no such voice; GET /avatar/voice lists the presets"

    def _shape(self, task: Task) -> str:
        asked = task.first_of(_SHAPES)
        return _SHAPES[asked] if asked else self._desk.options.shape

    def _work(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """The inner object, with the fields of the documents' example."""
        return {
            "id": task.id[:24],
            "ext": {"sing_title": f"{task.id[:13]}.mp3", "track_info": "{}", "animate_channel": "dynamic"},
            "singer": "DreamFace",
            "file_type": "VIDEO",
            "work_name": f"{task.id[:13]}.mp3",
            "play_types": ["PT", "", "ANIMATE"],
            "create_time": round(task.accepted_at * 1000),
            "web_work_status": _work_status(task, now, fault),
            "webp_aspect_ratio": 1,
            "video_aspect_ratio": 1,
            "animate_params_str": json.dumps({"pt_infos": [_voice_facts(task)]}),
            **self._paths(task, now, fault),
        }

    def _paths(self, task: Task, now: float, fault: Fault | None) -> dict[str, str]:
        """The addresses; empty until the task has succeeded, and one of them stays empty for a task with a watermark."""
        names = ("work_video_path", "no_wm_work_video_path", "wm_work_video_path", "work_webp_path")
        if now < task.ends_at or _ending(task) or (fault and fault.kind in ("no-address", "unknown-status")):
            return dict.fromkeys(names, "")
        expired = fault is not None and fault.kind == "expired-url"
        plain, marked, cover = (
            self._desk.addresses.of(f"{task.serial}{suffix}", now, expired=expired)
            for suffix in (".mp4", "-wm.mp4", ".jpg")
        )
        if task.body.get("no_watermark"):
            return dict(zip(names, (plain, plain, marked, cover), strict=True))
        return dict(zip(names, (marked, "", marked, cover), strict=True))


def _problem(body: Mapping[str, Any]) -> str | None:
    given = [way for way in _WAYS if way in body]
    if len(given) != 1:
        return f"give exactly one of {', '.join(_WAYS)}; got {', '.join(given) or 'none'}"
    if not _is_address(body.get("avatar_url")):
        return "avatar_url is required and must be an http(s) address"
    if not isinstance(body.get("no_watermark", False), bool):
        return "no_watermark must be a boolean"
    if "audio_url" in body:
        return None if _is_address(body["audio_url"]) else "audio_url must be an http(s) address"
    return _voice_fields_problem(given[0], body[given[0]])


def _voice_fields_problem(way: str, voice: Any) -> str | None:
    if not isinstance(voice, dict):
        return f"{way} must be an object"
    for name in sorted(_FIELDS[way]):
        if not isinstance(voice.get(name), str) or not voice[name]:
            return f"{way}.{name} is required and must be a text"
    if voice["language"] not in voices.LANGUAGES:
        return f"{way}.language must be one of {', '.join(voices.LANGUAGES)}"
    if "audio_url" in _FIELDS[way] and not _is_address(voice["audio_url"]):
        return f"{way}.audio_url must be an http(s) address"
    return None


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _unknown_fields(body: Mapping[str, Any]) -> list[str]:
    unknown = [name for name in body if name not in _TOP_FIELDS]
    for way, fields in _FIELDS.items():
        if isinstance(body.get(way), dict):
            unknown += [f"{way}.{name}" for name in body[way] if name not in fields]
    return sorted(unknown)


def _ending(task: Task) -> Ending | None:
    asked = task.first_of(_ENDINGS)
    return _ENDINGS[asked] if asked else None


def _work_status(task: Task, now: float, fault: Fault | None) -> int:
    if fault is not None and fault.kind == "unknown-status":
        return 300
    if now >= task.ends_at:
        ending = _ending(task)
        return ending.web_work_status if ending else 200
    return 0 if task.progress(now) < 0.2 else 100


def _status(task: Task, now: float, fault: Fault | None) -> str:
    if fault is not None and fault.kind == "unknown-status":
        return "REVIEWING"
    if now >= task.ends_at:
        return "FAILURE" if _ending(task) else "SUCCESS"
    stages = ("NOT_START", "SUBMITTED", "QUEUED", "QUEUED")
    step = int(task.progress(now) * 20)
    return stages[step] if step < len(stages) else "IN_PROGRESS"


def _envelope(task: Task, now: float, fault: Fault | None, work: dict[str, Any]) -> dict[str, Any]:
    """The task relay's own object, around the inner one. Times are seconds here."""
    done, status = now >= task.ends_at, _status(task, now, fault)
    ending = _ending(task) if done else None
    reason = ending.fail_reason if ending else work["work_video_path"] if task.fault("url-in-fail-reason") else ""
    # The documents' examples have no inner object before the work has begun, nor after a failed generation.
    is_bare = status in ("NOT_START", "SUBMITTED", "QUEUED") or (ending is not None and ending.web_work_status == -1)
    return {
        "task_id": task.id,
        "notify_hook": "",
        "action": "avatar-generate",
        "status": status,
        "fail_reason": reason,
        "submit_time": int(task.accepted_at),
        "start_time": 0 if status in ("NOT_START", "SUBMITTED") else int(task.accepted_at),
        "finish_time": int(task.ends_at) if done else 0,
        "progress": f"{task.progress(now):.0%}",
        "data": None if is_bare else work,
    }


def _voice_facts(task: Task) -> dict[str, Any]:
    """One element of `pt_infos`: the voice that was made, the one that was used, or none."""
    used = task.body.get("use_voice")
    made = voices.created(task.id) if "create_voice" in task.body else None
    voice = made or used or {}
    spoken = task.body.get("create_voice") or used or {}
    return {
        "context": None,
        "audio_url": f"server%2Faudio%2Fmain%2F{task.id}.mp3",
        "video_url": f"server%2Fcommon%2Fmain%2F{task.id}.mp4",
        "voice_engine_id": voice.get("voice_engine_id"),
        "audio_id": voice.get("audio_id"),
        "lan": spoken.get("language"),
    }
