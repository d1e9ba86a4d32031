"""A campaign to run: one manifest, one CSV, unique texts."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "acceptance"


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
    """

    def __init__(self, folder: Path, base_url: str, cdn_origin: str, rows: dict[str, str], in_flight: int = 5) -> None:
        self.folder = folder
        self.rows = rows
        self.in_flight = in_flight
        self.block = "hello"
        """The job's name, which all ids begin with."""
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
            "providers": {"digital-human": self.account},
            "jobs": {self.block: self._job()},
        }
        self.write()

    @property
    def path(self) -> Path:
        """The manifest."""
        return self.folder / "campaign.yaml"

    @property
    def current(self) -> dict[str, str]:
        """What each job says now, by job id."""
        return {f"{self.block}/{key}": text for key, text in self.rows.items()}

    def write(self) -> None:
        """Write manifest and rows as they stand."""
        self.path.write_text(yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True), encoding="utf-8")
        with (self.folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("key", "text"), *self.rows.items()])
        self.job_ids.update({text: f"{self.block}/{key}" for key, text in self.rows.items()})

    def rename(self, block: str) -> None:
        """Give the job another name, and write it."""
        self.manifest["jobs"] = {block: self.manifest["jobs"][self.block]}
        self.block = block
        self.write()

    def speech_of(self, job_id: str) -> str:
        """What a job says now."""
        return self.current[job_id]

    def keys(self, numbers: Iterable[int]) -> list[str]:
        """The keys at these places, counted from 1."""
        every = list(self.rows)
        return [every[number - 1] for number in numbers]

    @staticmethod
    def _job() -> dict[str, Any]:
        return {
            "uses": "digital-human/avatar",
            "foreach": {"csv": "people.csv", "key": "{{ row.key }}"},
            "with": {
                "avatar_url": "https://pictures.example.com/{{ row.key }}.png",
                "no_watermark": True,
                "create_voice": {
                    "audio_url": "https://sounds.example.com/ann.mp3",
                    "language": "en",
                    "text": "{{ row.text }}",
                },
            },
        }
