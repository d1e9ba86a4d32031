"""A campaign of four jobs in the embedded sandbox, for tests of plans: one voice, two people who use it, one who does not."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import yaml

from tests.commandline import CommandLine, Finished

if TYPE_CHECKING:
    from pathlib import Path

FACE = "https://faces.example.com/a.png"


def speaking(text: str) -> dict[str, Any]:
    """A job that says this with a voice of its own."""
    voice = {"audio_url": "https://sounds.example.com/a.mp3", "language": "en", "text": text}
    return {"uses": "digital-human/avatar", "with": {"avatar_url": FACE, "create_voice": voice}}


def manifest() -> dict[str, Any]:
    """A voice, two people from a CSV that use it, and one who does not."""
    use_voice = {name: f"{{{{ jobs['anna-voice'].outputs.{name} }}}}" for name in ("voice_engine_id", "audio_id")}
    welcome = {
        "uses": "digital-human/avatar",
        "foreach": {"csv": "people.csv", "key": "{{ row.id }}"},
        "with": {
            "avatar_url": FACE,
            "use_voice": {**use_voice, "language": "en", "text": "Hi {{ row.name }}, welcome!"},
        },
    }
    jobs = {
        "welcome": welcome,
        "anna-voice": speaking("Hello, I am Anna."),
        "intro": speaking("This is the introduction."),
    }
    return {
        "version": 1,
        "name": "spring",
        "providers": {"digital-human": {"poll": {"min_s": 0.1, "max_s": 0.2}}},
        "budget": {"max": "5.00", "currency": "USD"},
        "prices": {"digital-human/avatar": {"per_job": "0.20"}},
        "jobs": jobs,
    }


class Desk:
    """The campaign in a folder, written again whenever something changes.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        work, home, logs = (folder / name for name in ("work", "home", "logs"))
        for place in (work, home, logs):
            place.mkdir()
        self.callsheet = CommandLine(work, home, logs)
        self.folder = work
        self.manifest = manifest()
        self.people = {"1": "Ana", "2": "Ben"}
        self.write()

    def write(self) -> None:
        """Write manifest and rows as they stand."""
        (self.folder / "spring.yaml").write_text(yaml.safe_dump(self.manifest, sort_keys=False), encoding="utf-8")
        rows = "".join(f"{key},{name}\n" for key, name in self.people.items())
        (self.folder / "people.csv").write_text(f"id,name\n{rows}", encoding="utf-8")

    def run(self, *words: str, code: int = 0) -> Finished:
        """Run the manifest, or what the words say."""
        return self.callsheet("run", *(words or ("spring.yaml", "--sandbox")), "--progress", "none").expect(code)

    def plan(self, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """The jobs of the plan, by id."""
        told = self.callsheet("plan", "spring.yaml", "--sandbox", "--json", *options).expect(code).stdout
        return {job["id"]: job for job in json.loads(told)["jobs"]}

    def digest(self) -> dict[str, str]:
        """Every file below the folder, with its digest."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): sha256(path.read_bytes()).hexdigest() for path in files}
