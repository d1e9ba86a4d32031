"""A campaign to run: one manifest, one CSV, unique texts."""

from __future__ import annotations

import csv
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "acceptance"

_FACE: Final = "https://pictures.example.com/{{ row.key }}.png"
_JOBS: Final[dict[str, dict[str, Any]]] = {
    "digital-human": {
        "uses": "digital-human/avatar",
        "with": {
            "avatar_url": _FACE,
            "no_watermark": True,
            "create_voice": {
                "audio_url": "https://sounds.example.com/ann.mp3",
                "language": "en",
                "text": "{{ row.text }}",
            },
        },
    },
    "kling": {
        "uses": "kling/avatar",
        "with": {
            "image": _FACE,
            "sound_file": "https://sounds.example.com/{{ row.key }}.mp3",
            "prompt": "{{ row.text }}",
        },
    },
    "video": {
        "uses": "video/generate",
        "with": {"model": "sora-2", "prompt": "{{ row.text }}", "images": [_FACE], "size": "small", "duration": 10},
    },
}
"""What each provider is asked for, once for every row."""


def speeches(number: int, word: str = "person") -> dict[str, str]:
    """Texts by key, each unlike every other."""
    return {f"p{index:02d}": f"Hello, {word} {index:02d}, nice to see you." for index in range(1, number + 1)}


class Campaign:
    """A manifest with its rows, written again whenever something changes.

    Args:
        folder: Where it lies.
        base_url: The API.
        cdn_origin: Where results may come from.
        rows: What each person is told, by key.
        in_flight: The account's limit.
        provider: Who makes the rows' videos.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str,
        cdn_origin: str,
        rows: dict[str, str],
        *,
        in_flight: int = 5,
        provider: str = "digital-human",
    ) -> None:
        self.folder = folder
        self.rows = rows
        self.block = "hello"
        """The job's name, which all ids begin with."""
        self.others: dict[str, str] = {}
        """What jobs beside the rows say, by job id."""
        self.job_ids: dict[str, str] = {}
        self.account: dict[str, Any] = {
            "base_url": base_url,
            "download_origins": [cdn_origin],
            "limits": {"in_flight": in_flight, "submits_per_minute": 6000},
            "poll": {"min_s": 0.1, "max_s": 0.5},
            "timeouts": {"connect_s": 2, "submit_s": 3, "read_s": 3, "lookup_s": [0.2, 0.2]},
        }
        self.manifest: dict[str, Any] = {
            "version": 1,
            "name": NAME,
            "providers": {provider: self.account},
            "jobs": {self.block: self._job(provider)},
        }
        self.write()

    @property
    def path(self) -> Path:
        """The manifest."""
        return self.folder / "campaign.yaml"

    @property
    def current(self) -> dict[str, str]:
        """What each job says now, by job id."""
        return {**{f"{self.block}/{key}": text for key, text in self.rows.items()}, **self.others}

    @property
    def in_flight(self) -> dict[str, int]:
        """How many tasks at once the accounts of each provider allow together."""
        allowed: dict[str, int] = {}
        for name, account in self.manifest["providers"].items():
            provider = account.get("type", name)
            allowed[provider] = allowed.get(provider, 0) + account["limits"]["in_flight"]
        return allowed

    @property
    def job(self) -> dict[str, Any]:
        """The job that is made for every row."""
        job: dict[str, Any] = self.manifest["jobs"][self.block]
        return job

    def write(self) -> None:
        """Write manifest and rows as they stand."""
        self.path.write_text(yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True), encoding="utf-8")
        with (self.folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("key", "text"), *self.rows.items()])
        self.job_ids.update({text: job_id for job_id, text in self.current.items()})

    def rename(self, block: str) -> None:
        """Give the job another name, and write it."""
        self.manifest["jobs"] = {block: self.job}
        self.block = block
        self.write()

    def add_account(self, name: str, provider: str, **changes: Any) -> dict[str, Any]:
        """One more account on the same host, like the first but for the changes; `write` is still to be called."""
        account = {**deepcopy(self.account), "type": provider, **changes}
        self.manifest["providers"][name] = account
        return account

    def add_job(self, name: str, uses: str, inputs: dict[str, Any], speech: str, **more: Any) -> None:
        """One more job, without rows; `write` is still to be called.

        Args:
            name: Its id.
            uses: `<account>/<operation>`.
            inputs: What stands under `with`.
            speech: The one of its inputs that tells it apart from other jobs.
            more: Further keys of the job.
        """
        self.manifest["jobs"][name] = {"uses": uses, "with": inputs, **more}
        self.others[name] = speech

    def speech_of(self, job_id: str) -> str:
        """What a job says now."""
        return self.current[job_id]

    def keys(self, numbers: Iterable[int]) -> list[str]:
        """The keys at these places, counted from 1."""
        every = list(self.rows)
        return [every[number - 1] for number in numbers]

    @staticmethod
    def _job(provider: str) -> dict[str, Any]:
        return {**deepcopy(_JOBS[provider]), "foreach": {"csv": "people.csv", "key": "{{ row.key }}"}}
