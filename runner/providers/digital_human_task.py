"""Reads a task of the digital human: three shapes, two statuses that must agree, three addresses.

`envelope` is the gateway's task (`status`, `progress`, `fail_reason`), `work` is DreamFace's object (`web_work_status` and the paths). Either may be
missing: the user's page shows the work alone, a sister page the work within the envelope (`api-facts.md` section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Ready, Running
from runner.core.codes import MEANING, Code
from runner.providers import gateway
from runner.providers.endings import ended
from runner.providers.json_body import Unreadable, http_address, mapping, number, parse_object, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.core.answers import Ended


class Stage(Enum):
    """How far one of the two statuses says that the task is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


_STATUSES: Final[Mapping[str, Stage]] = {
    "not_start": Stage.RUNNING,
    "submitted": Stage.RUNNING,
    "queued": Stage.RUNNING,
    "in_progress": Stage.RUNNING,
    "success": Stage.SUCCEEDED,
    "failure": Stage.FAILED,
}
"""The envelope's `status`, in lower case (api-facts section 5); `unknown` is a documented word that says nothing."""

_WORK_STATUSES: Final[Mapping[int, Stage]] = {0: Stage.RUNNING, 100: Stage.RUNNING, 200: Stage.SUCCEEDED}
"""`web_work_status`; all negative numbers are failures (api-facts section 2.4)."""

_WORK_FAILURES: Final[Mapping[int, tuple[Code, str]]] = {
    -1: (Code.GENERATION_FAILED, "generation failed"),
    -2: (Code.GENERATION_TIMED_OUT, "generation timed out"),
    -3: (Code.OUT_OF_MONEY, "not enough credits"),
    -101: (Code.MODERATED, "nudity"),
    -102: (Code.MODERATED, "sensitive text"),
    -103: (Code.MODERATED, "political content"),
}

_PATHS: Final = ("work_video_path", "wm_work_video_path", "no_wm_work_video_path")
_CLEAN_PATHS: Final = ("no_wm_work_video_path", "work_video_path")
_NO_REASONS: Final = frozenset({"success", "succeed"})
_VOICE_OUTPUTS: Final = ("voice_engine_id", "audio_id")


@dataclass(frozen=True, slots=True)
class _Task:
    envelope: Mapping[str, Any]
    work: Mapping[str, Any]
    message: str
    request_id: str | None

    @property
    def status(self) -> str:
        """The envelope's word; "" without one."""
        return text(self.envelope.get("status"))

    @property
    def work_status(self) -> int | None:
        """DreamFace's number; None without one."""
        value = number(self.work.get("web_work_status"))
        return int(value) if value is not None and value.is_integer() else None

    @property
    def stage(self) -> Stage | None:
        """What the envelope says; None when it says nothing at all."""
        return _STATUSES.get(self.status.lower(), Stage.UNKNOWN) if self.status else None

    @property
    def work_stage(self) -> Stage | None:
        """What DreamFace says; None when it says nothing at all."""
        status = self.work_status
        if status is None:
            return None
        return Stage.FAILED if status < 0 else _WORK_STATUSES.get(status, Stage.UNKNOWN)

    @property
    def words(self) -> str:
        """Both statuses as they stand, for people."""
        parts = [self.status[:64]] if self.status else []
        return " with ".join(
            [*parts, *([f"web_work_status {self.work_status}"] if self.work_status is not None else [])]
        )

    @property
    def reason(self) -> str:
        """Why it failed, in the provider's words; "" when it does not say. An address there is a result, no reason."""
        said = (text(self.envelope.get("fail_reason")), self.message)
        return next(
            (words for words in said if words and words.lower() not in _NO_REASONS and not http_address(words)), ""
        )


