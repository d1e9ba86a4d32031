"""Kling's avatar: `POST /v1/videos/avatar/image2video`, `GET` of the same with `/{id}` or a page.

Source: api-facts.md sections 1.3, 1.4 and 1.6. A create with an `external_task_id` that was accepted before is refused with 1201, as
clients of the real API report.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, Final

from runner.sandbox.api import Reading
from runner.sandbox.kling.operation import KEPT_S, Operation, own_id_of, text_problem
from runner.sandbox.kling.recordings import maker_of, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.api import Measured
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_FIELDS: Final = frozenset(
    {"image", "audio_id", "sound_file", "prompt", "mode", "watermark_info", "callback_url", "external_task_id"}
)
_MOST_BYTES: Final[Mapping[str, int]] = {"image": 10_000_000, "sound_file": 5_000_000}
"""Of the fields that take bytes: the most that one may hold."""
_DIGEST: Final = "sha256:"
_MOST_PROMPT: Final = 2500
_LEAST_SIDE_PX: Final = 300
_MOST_RATIO: Final = 2.5
_SHORTEST_S: Final = 2.0
_LONGEST_S: Final = 300.0
_UNITS_PER_S: Final[Mapping[str, int]] = {"std": 1, "pro": 2}


class Avatar(Operation):
    """The words of `kling/avatar`."""

    name = "kling/avatar"
    path = "/v1/videos/avatar/image2video"

    @property
    def most_parallel(self) -> int | None:
        """As many as the resource pack allows."""
        return self.desk.options.kling_parallel

    def contents(self, body: Any) -> Mapping[str, str]:
        """Picture and sound, where they come as bytes."""
        given = {name: body.get(name) for name in _MOST_BYTES} if isinstance(body, dict) else {}
        return {name: value for name, value in given.items() if isinstance(value, str) and _is_content(value)}

    def read(self, body: Any, measured: Measured) -> Reading:
        """Judge a create's parsed body as the real API would."""
        if not isinstance(body, dict):
            return Reading(problem="the body is not a JSON object", kept=body)
        kept = {**body, **{name: _kept(body[name]) for name in _MOST_BYTES if name in body}}
        texts = [kept[name] for name in ("prompt", *_MOST_BYTES) if isinstance(kept.get(name), str)]
        spoken = next((kept[name] for name in ("prompt", "sound_file", "audio_id") if kept.get(name)), "")
        own_id = own_id_of(body)
        maker = self._recording(body)
        length_s = maker.scene.duration_s if maker else measured.get("sound_file", {}).get("length_s")
        problem = _problem(body) or self._media_problem(measured) or self._recording_problem(body, maker)
        return Reading(
            problem=problem or _length_problem(length_s) or self.repetition(own_id),
            unknown_fields=tuple(sorted(_unknown_fields(body))),
            texts=tuple(texts),
            spoken=str(spoken),
            kept=kept,
            own_id=own_id,
            length_s=length_s,
        )

    def facts(self, task: Task) -> dict[str, Any]:
        """Whether a marked copy was asked for."""
        return {"watermark_info": {"enabled": _wants_watermark(task)}}

    def result(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """One video, and a marked copy where one was asked for."""
        plain, marked = (self.address(f"{task.serial}{suffix}", now, fault) for suffix in (".mp4", "-wm.mp4"))
        video = {
            "id": name_of(task),
            "url": plain,
            "watermark_url": marked if _wants_watermark(task) else "",
            "duration": self.length(task),
        }
        return {"videos": [video]}

    def units(self, task: Task) -> float:
        """By the second and the mode."""
        return math.ceil(task.scene.duration_s) * _UNITS_PER_S[task.body.get("mode", "std")]

    def _recording(self, body: Mapping[str, Any]) -> Task | None:
        name = body.get("audio_id")
        return maker_of(self.desk.tasks, "kling/tts", name, self.desk.now()) if isinstance(name, str) else None

    def _recording_problem(self, body: Mapping[str, Any], maker: Task | None) -> str | None:
        if not body.get("audio_id"):
            return None
        if maker is None:
            return None if self.desk.options.lenient else "audio_id: no such recording; POST /v1/audio/tts makes them"
        return None if self.desk.now() - maker.ends_at <= KEPT_S else "audio_id: the recording is older than 30 days"

    def _media_problem(self, measured: Measured) -> str | None:
        for name, facts in measured.items():
            if "problem" in facts:
                return f"{name} {facts['problem']}"
            if facts["size_bytes"] > _MOST_BYTES[name]:
                return f"{name} is larger than {_MOST_BYTES[name]} bytes"
            if not self.desk.options.lenient and ("width" if name == "image" else "length_s") not in facts:
                return f"{name}: the format cannot be read"
        return _pixel_problem(measured.get("image", {}))


def _pixel_problem(picture: Mapping[str, Any]) -> str | None:
    if "width" not in picture:
        return None
    short, long = sorted((picture["width"], picture["height"]))
    return "Image pixel is invalid" if short < _LEAST_SIDE_PX or long > _MOST_RATIO * short else None


def _length_problem(length_s: float | None) -> str | None:
    if length_s is None or _SHORTEST_S <= length_s <= _LONGEST_S:
        return None
    return f"the sound lasts {length_s:g} s; it must last {_SHORTEST_S:g} to {_LONGEST_S:g} s"


def _kept(value: Any) -> Any:
    """A field that takes bytes as the books have it: content by its digest, for the ledger must not grow by it.

    What comes from the books is left as it is; no base64 holds a colon.
    """
    if not isinstance(value, str) or not _is_content(value):
        return value
    return f"{_DIGEST}{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_content(value: str) -> bool:
    return bool(value) and not value.startswith(("http://", "https://", _DIGEST))


def _problem(body: Mapping[str, Any]) -> str | None:
    # An empty text counts as absent: the official example sends one.
    given = [name for name in ("audio_id", "sound_file") if body.get(name) not in (None, "")]
    if len(given) != 1:
        return f"give exactly one of audio_id, sound_file; got {', '.join(given) or 'none'}"
    if not body.get("image"):
        return "image is required"
    for name in _MOST_BYTES:
        if body.get(name) and not isinstance(body[name], str):
            return f"{name} must be an address or base64"
    return _detail_problem(body)


def _detail_problem(body: Mapping[str, Any]) -> str | None:
    prompt, watermark = body.get("prompt", ""), body.get("watermark_info", {})
    if not isinstance(prompt, str) or len(prompt) > _MOST_PROMPT:
        return f"prompt must be a text of at most {_MOST_PROMPT} characters"
    if body.get("mode", "std") not in tuple(_UNITS_PER_S):
        return f"mode must be one of {', '.join(_UNITS_PER_S)}"
    if not isinstance(watermark, dict) or not isinstance(watermark.get("enabled", False), bool):
        return "watermark_info.enabled must be a boolean"
    return text_problem(body, "audio_id", "callback_url", "external_task_id")


def _unknown_fields(body: Mapping[str, Any]) -> list[str]:
    watermark = body.get("watermark_info")
    inner = [f"watermark_info.{name}" for name in watermark if name != "enabled"] if isinstance(watermark, dict) else []
    return [*(name for name in body if name not in _FIELDS), *inner]


def _wants_watermark(task: Task) -> bool:
    return bool(task.body.get("watermark_info", {}).get("enabled"))
