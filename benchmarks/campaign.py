"""The campaign that is measured: one manifest, one CSV, any number of rows."""

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
