"""Where an input of a job comes from: its row, or the line of the manifest that it is written on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.manifest.campaign import ManifestCampaign, open_campaign
from tests.unit.manifest.manifests import DEFAULTS

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
version: 1
name: spring
vars: {face: "https://faces.example.com/a.png"}
x-voice: &voice
  audio_url: https://sounds.example.com/a.mp3
  language: en
jobs:
  welcome:
    uses: digital-human/avatar
    foreach: {csv: people.csv, key: "{{ row.id }}"}
    with:
      avatar_url: "{{ vars.face }}"
      no_watermark: true
      create_voice:
        <<: *voice
        text: >-
          Hi {{ row.name }},
          welcome!
  greet:
    uses: digital-human/avatar
    foreach:
      key: "{{ row.id }}"
      rows:
        - {id: a, name: Ana}
        - {id: b, name: Ben}
    with:
      avatar_url: "{{ vars.face }}"
      create_voice: {audio_url: "https://sounds.example.com/{{ job.key }}.mp3", language: en, text: "Hi"}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> ManifestCampaign:
    """The manifest above with two rows."""
    (tmp_path / "spring.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "people.csv").write_text("id,name\n1,Ana\n2,Ben\n", encoding="utf-8")
    opened = open_campaign(tmp_path / "spring.yaml", display="spring.yaml", defaults=DEFAULTS)
    assert isinstance(opened, ManifestCampaign)
    return opened


@pytest.mark.parametrize(
    ("job", "at", "place"),
    [
        ("welcome/2", ("create_voice", "text"), "people.csv:3"),
        ("welcome/2", ("create_voice",), "people.csv:3"),
        ("welcome/2", ("avatar_url",), "spring.yaml:12"),
        ("welcome/2", ("no_watermark",), "spring.yaml:13"),
        ("welcome/2", ("create_voice", "language"), "spring.yaml:6"),
        ("welcome/2", ("create_voice", "nothing"), "spring.yaml:14"),
        ("welcome/2", ("nothing",), "spring.yaml:11"),
        ("welcome/2", (), "spring.yaml:9"),
        ("greet/b", ("create_voice", "audio_url"), "spring.yaml:25"),
        ("greet/b", ("create_voice", "text"), "spring.yaml:28"),
    ],
)
def test_places(campaign: ManifestCampaign, job: str, at: tuple[str, ...], place: str) -> None:
    """Rows for what a row decides; through merges to where the text stands; the nearest key for what is not there."""
    spec = next(spec for spec in campaign.jobs(print) if spec.id == job)
    found = campaign.place(spec, at)
    assert f"{found.file}:{found.line}" == place
