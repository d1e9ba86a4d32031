"""Whole manifests in folders: adding a case means adding a folder with `manifest.yaml` and `expected.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.manifest.manifests import findings, jobs, outcome

ROOT = Path(__file__).parents[3]
CASES = sorted(path.parent for path in (ROOT / "tests" / "examples").glob("*/*/manifest.yaml"))
SHIPPED = sorted((ROOT / "manifests").glob("*.yaml"))


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_case(folder: Path) -> None:
    """A manifest gives exactly the jobs and findings that lie beside it; only invalid ones have errors."""
    made = outcome(folder)
    assert made == json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    errors = [it for it in made["findings"] if it.get("severity") != "warning"]
    assert bool(errors) == (folder.parent.name == "invalid")


@pytest.mark.parametrize("manifest", SHIPPED, ids=lambda path: path.name)
def test_shipped_manifest_holds(manifest: Path) -> None:
    """Every manifest that is shipped holds, without a warning."""
    assert findings(manifest) == []


def test_quickstart_makes_a_campaign_worth_showing() -> None:
    """The demo makes 12 to 16 videos in all three ways of speaking."""
    specs = jobs(ROOT / "manifests" / "quickstart.yaml")
    assert 12 <= len(specs) <= 16
    ways = {way for spec in specs for way in ("audio_url", "create_voice", "use_voice") if way in spec.inputs}
    assert ways == {"audio_url", "create_voice", "use_voice"}
