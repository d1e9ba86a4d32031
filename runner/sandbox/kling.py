"""Kling's avatar as the documents describe it: `POST /v1/videos/avatar/image2video` and `GET` of the same with `/{id}`.

Source: api-facts.md sections 1.2 to 1.5 (read 2026-11-20). Errors have a number, a message and the id of the request; a proxy in front may
answer in HTML. A create with an `external_task_id` that was accepted before is refused with 1201, as clients of the real API report.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from base64 import b64decode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox.desk import Answer, Reading
from runner.sandbox.faults import TABLE, Stage
from runner.sandbox.gateway import PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.desk import Desk
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_PATH: Final = "/v1/videos/avatar/image2video"
_FIELDS: Final = frozenset(
    {"image", "audio_id", "sound_file", "prompt", "mode", "watermark_info", "callback_url", "external_task_id"}
)
_MOST_BYTES: Final[Mapping[str, int]] = {"image": 10_000_000, "sound_file": 5_000_000}
"""Of the fields that take bytes: the most that one may hold."""
_DIGEST: Final = "sha256:"
_MOST_PROMPT: Final = 2500
_UNITS_PER_S: Final[Mapping[str, int]] = {"std": 1, "pro": 2}

_REFUSALS: Final[Mapping[str, tuple[int, int, str]]] = {
    "invalid": (400, 1201, "parameter illegal"),
    "no-token": (401, 1001, "Authorization is empty"),
    "bad-token": (401, 1002, "Authorization is invalid"),
    "unknown-task": (404, 1203, "task not found"),
    "refuse": (400, 1201, "image: no face was found"),
    "policy": (400, 1301, "content safety policy was triggered"),
    "key": (401, 1000, "authentication failed"),
    "forbidden": (403, 1103, "no permission for this resource"),
    "429": (429, 1302, "too many requests"),
    "saturated": (429, 1303, "parallel task over resource pack limit"),
    "kling-1003": (401, 1003, "the token is not valid yet"),
    "kling-1004": (401, 1004, "the token has expired"),
    "kling-1100": (429, 1100, "account exception"),
    "kling-1101": (429, 1101, "account in arrears"),
    "kling-1102": (429, 1102, "Account balance not enough"),
    "kling-1300": (400, 1300, "platform policy was triggered"),
    "kling-1304": (429, 1304, "IP not on the whitelist"),
    "kling-5001": (503, 5001, "the service is under maintenance"),
    "kling-5002": (504, 5002, "internal time-out"),
    "500": (500, 5000, "internal error"),
    "500-accepted": (500, 5000, "internal error"),
    "poll-500": (500, 5000, "internal error"),
    "poll-429": (429, 1302, "too many requests"),
    "poll-key": (401, 1000, "authentication failed"),
    "poll-unknown": (404, 1203, "task not found"),
}
"""What is refused: HTTP status, code and message, by kind of fault (api-facts.md section 1.5)."""

_ENDINGS: Final[Mapping[str, str]] = {
    "fail": "Image pixel is invalid",
    "timeout-generation": "generation timed out",
    "moderated": "the image holds sensitive content",
    "moderated-text": "the prompt holds sensitive content",
}
"""How a task ends badly: its `task_status_msg`."""

_OTHER_KINDS: Final = frozenset({"too-large", "redirect-post", "no-id", "slow", "task-s", "unknown-status"})
_FOR_ALL: Final = frozenset({"reset", "eof", "silence", "garbage", "half-reply", "poll-reset"})
_STAGES_FOR_ALL: Final = frozenset({Stage.RESULT, Stage.CDN})


class Kling:
    """The words of this API.

    Args:
        desk: Where creates and questions are booked.
    """

    name = "kling"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """The paths of this API."""
        return [web.post(_PATH, self._create), web.get(f"{_PATH}/{{task_id}}", self._task)]

    def plays(self, kind: str) -> bool:
        """All that this API has words for, and all that needs none."""
        if kind not in TABLE:
            return False
        needs_no_words = kind in _OTHER_KINDS | _FOR_ALL or TABLE[kind].stage in _STAGES_FOR_ALL
        return needs_no_words or kind in _REFUSALS or kind in _ENDINGS or kind in PAGES

    def read(self, body: Any) -> Reading:
        """Judge a create's parsed body as the real API would."""
        if not isinstance(body, dict):
            return Reading(problem="the body is not a JSON object", unknown_fields=(), texts=(), spoken="", kept=body)
        kept = {**body, **{name: _kept(body[name]) for name in _MOST_BYTES if name in body}}
        texts = [kept[name] for name in ("prompt", *_MOST_BYTES) if isinstance(kept.get(name), str)]
        spoken = next((kept[name] for name in ("prompt", "sound_file", "audio_id") if kept.get(name)), "")
        own_id = body.get("external_task_id")
        own_id = own_id if isinstance(own_id, str) and own_id else None
        return Reading(
            problem=_problem(body) or self._repetition(own_id),
            unknown_fields=tuple(sorted(_unknown_fields(body))),
            texts=tuple(texts),
            spoken=str(spoken),
            kept=kept,
            own_id=own_id,
        )

    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """See `Api.refusal`."""
        if kind in PAGES:
            return Answer(*PAGES[kind])
        if kind == "too-large":
            return Answer(413, "<html><body><h1>413 Request Entity Too Large</h1></body></html>")
        if kind == "redirect-post":
            return Answer(307, b"", {"Location": _PATH})
        status, code, message = _REFUSALS[kind]
        headers = {"Retry-After": f"{number:g}"} if number else {}
        return Answer(
            status, {"code": code, "message": detail or message, "request_id": str(uuid.uuid4()), "data": None}, headers
        )

    def receipt(self, task: Task, fault: Fault | None) -> Answer:
        """See `Api.receipt`."""
        kind = fault.kind if fault else None
        if kind in ("500-accepted", "502-accepted", "kling-5002"):
            return self.refusal(kind)
        facts = {**_head(task), "task_id": "" if kind == "no-id" else task.id, "task_status": "submitted"}
        return _success({**facts, "created_at": _ms(task.accepted_at), "updated_at": _ms(task.accepted_at)})

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.report`."""
        ending = next((words for kind, words in _ENDINGS.items() if task.fault(kind)), "")
        status = _status(task, now, has_failed=bool(ending))
        if fault is not None and fault.kind == "unknown-status":
            status = "reviewing"
        facts = {
            **_head(task),
            "task_status": status,
            "task_status_msg": ending if status == "failed" else "",
            "watermark_info": {"enabled": _wants_watermark(task)},
            "created_at": _ms(task.accepted_at),
            "updated_at": _ms(min(now, task.ends_at)),
            "task_result": {"videos": [self._video(task, now, fault)]} if status == "succeed" else {},
        }
        if status in ("succeed", "failed"):
            units = _units(task) if status == "succeed" else 0
            facts |= {
                "final_unit_deduction": str(units),
                "final_balance_deduction": {"quota": "0", "list_price": "0"},
            }
        return _success(facts)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._desk.receive(request, self)

    async def _task(self, request: web.Request) -> web.StreamResponse:
        return await self._desk.ask(request, self, request.match_info["task_id"])

    def _repetition(self, own_id: str | None) -> str | None:
        if own_id is None or self._desk.tasks.with_own_id(self.name, own_id) is None:
            return None
        return "external_task_id is taken by another task"

    def _video(self, task: Task, now: float, fault: Fault | None) -> dict[str, str]:
        is_expired, has_none = (fault is not None and fault.kind == kind for kind in ("expired-url", "no-address"))
        plain, marked = (
            self._desk.addresses.of(f"{task.id}{suffix}", now, expired=is_expired) for suffix in (".mp4", "-wm.mp4")
        )
        return {
            "id": f"v-{task.id[:12]}",
            "url": "" if has_none else plain,
            "watermark_url": marked if _wants_watermark(task) and not has_none else "",
            "duration": f"{task.scene.duration_s:.3f}",
        }


def _kept(value: Any) -> Any:
    """A field that takes bytes as the books have it: content by its digest, for the ledger must not grow by it.

    What comes from the books is left as it is; no base64 holds a colon.
    """
    if not isinstance(value, str) or not value or _is_address(value) or value.startswith(_DIGEST):
        return value
    return f"{_DIGEST}{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _problem(body: Mapping[str, Any]) -> str | None:
    # An empty text counts as absent: the official example sends one.
    given = [name for name in ("audio_id", "sound_file") if body.get(name) not in (None, "")]
    if len(given) != 1:
        return f"give exactly one of audio_id, sound_file; got {', '.join(given) or 'none'}"
    if not body.get("image"):
        return "image is required"
    for name, most in _MOST_BYTES.items():
        if body.get(name) and (problem := _bytes_problem(body[name], most)) is not None:
            return f"{name} {problem}"
    return _detail_problem(body)


def _bytes_problem(value: Any, most_bytes: int) -> str | None:
    if not isinstance(value, str):
        return "must be an address or base64"
    if _is_address(value):
        return None
    try:
        size_bytes = len(b64decode(value, validate=True))
    except (NotBase64, ValueError):
        return "must be an address or base64 without a prefix"
    return None if size_bytes <= most_bytes else f"is larger than {most_bytes} bytes"


def _detail_problem(body: Mapping[str, Any]) -> str | None:
    prompt, watermark = body.get("prompt", ""), body.get("watermark_info", {})
    if not isinstance(prompt, str) or len(prompt) > _MOST_PROMPT:
        return f"prompt must be a text of at most {_MOST_PROMPT} characters"
    if body.get("mode", "std") not in tuple(_UNITS_PER_S):
        return f"mode must be one of {', '.join(_UNITS_PER_S)}"
    if not isinstance(watermark, dict) or not isinstance(watermark.get("enabled", False), bool):
        return "watermark_info.enabled must be a boolean"
    for name in ("audio_id", "callback_url", "external_task_id"):
        if not isinstance(body.get(name, ""), str):
            return f"{name} must be a text"
    return None


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _unknown_fields(body: Mapping[str, Any]) -> list[str]:
    watermark = body.get("watermark_info")
    inner = [f"watermark_info.{name}" for name in watermark if name != "enabled"] if isinstance(watermark, dict) else []
    return [*(name for name in body if name not in _FIELDS), *inner]


def _success(facts: Mapping[str, Any]) -> Answer:
    return Answer(200, {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": facts})


def _head(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "task_info": {"external_task_id": task.own_id} if task.own_id else {}}


def _status(task: Task, now: float, *, has_failed: bool) -> str:
    if now >= task.ends_at:
        return "failed" if has_failed else "succeed"
    return "submitted" if now - task.accepted_at < task.duration_s / 5 else "processing"


def _wants_watermark(task: Task) -> bool:
    return bool(task.body.get("watermark_info", {}).get("enabled"))


def _units(task: Task) -> int:
    return math.ceil(task.scene.duration_s) * _UNITS_PER_S[task.body.get("mode", "std")]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
