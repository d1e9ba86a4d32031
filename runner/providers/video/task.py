"""Reads a task of the unified video API, flat or wrapped in `data`, with its address in any of a dozen places (`api-facts.md` sections 3.4 to 3.6 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Ended, Ready, Running
from runner.core.codes import MEANING, Code
from runner.core.events import Cause, Failure
from runner.providers import gateway
from runner.providers.endings import ended
from runner.providers.json_body import http_address, mapping, number, seconds, text
from runner.providers.video.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]


class Stage(Enum):
    """What a status says."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DONE_WITH_ADDRESS = "done with address"
    """A step is done and others may follow: a success once there is an address."""
    FAILED_WITHOUT_ADDRESS = "failed without address"
    """The last step failed; the video of the step before may be there."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


STATUSES: Final[Mapping[str, Stage]] = {
    "not_start": Stage.RUNNING,
    "pending": Stage.RUNNING,
    "queued": Stage.RUNNING,
    "submitted": Stage.RUNNING,
    "processing": Stage.RUNNING,
    "in_progress": Stage.RUNNING,
    "generating": Stage.RUNNING,
    "running": Stage.RUNNING,
    "image_downloading": Stage.RUNNING,
    "video_generating": Stage.RUNNING,
    "video_upsampling": Stage.RUNNING,
    "video_generation_completed": Stage.DONE_WITH_ADDRESS,
    "video_upsampling_completed": Stage.DONE_WITH_ADDRESS,
    "video_upsampling_failed": Stage.FAILED_WITHOUT_ADDRESS,
    "video_generation_failed": Stage.FAILED,
    "failed": Stage.FAILED,
    "failure": Stage.FAILED,
    "error": Stage.FAILED,
    "cancelled": Stage.CANCELLED,
    "canceled": Stage.CANCELLED,
    "expired": Stage.EXPIRED,
    "completed": Stage.SUCCEEDED,
    "succeeded": Stage.SUCCEEDED,
    "succeed": Stage.SUCCEEDED,
    "success": Stage.SUCCEEDED,
}
"""In lower case (api-facts sections 3.5 and 5). Any other word, `unknown` too, says nothing: polled on."""

ADDRESSES: Final[tuple[Path, ...]] = (
    ("video_url",),
    ("url",),
    ("data", "video_url"),
    ("data", "url"),
    ("data", "output"),
    ("data", "result_url"),
    ("data", "result_urls", 0),
    ("data", 0, "url"),
    ("metadata", "url"),
    ("detail", "video_url"),
    ("data", "metadata", "url"),
    ("data", "detail", "video_url"),
)
"""Where the result's address may stand, first to last (api-facts section 3.4); the last two are those before them in a wrapped reply."""

_MISPLACED_ADDRESSES: Final[tuple[Path, ...]] = (("fail_reason",), ("data", "fail_reason"))
"""Forks of new-api write the address of a success here (api-facts section 2.3)."""

REASONS: Final[tuple[Path, ...]] = (
    ("task_status_msg",),
    ("fail_reason",),
    ("error", "message"),
    ("error",),
    ("detail", "pending_info", "failure_reason"),
    ("detail", "error"),
    ("detail", "error", "message"),
    ("message",),
)
"""Where a task may say why it failed, first to last (api-facts section 5)."""

_NO_REASONS: Final = frozenset({"success", "succeed"})
_SUCCESS_CODES: Final = frozenset({"", "0", "200", "ok", "success", "succeed"})
_ID_KEYS: Final = ("id", "task_id")
_MOST_WORD_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class VideoTask:
    """A task as a reply shows it.

    Args:
        body: The whole reply.
        facts: The object in it that has the status: the reply itself, or what it wraps.
    """

    body: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def status(self) -> str:
        """The gateway's word as it stands, shortened."""
        return text(self.facts.get("status"))[:_MOST_WORD_CHARS]

    @property
    def stage(self) -> Stage | None:
        """What that word says; None for one that no table has."""
        return STATUSES.get(self.status.lower())

    @property
    def video_id(self) -> str:
        """The task's name in this reply, which may differ from the one that was asked for; "" without one."""
        return next(filter(None, (text(self.facts.get(key)) for key in _ID_KEYS)), "")

    @property
    def address(self) -> str | None:
        """Where the result is, in the first place that has an address."""
        return _first_address(self.body, ADDRESSES)

    @property
    def reason(self) -> str:
        """Why it failed, in the gateway's words, with its code; "" when it does not say."""
        code = text(mapping(self.facts.get("error")).get("code"))
        words = next(self._reasons(), "")
        return ": ".join(filter(None, [code if code not in words else "", words]))

    @property
    def progress(self) -> float | None:
        """0 to 1; None when the gateway does not say."""
        said = self.facts.get("progress")
        percent = number(said)
        if percent is None:
            percent = number(_at(self.facts, ("detail", "pending_info", "progress_pct")))
            said = None
        if percent is None:
            return None
        # `progress` counts to 100 and `progress_pct` to 1, but gateways mix them up: no percentage is a bare fraction below 1.
        is_share = percent <= 1 if said is None else not isinstance(said, str) and 0 < percent < 1
        return min(1.0, max(0.0, percent if is_share else percent / 100))

    @property
    def is_rejected_output(self) -> bool:
        """Whether moderation has stopped what came out."""
        return _at(self.facts, ("detail", "pending_info", "moderation_result", "is_output_rejection")) is True

    def outputs(self, address: str | None) -> dict[str, Any]:
        """The named outputs, as far as the reply tells them.

        Args:
            address: Where the result is, if that is an address for everybody.
        """
        lasts_s = next(filter(None, (seconds(self.facts.get(key)) for key in ("seconds", "duration"))), None)
        done_at = next(
            filter(None, (moment(self.facts.get(key)) for key in ("completed_at", "status_update_time"))), None
        )
        known = {
            "video_url": address,
            "video_id": self.video_id,
            "duration_s": lasts_s,
            "enhanced_prompt": text(self.facts.get("enhanced_prompt")),
            "completed_at": done_at,
            "expires_at": moment(self.facts.get("expires_at")),
        }
        return {name: value for name, value in known.items() if value}

    def _reasons(self) -> Iterator[str]:
        for path in REASONS:
            for level in (self.facts, self.body):
                words = text(_at(level, path))
                if words and words.lower() not in _NO_REASONS and not http_address(words):
                    yield words


