"""Names of recordings and voices: made from the serial number of the task that made them, so that they lead back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runner.sandbox.tasks import Task, TaskBook

_PREFIXES: Final = {"kling/tts": "a-", "kling/voice": "voice-", "kling/avatar": "v-"}
PRESETS: Final = {
    "oversea_male1": ("Anchor", "en"),
    "sandbox_ann": ("Ann", "en"),
    "genshin_vindi2": ("Sunny", "zh"),
    "sandbox_bowen": ("博文", "zh"),
}
"""Name and language of the voices that everybody has, by id."""


def name_of(task: Task) -> str:
    """What the result of a task is called."""
    return _PREFIXES[task.api] + task.serial


def maker_of(tasks: TaskBook, api: str, name: str, now: float) -> Task | None:
    """The task of an operation that made what has this name; None when there is nothing of that name."""
    prefix = _PREFIXES[api]
    task = tasks.with_serial(name.removeprefix(prefix)) if name.startswith(prefix) else None
    return task if task is not None and task.api == api and task.ends_at <= now else None


def preset(voice_id: str) -> dict[str, Any]:
    """A preset voice, as lists of tasks hold voices."""
    voice = {"voice_id": voice_id, "voice_name": PRESETS[voice_id][0], "trial_url": "", "owned_by": "kling"}
    return {
        "task_id": f"preset-{voice_id}",
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {"voices": [voice]},
    }
