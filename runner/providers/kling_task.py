"""Reads a task of Kling: the object under `data`, which has one form for all operations that make videos (`api-facts.md` section 1.4)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Ready, Running
from runner.providers.endings import ended
from runner.providers.json_body import http_address, mapping, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Ended

_RUNNING: Final = frozenset({"submitted", "processing"})
_SUCCEEDED: Final = frozenset({"succeed", "succeeded"})
"""The newer APIs of Kling write the second."""
_FAILED: Final = "failed"
_NO_REASONS: Final = frozenset({"succeed", "success"})
_MOST_WORD_CHARS: Final = 64


def read_task(
    body: Mapping[str, Any], inputs: Mapping[str, Any], *, request_id: str | None
) -> Running | Ready | Ended | None:
    """What a query's reply says about the task.

    Args:
        body: The reply's JSON object.
        inputs: What the job asked for: its own words.
        request_id: Kling's id of the request, for a failure.

    Returns:
        The answer; None when there is no task in the body.
    """
    task = mapping(body.get("data"))
    status = text(task.get("task_status"))
    if not status:
        return None
    match status.lower():
        case word if word in _RUNNING:
            return Running()
        case word if word in _SUCCEEDED:
            return _ready(task)
        case word if word == _FAILED:
            charged = None if (units := _units(task)) is None else Decimal(units) > 0
            return ended(_reason(task, body), own_words=str(inputs), request_id=request_id, charged=charged)
        case _:
            return Running(unknown_status=status[:_MOST_WORD_CHARS])


def _ready(task: Mapping[str, Any]) -> Ready:
    videos = mapping(task.get("task_result")).get("videos")
    video = mapping(videos[0]) if isinstance(videos, list) and videos else {}
    address = http_address(text(video.get("url")))
    return Ready(address, _outputs(video, address), units=_units(task))


def _outputs(video: Mapping[str, Any], address: str | None) -> dict[str, Any]:
    duration_s = number(video.get("duration"))
    facts = {
        "video_url": address,
        "watermark_url": http_address(text(video.get("watermark_url"))),
        "video_id": text(video.get("id")) or None,
        "duration_s": duration_s if duration_s is not None and duration_s >= 0 else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _units(task: Mapping[str, Any]) -> str | None:
    """What Kling has deducted, in its own units, as it writes the number; None when it does not say."""
    said = task.get("final_unit_deduction")
    words = str(said) if isinstance(said, float) else text(said)
    try:
        units = Decimal(words)
    except InvalidOperation:
        return None
    return words if units.is_finite() and units >= 0 else None


def _reason(task: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Why it failed: in `task_status_msg` alone, since `message` speaks of the call, which worked."""
    said = (text(task.get("task_status_msg")), text(body.get("message")))
    return next((words for words in said if words and words.lower() not in _NO_REASONS), "")
