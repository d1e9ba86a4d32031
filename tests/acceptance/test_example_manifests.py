"""The manifests that are shipped, run in the sandbox through the real command line, twice."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.commandline import REPOSITORY, CommandLine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COUNTS = {"quickstart": 14, "studio": 14, "clips": 5}
"""Jobs by manifest."""


@pytest.fixture
def callsheet(tmp_path: Path) -> CommandLine:
    """The command line in a copy of `manifests/`, without any credential."""
    for name in ("work", "home", "logs"):
        (tmp_path / name).mkdir()
    for path in (REPOSITORY / "manifests").iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / "work")
    return CommandLine(tmp_path / "work", tmp_path / "home", tmp_path / "logs")


def entries(callsheet: CommandLine, name: str, event: str) -> list[Mapping[str, Any]]:
    """What the sandbox of a manifest has booked."""
    lines = (callsheet.folder / ".callsheet" / f"{name}.sandbox" / "sandbox.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def jobs(callsheet: CommandLine, name: str) -> dict[str, Any]:
    """The jobs of the report, by id."""
    path = callsheet.folder / "outputs" / f"{name}.sandbox" / "report" / "report.json"
    return {job["id"]: job for job in json.loads(path.read_text())["jobs"]}


def test_every_shipped_manifest_is_tried_here() -> None:
    """A manifest that is added to the folder is run below."""
    assert {path.stem for path in (REPOSITORY / "manifests").glob("*.yaml")} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_a_shipped_manifest_runs_and_then_has_nothing_to_do(callsheet: CommandLine, name: str) -> None:
    """All jobs succeed within the budget and without a credential; the same command again sends nothing."""
    count = COUNTS[name]
    first = callsheet("run", f"{name}.yaml", "--sandbox").expect(0)
    assert f"Done. OK={count} FAILED=0 DOUBT=0 SKIPPED=0 CACHED=0 TOTAL={count}" in first.stdout
    creates = entries(callsheet, name, "create")
    assert (len(creates), {entry["accepted"] for entry in creates}) == (count, {True})
    assert [entry["unknown_fields"] for entry in creates if entry["unknown_fields"] not in ([], ["seed"])] == []
    again = callsheet("run", f"{name}.yaml", "--sandbox").expect(0)
    assert f"Done. OK=0 FAILED=0 DOUBT=0 SKIPPED=0 CACHED={count} TOTAL={count}" in again.stdout
    assert len(entries(callsheet, name, "create")) == count


def test_a_chain_speaks_what_was_recorded(callsheet: CommandLine) -> None:
    """In `studio` each avatar has the recording of its own customer, and lasts as long; the voice is made once."""
    callsheet("run", "studio.yaml", "--sandbox").expect(0)
    made = jobs(callsheet, "studio")
    for number in range(1042, 1048):
        line, greeting = made[f"line/{number}"], made[f"greeting/{number}"]
        asked = [entry for entry in entries(callsheet, "studio", "create") if entry["task_id"] == greeting["task_id"]]
        assert [entry["body"]["audio_id"] for entry in asked] == [line["outputs"]["audio_id"]]
        assert greeting["output"]["duration_s"] == pytest.approx(line["outputs"]["duration_s"], abs=0.15)
        assert line["output"]["media_type"] == "audio/mpeg"
    assert [entry["operation"] for entry in entries(callsheet, "studio", "create")].count("voice") == 1


def test_a_video_behind_a_key_is_fetched_with_it(callsheet: CommandLine) -> None:
    """In `clips` the OpenAI-style video comes from the API with the key, and the others come from the CDN without one."""
    callsheet("run", "clips.yaml", "--sandbox").expect(0)
    fetched = {entry["task_id"]: entry["authorization"] for entry in entries(callsheet, "clips", "cdn")}
    made = jobs(callsheet, "clips")
    assert fetched == {job["task_id"]: job_id == "trailer" for job_id, job in made.items()}
    assert made["trailer"]["output"]["duration_s"] == pytest.approx(8.0, abs=0.1)
