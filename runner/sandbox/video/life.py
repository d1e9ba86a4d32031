"""How a task that makes a video goes on, and how it ends: the words of gateways and of the models behind them.

Source: api-facts.md sections 3.4 and 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ends otherwise than well.

    Args:
        status: The gateway's word.
        reason: The reason that it gives.
        has_video: Whether there is a video all the same.
    """

    status: str
    reason: str
    has_video: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a task stands.

    Args:
        status: The gateway's word.
        has_video: Whether the answer hands out the video.
        reason: Why it has ended badly; empty otherwise.
    """

    status: str
    has_video: bool
    reason: str = ""


ENDINGS: Final[Mapping[str, Ending]] = {
    "fail": Ending("failed", "generation failed"),
    "timeout-generation": Ending("video_generation_failed", "generation timed out"),
    "no-money": Ending("failed", "账户余额不足"),
    "moderated": Ending("failed", "output_moderation"),
    "moderated-text": Ending("error", "prompt_moderation"),
    "cancelled": Ending("cancelled", "cancelled by the provider"),
    "expired": Ending("expired", "the video has expired"),
    "upsampling-failed": Ending("video_upsampling_failed", "upsampling failed"),
    "upsampling-failed-with-video": Ending("video_upsampling_failed", "upsampling failed", has_video=True),
}
"""By kind of fault."""

SORA: Final = ("pending", "pending", "processing", "completed")
OPENAI: Final = ("queued", "in_progress", "completed")
VEO: Final = (
    "pending",
    "image_downloading",
    "video_generating",
    "video_generation_completed",
    "video_upsampling",
    "video_upsampling_completed",
    "completed",
)
WALKS: Final[Mapping[str, Sequence[str]]] = {
    "walk-veo": VEO,
    "walk-relay": ("NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"),
    "walk-newer": ("queued", "running", "succeeded"),
}
"""The statuses of a task in order, the last one with the video, by kind of fault."""

_UNKNOWN: Final = "reviewing"


def standing(task: Task, now: float, fault: Fault | None, usual: Sequence[str]) -> Standing:
    """Where a task stands, as an answer with this fault says it.

    Args:
        task: The task.
        now: Unix seconds.
        fault: Of the answer, or None.
        usual: The walk of a task that asks for no other.
    """
    if fault is not None and fault.kind == "unknown-status":
        return Standing(_UNKNOWN, has_video=False)
    has_address = fault is None or fault.kind != "no-address"
    if now >= task.ends_at and (kind := task.first_of(ENDINGS)) is not None:
        ending = ENDINGS[kind]
        return Standing(ending.status, ending.has_video and has_address, ending.reason)
    asked = task.first_of(WALKS)
    walk = WALKS[asked] if asked else usual
    if now >= task.ends_at:
        return Standing(walk[-1], has_address)
    return Standing(walk[int(task.progress(now) * (len(walk) - 1))], has_video=False)
