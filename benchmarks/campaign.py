"""The campaigns that are measured: one manifest and one CSV of any number of rows, or one manifest with every job written out."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

IN_FLIGHT = 32
"""Tasks at once, of the product and of the bare client alike."""

POLL_AFTER_S = 0.1
"""Seconds until the one poll, of both alike; the tasks are done by then."""

_MANIFEST = """\
version: 1
name: bench
providers:
  digital-human:
    base_url: {base_url}
    download_origins: ["{cdn_origin}"]
    limits: {{in_flight: {in_flight}, submits_per_minute: 1000000, downloads: {in_flight}}}
    poll: {{min_s: {poll_after_s}, max_s: {poll_after_s}}}
jobs:
  welcome:
    uses: digital-human/avatar
    foreach: {{csv: people.csv, key: "{{{{ row.key }}}}"}}
    with:
      avatar_url: https://pictures.example.com/anna.png
      no_watermark: true
      create_voice:
        audio_url: https://sounds.example.com/anna.mp3
        language: en
        text: "{{{{ row.text }}}}"
    verify: {verify}
"""

MANIFEST = "bench.yaml"


def write_campaign(folder: Path, *, rows: int, verify: str, base_url: str, cdn_origin: str) -> None:
    """Write manifest and CSV.

    Args:
        folder: Where; made when it is not there.
        rows: Jobs.
        verify: `none`, `container` or `frame`.
        base_url: Address of the API.
        cdn_origin: Origin of the results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = _MANIFEST.format(
        base_url=base_url, cdn_origin=cdn_origin, in_flight=IN_FLIGHT, poll_after_s=POLL_AFTER_S, verify=verify
    )
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("key", "text"))
        table.writerows((f"p{number:07d}", f"Hello, person {number}, welcome!") for number in range(rows))


_HEAD_OF_WRITTEN_JOBS = """\
version: 1
name: written
vars: {{presenter: https://pictures.example.com/anna.png}}
providers:
  digital-human: {{limits: {{in_flight: {in_flight}}}}}
defaults: {{tags: [nightly]}}
jobs:
"""

_WRITTEN_JOB = """\
  welcome-{number:06d}:
    uses: digital-human/avatar
    with:
      avatar_url: "{{{{ vars.presenter }}}}"
      no_watermark: true
      create_voice:
        audio_url: https://sounds.example.com/anna-{number}.mp3
        language: {language}
        text: "Hello, person {number}, welcome!"
    tags: [welcome, "{language}"]
    output: "{language}/{{{{ job.id }}}}"
"""


def yaml_campaign(folder: Path, jobs: int) -> Path:
    """Write a manifest that has every job by itself, as people write them: no rows, each job with a template and its own texts.

    Args:
        folder: Where; made when it is not there.
        jobs: How many, at least 1.

    Returns:
        The manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "written.yaml"
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD_OF_WRITTEN_JOBS.format(in_flight=IN_FLIGHT))
        for number in range(jobs):
            file.write(_WRITTEN_JOB.format(number=number, language=("en", "zh")[number % 2]))
    return path
