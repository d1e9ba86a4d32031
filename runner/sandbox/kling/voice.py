"""Kling's own voices: `POST /v1/general/custom-voices`, `GET` of the same with `/{id}` or a page, and the presets.

Source: api-facts.md section 1.9. The form of the list of presets is that of the list of own voices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox.api import Answer, Reading
from runner.sandbox.kling.operation import Operation, own_id_of, page_asked_for, success, text_problem
from runner.sandbox.kling.recordings import PRESETS, maker_of, name_of, preset
from runner.sandbox.sound import suffix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.api import Measured
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_PRESETS_PATH: Final = "/v1/general/presets-voices"
_FIELDS: Final = frozenset({"voice_name", "voice_url", "video_id", "callback_url", "external_task_id"})
_WAYS: Final = ("voice_url", "video_id")
_MOST_NAME: Final = 20
_UNITS: Final = 0.05
_OWNER: Final = "sandbox-account"


class Voice(Operation):
    """The words of `kling/voice`."""

    name = "kling/voice"
    path = "/v1/general/custom-voices"
    most_listed = 1000

    def routes(self) -> list[web.RouteDef]:
        """The paths of this operation, and that of the presets."""
        return [*super().routes(), web.get(_PRESETS_PATH, self._presets)]

    def read(self, body: Any, measured: Measured) -> Reading:  # noqa: ARG002  it takes no bytes
        """Judge a create's parsed body as the real API would."""
        if not isinstance(body, dict):
            return Reading(problem="the body is not a JSON object", kept=body)
        own_id = own_id_of(body)
        texts = [body[name] for name in ("voice_name", "voice_url") if isinstance(body.get(name), str)]
        return Reading(
            problem=_problem(body) or self._video_problem(body.get("video_id")) or self.repetition(own_id),
            unknown_fields=tuple(sorted(set(body) - _FIELDS)),
            texts=tuple(texts),
            spoken=str(body.get("voice_name", "")),
            kept=body,
            own_id=own_id,
        )

    def result(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """One voice."""
        voice = {
            "voice_id": name_of(task),
            "voice_name": task.body["voice_name"],
            "trial_url": self.address(f"{task.serial}{suffix()}", now, fault),
            "owned_by": _OWNER,
        }
        return {"voices": [voice]}

    def units(self, task: Task) -> float:  # noqa: ARG002  whoever speaks
        """The same for every voice."""
        return _UNITS

    def _video_problem(self, video_id: Any) -> str | None:
        if not video_id or self.desk.options.lenient:
            return None
        is_known = maker_of(self.desk.tasks, "kling/avatar", video_id, self.desk.now()) is not None
        return None if is_known else "video_id: no such video"

    async def _presets(self, request: web.Request) -> web.StreamResponse:
        return self.desk.tell(request, self, "voices", lambda: self._preset_list(request))

    def _preset_list(self, request: web.Request) -> Answer:
        page, size, problem = page_asked_for(request, self.most_listed)
        if problem is not None:
            return self.refusal("invalid", problem)
        return success([preset(voice_id) for voice_id in list(PRESETS)[(page - 1) * size : page * size]])


def _problem(body: Mapping[str, Any]) -> str | None:
    name = body.get("voice_name")
    if not isinstance(name, str) or not 1 <= len(name) <= _MOST_NAME:
        return f"voice_name is required, and at most {_MOST_NAME} characters long"
    given = [way for way in _WAYS if body.get(way)]
    if len(given) != 1:
        return f"give exactly one of {', '.join(_WAYS)}; got {', '.join(given) or 'none'}"
    if given == ["voice_url"] and not str(body["voice_url"]).startswith(("http://", "https://")):
        return "voice_url must be an http(s) address"
    return text_problem(body, "voice_url", "video_id", "callback_url", "external_task_id")
