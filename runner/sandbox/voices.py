"""Voices of the digital human: presets, and those that `create_voice` makes."""

from __future__ import annotations

import hashlib
from typing import Any, Final

_NAMES: Final = {"en": (("Ann", "female", "calm"), ("Ben", "male", "warm"), ("Cleo", "female", "lively")),
                 "zh": (("安安", "female", "calm"), ("博文", "male", "warm"), ("思雨", "female", "lively"))}  # fmt: skip
LANGUAGES: Final = tuple(_NAMES)


def presets(language: str) -> list[dict[str, Any]]:
    """The default voices of a language, as `GET /avatar/voice` lists them (api-facts.md section 2.5)."""
    return [
        {
            "audio_id": f"preset-{language}-{number}",
            "audio_url": f"config/voice/{language}-{number}.mp3",
            "labels": list(labels),
            "language": language,
            "name": name,
            "vip_enable": False,
            "voice_engine_id": _engine_of(f"preset-{language}-{number}"),
            "type": "default",
        }
        for number, (name, *labels) in enumerate(_NAMES[language], 1)
    ]


def created(task_id: str) -> dict[str, str]:
    """The voice that a `create_voice` task makes: `voice_engine_id` and `audio_id`."""
    audio_id = f"voice-{hashlib.sha256(task_id.encode()).hexdigest()[:20]}"
    return {"voice_engine_id": _engine_of(audio_id), "audio_id": audio_id}


def is_known(voice_engine_id: str, audio_id: str) -> bool:
    """Whether a sandbox has listed or made this pair, this one or an earlier one: a state may outlive its sandbox."""
    return voice_engine_id == _engine_of(audio_id)


def _engine_of(audio_id: str) -> str:
    return f"engine-{hashlib.sha256(f'callsheet sandbox/{audio_id}'.encode()).hexdigest()[:16]}"
