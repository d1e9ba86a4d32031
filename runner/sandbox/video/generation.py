"""What both forms of a video API have in common: the fields of a create, where an id and an address stand.

Source: api-facts.md sections 3.2, 3.3 and 3.5.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final

from runner.sandbox import gateway
from runner.sandbox.api import Answer, Api, Reading
from runner.sandbox.faults import ADDRESS_PLACES
from runner.sandbox.video.life import ENDINGS, WALKS
from runner.sandbox.video.places import placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.api import Measured
    from runner.sandbox.desk import Desk
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_FIELDS: Final = frozenset(
    {"model", "prompt", "images", "input_reference", "seconds", "duration", "size", "orientation", "aspect_ratio"}
    | {"watermark", "private", "style", "storyboard", "character_url", "character_timestamps"}
    | {"enhance_prompt", "enable_upsample"}
)
"""Those that some document lists. Others are taken too, since models are an open set."""

_RECEIPTS: Final[Mapping[str, str]] = {
    "id-in-object": "data.task_id",
    "id-in-data": "data.id",
    "id-in-envelope": "data.id",
    "id-as-task-id": "task_id",
    "id-as-data": "data",
}
"""Where the id stands in a receipt of another shape, by kind of fault."""

_WORDS: Final = frozenset({"no-id", "progress-text", "unknown-status", "no-address", "expired-url"})
_REFERENCE: Final = "input_reference"
_DIGEST: Final = "sha256:"
_LONGEST_S: Final = 60.0
"""A video that is asked to be longer is drawn so long all the same: nobody waits for an hour of it."""


class Generation(Api):
    """The words of an operation that makes videos.

    Args:
        desk: Where creates and questions are booked.
    """

    errors = gateway.ERRORS
    words = frozenset({*_RECEIPTS, *ENDINGS, *WALKS, *ADDRESS_PLACES, *_WORDS})

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """See `Api.refusal`."""
        return gateway.refusal(kind, detail, number)

    def contents(self, body: Any) -> Mapping[str, str]:
        """The picture that guides the video, where it comes as bytes."""
        reference = body.get(_REFERENCE) if isinstance(body, dict) else None
        return {_REFERENCE: reference} if isinstance(reference, str) and _is_content(reference) else {}

    def read(self, body: Any, measured: Measured) -> Reading:
        """Judge a create's parsed body as the real API would; what only one model wants is not known here."""
        if not isinstance(body, dict):
            return Reading(problem="the body is neither a JSON object nor a form", kept=body)
        kept = {**body, **{name: _digest(content) for name, content in self.contents(body).items()}}
        images = body["images"] if isinstance(body.get("images"), list) else []
        texts = [kept.get("prompt"), kept.get(_REFERENCE), *images]
        problem = _problem(body)
        return Reading(
            problem=problem or self._reference_problem(measured.get(_REFERENCE)),
            unknown_fields=tuple(sorted(set(body) - _FIELDS)),
            texts=tuple(text for text in texts if isinstance(text, str)),
            spoken=str(body.get("prompt", "")),
            kept=kept,
            length_s=_length_s(body) if problem is None else None,
        )

    def receipt(self, task: Task, now: float, fault: Fault | None) -> Answer:  # noqa: ARG002  nothing has happened yet
        """See `Api.receipt`: as a report at the beginning, with the id elsewhere where a fault says so."""
        body = self.begun(task)
        match fault.kind if fault else None:
            case "no-id":
                return Answer(200, {**body, "id": ""})
            case str(kind) if kind in _RECEIPTS:
                envelope = {"code": 200, "message": "success"} if kind == "id-in-envelope" else {}
                return Answer(200, envelope | placed({}, _RECEIPTS[kind], task.id))
            case _:
                return Answer(200, body)

    @abstractmethod
    def begun(self, task: Task) -> dict[str, Any]:
        """The body of a receipt as it is documented."""

    def with_address(self, body: dict[str, Any], task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """A report with the video's address, where the task wants it or in the usual place."""
        place = ADDRESS_PLACES[task.first_of(ADDRESS_PLACES) or "in-video-url"]
        found: dict[str, Any] = placed(body, place, self.address(task, now, fault))
        return found

    def address(self, task: Task, now: float, fault: Fault | None = None) -> str:
        """The video's address at the CDN."""
        is_expired = fault is not None and fault.kind == "expired-url"
        return self.desk.addresses.of(f"{task.serial}.mp4", now, expired=is_expired)

    def progress(self, task: Task, now: float) -> int | str:
        """Per cent, as a number or, on request, a text."""
        percent = int(task.progress(now) * 100)
        return f"{percent}%" if task.fault("progress-text") else percent

    def _reference_problem(self, facts: Mapping[str, Any] | None) -> str | None:
        if facts is None or self.desk.options.lenient:
            return None
        return None if "width" in facts else f"{_REFERENCE} is no picture"


def _problem(body: Mapping[str, Any]) -> str | None:
    for name in ("model", "prompt"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            return f"{name} is required"
    images = body.get("images", [])
    if isinstance(images, list) and not all(isinstance(image, str) for image in images):
        return "images must be addresses"
    return (
        None if _seconds(body) is not None or not _asks_for_length(body) else "the length must be a number of seconds"
    )


def _asks_for_length(body: Mapping[str, Any]) -> bool:
    return body.get("seconds", body.get("duration")) is not None


def _seconds(body: Mapping[str, Any]) -> float | None:
    """What `seconds` or `duration` says: a number, or a text as OpenAI wants it."""
    asked = body.get("seconds", body.get("duration"))
    if isinstance(asked, str) and asked.isascii() and asked.isdecimal():
        asked = int(asked)
    return float(asked) if type(asked) in (int, float) and asked > 0 else None


def _length_s(body: Mapping[str, Any]) -> float | None:
    seconds = _seconds(body)
    return None if seconds is None else min(seconds, _LONGEST_S)


def _is_content(value: str) -> bool:
    return bool(value) and not value.startswith(("http://", "https://", "data:", _DIGEST))


def _digest(content: str) -> str:
    return f"{_DIGEST}{hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()}"
