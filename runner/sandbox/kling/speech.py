"""Kling's speech: `POST /v1/audio/tts`, whose reply carries the recording.

The word `asynchronous` gives the form of some resellers: the reply has no result yet, and `GET` of the same with `/{id}` has it later.
Source: api-facts.md section 1.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.sandbox.api import Reading
from runner.sandbox.kling.operation import Operation
from runner.sandbox.kling.recordings import PRESETS, maker_of, name_of
from runner.sandbox.sound import suffix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.api import Measured
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_FIELDS: Final = frozenset({"text", "voice_id", "voice_language", "voice_speed"})
_LANGUAGES: Final = ("zh", "en")
_MOST_TEXT: Final = 1000
_SECONDS_PER_LETTER: Final = 0.065
_SECONDS_PER_SIGN: Final = 0.25
"""Of a letter, and of a Chinese sign: about 15 and 4 in a second."""
_SHORTEST_S: Final = 2.0
"""Nothing is said in less, so that an avatar can speak it; the word `lasts-s` says otherwise."""
_SLOWEST: Final = 0.8
_FASTEST: Final = 2.0
_UNITS: Final = 0.05


class Speech(Operation):
    """The words of `kling/tts`."""

    name = "kling/tts"
    path = "/v1/audio/tts"
    words = Operation.words | {"asynchronous"}
    answers_at_once = True

    def routes(self) -> list[web.RouteDef]:
        """The paths of this operation; it lists nothing."""
        return [web.post(self.path, self._create), web.get(f"{self.path}/{{task_id}}", self._task)]

    def read(self, body: Any, measured: Measured) -> Reading:  # noqa: ARG002  it takes no bytes
        """Judge a create's parsed body as the real API would."""
        if not isinstance(body, dict):
            return Reading(problem="the body is not a JSON object", kept=body)
        text = body.get("text")
        problem = _problem(body)
        return Reading(
            problem=problem or self._voice_problem(body["voice_id"], body["voice_language"]),
            unknown_fields=tuple(sorted(set(body) - _FIELDS)),
            texts=(text,) if isinstance(text, str) else (),
            spoken=str(text or ""),
            kept=body,
            length_s=_length_s(body) if problem is None else None,
        )

    def result(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """One recording."""
        address = self.address(f"{task.serial}{suffix()}", now, fault)
        return {"audios": [{"id": name_of(task), "url": address, "duration": self.length(task)}]}

    def units(self, task: Task) -> float:  # noqa: ARG002  whatever is said
        """The same for every text."""
        return _UNITS

    def _voice_problem(self, voice_id: str, language: str) -> str | None:
        _, spoken = PRESETS.get(voice_id, ("", language))
        is_known = (
            voice_id in PRESETS or maker_of(self.desk.tasks, "kling/voice", voice_id, self.desk.now()) is not None
        )
        if spoken == language and (is_known or self.desk.options.lenient):
            return None
        return "voice id not found"


def _problem(body: Mapping[str, Any]) -> str | None:
    text, speed = body.get("text"), body.get("voice_speed", 1.0)
    if not isinstance(text, str) or not 1 <= len(text) <= _MOST_TEXT:
        return f"text is required, and at most {_MOST_TEXT} characters long"
    if not isinstance(body.get("voice_id"), str) or not body["voice_id"]:
        return "voice_id is required"
    if body.get("voice_language") not in _LANGUAGES:
        return f"voice_language must be one of {', '.join(_LANGUAGES)}"
    return None if type(speed) in (int, float) else "voice_speed must be a number"


def _length_s(body: Mapping[str, Any]) -> float:
    """How long it takes to say the text; speeds beyond the bounds count as the bounds, as documented."""
    speed = min(max(round(float(body.get("voice_speed", 1.0)), 1), _SLOWEST), _FASTEST)
    seconds = sum(_SECONDS_PER_LETTER if sign < "\u2e80" else _SECONDS_PER_SIGN for sign in body["text"])
    return round(max(seconds / speed, _SHORTEST_S), 1)