def find_task(body: Mapping[str, Any]) -> VideoTask | None:
    """The task that a reply shows; None when there is none in it.

    An error may have a `status` of its own: only a task has an id with it, stands in an answer that calls itself a success, or has the
    address of its result.
    """
    code = text(body.get("code")).lower()
    if code not in _SUCCESS_CODES:
        return None
    for level in (body, mapping(body.get("data"))):
        is_task = code or any(text(level.get(key)) for key in _ID_KEYS) or _names_result(body)
        if isinstance(level.get("status"), str) and is_task:
            return VideoTask(body, level)
    return None


def _names_result(body: Mapping[str, Any]) -> bool:
    return not body.get("error") and _first_address(body, ADDRESSES) is not None


def says_success(body: Mapping[str, Any]) -> bool:
    """Whether nothing in a reply speaks against the call's success; a task's own error is no word about the call."""
    task = find_task(body)
    if task is not None and task.stage is not None:
        return body.get("success") is not False
    if body.get("error") or body.get("success") is False or text(body.get("code")).lower() not in _SUCCESS_CODES:
        return False
    return bool(text(body.get("code"))) or text(body.get("message")).lower() in ("", gateway.SUCCESS)


def read_task(
    task: VideoTask,
    inputs: Mapping[str, Any],
    *,
    request_id: str | None,
) -> Running | Ready | Ended:
    """What a task's status means.

    Args:
        task: The task.
        inputs: What the job asked for: its own words.
        request_id: The gateway's id of the request, for a failure.
    """
    stage, address = task.stage, task.address
    if stage is Stage.DONE_WITH_ADDRESS:
        stage = Stage.SUCCEEDED if address else Stage.RUNNING
    if stage is Stage.FAILED_WITHOUT_ADDRESS:
        stage = Stage.SUCCEEDED if address else Stage.FAILED
    match stage:
        case Stage.SUCCEEDED:
            return _ready(task)
        case Stage.FAILED:
            return _failed(task, inputs, request_id)
        case Stage.CANCELLED:
            return _gone(task, Cause.GENERATION, Code.CANCELLED, request_id)
        case Stage.EXPIRED:
            return _gone(task, Cause.EXPIRED, Code.RESULT_EXPIRED, request_id)
        case Stage.RUNNING:
            return Running(progress=task.progress)
        case _:
            return Running(progress=task.progress, unknown_status=task.status or "no status")


def _ready(task: VideoTask) -> Ready:
    address = task.address or _first_address(task.body, _MISPLACED_ADDRESSES)
    return Ready(address, task.outputs(address))


def _failed(task: VideoTask, inputs: Mapping[str, Any], request_id: str | None) -> Ended:
    code = Code.MODERATED if task.is_rejected_output else Code.GENERATION_FAILED
    return ended(
        task.reason, own_words=text(inputs.get("prompt")), request_id=request_id, code=code, meaning=MEANING[code]
    )


def _gone(task: VideoTask, cause: Cause, code: Code, request_id: str | None) -> Ended:
    message = gateway.shortened(": ".join(filter(None, [MEANING[code], task.reason])))
    return Ended(Failure(cause=cause, code=code, message=message, request_id=request_id))


def _first_address(body: Mapping[str, Any], paths: tuple[Path, ...]) -> str | None:
    return next(filter(None, (http_address(text(_at(body, path))) for path in paths)), None)


def _at(value: Any, path: Path) -> Any:
    """What stands at a path of keys and indices; None where it leads to nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = mapping(value).get(step)
    return value
