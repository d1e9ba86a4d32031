"""Commands typed in a folder, and the small manifests that they are about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commandline import Finished

MANIFEST = "spring.yaml"


@dataclass(frozen=True)
class Shell:
    """A folder and somebody who types.

    Args:
        folder: The working directory.
        type_in: Runs a command.
    """

    folder: Path
    type_in: Callable[..., Finished]

    def __call__(self, *words: str, code: int = 0) -> Finished:
        """Run a command and expect an exit code."""
        return self.type_in(*words).expect(code)

    def write(self, base_url: str | None = None, **texts: str) -> None:
        """Write `spring.yaml`: one job for each text."""
        account: dict[str, Any] = {} if base_url is None else {"base_url": base_url}
        document = {
            "version": 1,
            "name": "spring",
            "vars": {"face": "https://faces.example.com/a.png"},
            "providers": {"digital-human": {"limits": {"in_flight": 2}, **account}},
            "prices": {"digital-human/avatar": {"per_job": "0.20"}},
            "jobs": {name: _job(text) for name, text in (texts or {"anna": "Hi, I am Anna."}).items()},
        }
        (self.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def json(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON."""
        return json.loads(self(*words, code=code).stdout)


def _job(text: str) -> dict[str, Any]:
    voice = {"audio_url": "https://sounds.example.com/a.mp3", "language": "en", "text": text}
    return {
        "uses": "digital-human/avatar",
        "tags": ["nightly"] if "Anna" in text else [],
        "with": {"avatar_url": "{{ vars.face }}", "create_voice": voice},
    }