def read_task(
    body: Mapping[str, Any], inputs: Mapping[str, Any], *, request_id: str | None
) -> Running | Ready | Ended | None:
    """What a query's reply says about the task.

    Args:
        body: The reply's JSON object.
        inputs: What the job asked for: whether without watermark, and its own words.
        request_id: The gateway's id of the request, for a failure.

    Returns:
        The answer; None when there is no task in the body.
    """
    task = _find(body, request_id)
    if task is None:
        return None
    stages = {task.stage, task.work_stage} - {None}
    if task.work_stage is Stage.FAILED or (task.stage is Stage.FAILED and task.work_stage is not Stage.SUCCEEDED):
        return _ended(task, inputs)
    if stages == {Stage.SUCCEEDED}:
        address = _result(task, no_watermark=inputs.get("no_watermark") is True)
        return Ready(address, _outputs(task.work, address))
    # The gateway copies DreamFace's answer now and then: the work is often done a little before the envelope says so.
    is_ordinary = stages == {Stage.RUNNING} or (task.stage is Stage.RUNNING and task.work_stage is Stage.SUCCEEDED)
    return Running(progress=_progress(task), unknown_status=None if is_ordinary else task.words or "no status")


def _find(body: Mapping[str, Any], request_id: str | None) -> _Task | None:
    outer = mapping(body.get("data"))
    levels = (body, outer, mapping(outer.get("data")))
    says_success = gateway.has_success_code(body)
    envelope: Mapping[str, Any] = next(
        (level for level in levels if _is_envelope(level, says_success=says_success)), {}
    )
    work: Mapping[str, Any] = next((level for level in levels if _is_work(level)), {})
    return _Task(envelope, work, text(body.get("message")), request_id) if envelope or work else None


def _is_envelope(level: Mapping[str, Any], *, says_success: bool) -> bool:
    # An error may have a `status` of its own: only a task has an id with it, or stands in an answer that calls itself a success.
    return isinstance(level.get("status"), str) and (says_success or bool(text(level.get("task_id"))))


def _is_work(level: Mapping[str, Any]) -> bool:
    return number(level.get("web_work_status")) is not None or any(
        http_address(text(level.get(path))) for path in _PATHS
    )


def _ended(task: _Task, inputs: Mapping[str, Any]) -> Ended:
    code, meaning = Code.GENERATION_FAILED, MEANING[Code.GENERATION_FAILED]
    if task.work_status is not None and task.work_status < 0:
        code, meaning = _WORK_FAILURES.get(task.work_status, (code, meaning))
        meaning = f"{meaning} (web_work_status {task.work_status})"
    return ended(task.reason, own_words=str(inputs), request_id=task.request_id, code=code, meaning=meaning)


def _result(task: _Task, *, no_watermark: bool) -> str | None:
    """Where the file is. Forks of new-api put the address into `fail_reason` on success: the last place to look."""
    paths = _CLEAN_PATHS if no_watermark else _PATHS
    candidates = (*(task.work.get(path) for path in paths), task.envelope.get("fail_reason"))
    return next((address for address in map(http_address, map(text, candidates)) if address), None)


def _progress(task: _Task) -> float | None:
    said = task.envelope.get("progress")
    value = number(said)
    if value is None:
        return None
    # "30%" and 30 are percent; a bare 0.3 can only be a share.
    is_share = value <= 1 and not (isinstance(said, str) and said.strip().endswith("%"))
    return min(1.0, max(0.0, value if is_share else value / 100))


def _outputs(work: Mapping[str, Any], address: str | None) -> dict[str, str]:
    cover = http_address(text(work.get("work_webp_path")))
    voices = (
        {name: text(info.get(name)) for name in _VOICE_OUTPUTS} for info in _voice_infos(work.get("animate_params_str"))
    )
    # Both ids from one entry: ids of two voices do not go together.
    voice = max(({name: words for name, words in ids.items() if words} for ids in voices), key=len, default={})
    return {**({"video_url": address} if address else {}), **({"cover_url": cover} if cover else {}), **voice}


def _voice_infos(packed: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of `pt_infos` in the JSON that `animate_params_str` holds as text; none when it is anything else."""
    params = parse_object(packed) if isinstance(packed, str) else mapping(packed)
    entries = [] if isinstance(params, Unreadable) else params.get("pt_infos")
    return (entry for entry in map(mapping, entries) if entry) if isinstance(entries, list) else iter(())
