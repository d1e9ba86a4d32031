"""What the tests of manifests share: opening one from text, and its outcome as plain JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.core.diagnostics import Severity
from runner.core.ports import ProviderDefaults
from runner.core.references import CLOSE, OPEN
from runner.manifest.campaign import ManifestCampaign, open_campaign
from runner.manifest.validate import check
from runner.media.preflight import look

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.diagnostics import Diagnostic
    from runner.core.spec import JobSpec

DEFAULTS = {
    "digital-human": ProviderDefaults(base_url="https://api.gpt.ge", credential_env="DIGITAL_HUMAN_TOKEN", in_flight=8),
    "kling": ProviderDefaults(
        base_url="https://api-singapore.klingai.com", credential_env="KLING_API_KEY", in_flight=3
    ),
    "video": ProviderDefaults(
        base_url="https://gateway.example.com", credential_env="VIDEO_API_KEY", in_flight=8, styles=("openai",)
    ),
}
HEAD = "version: 1\nname: spring\n"
ADDRESSES = "{avatar_url: https://cdn.example.com/a.png, audio_url: https://cdn.example.com/a.mp3}"


def opened(path: Path, **options: Any) -> ManifestCampaign:
    """The campaign of a manifest that must hold."""
    campaign = open_campaign(path, defaults=DEFAULTS, **options)
    assert isinstance(campaign, ManifestCampaign), campaign
    return campaign


def written(folder: Path, text: str, **files: str) -> Path:
    """A manifest in a folder, with files beside it: `rows_csv="…"` is `rows.csv`."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8", newline="")
    path = folder / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def findings(path: Path, **options: Any) -> list[Diagnostic]:
    """Everything that is wrong with a manifest, its rows included."""
    campaign = open_campaign(path, display=path.name, defaults=DEFAULTS, **options)
    found = check(campaign) if isinstance(campaign, ManifestCampaign) else campaign
    return list(found.diagnostics)


def jobs(path: Path, **options: Any) -> list[JobSpec]:
    """The jobs of a manifest that must hold."""
    found: list[Diagnostic] = []
    specs = list(opened(path, **options).jobs(found.append))
    assert not [it for it in found if it.severity is Severity.ERROR], found
    return specs


def outcome(folder: Path) -> dict[str, Any]:
    """What becomes of `manifest.yaml` in a folder, as `expected.json` has it: findings with their places, and jobs.

    Markers of references are shown as `<job.output>`, since they are not printable. Fingerprints have tests of their own.
    """
    path = folder / "manifest.yaml"
    given = folder / "overrides.json"
    overrides = json.loads(given.read_text(encoding="utf-8")) if given.exists() else {}
    campaign = open_campaign(path, display=path.name, defaults=DEFAULTS, overrides=overrides, look=look)
    if not isinstance(campaign, ManifestCampaign):
        return {"findings": [_finding(it, folder) for it in campaign.diagnostics], "jobs": []}
    specs = [_job(spec) for spec in campaign.jobs(lambda _: None)]
    return {"findings": [_finding(it, folder) for it in check(campaign).diagnostics], "jobs": specs}


def _finding(finding: Diagnostic, folder: Path) -> dict[str, Any]:
    facts = {
        "code": str(finding.code),
        "at": str(finding.span),
        "message": _without_root(finding.message, folder),
        "severity": finding.severity.value if finding.severity is Severity.WARNING else None,
        "hint": finding.hint,
        "also": [f"{label.span} {label.text}" for label in finding.labels],
        "job": finding.job,
    }
    return {key: value for key, value in facts.items() if value}


def _without_root(message: str, folder: Path) -> str:
    """Messages about files outside name the repository, which lies elsewhere on every machine."""
    roots = (folder, *folder.parents)
    root = next((place for place in roots if (place / ".git").exists()), folder)
    return message.replace(str(root), "<repository>")


def _job(spec: JobSpec) -> dict[str, Any]:
    facts = {
        "id": spec.id,
        "uses": spec.uses,
        "inputs": json.loads(_readable(json.dumps(spec.inputs, ensure_ascii=False))),
        "tags": list(spec.tags),
        "output": spec.output if spec.output != spec.id else None,
        "verify": spec.verify.value if spec.verify.value != "frame" else None,
        "needs": list(spec.needs),
        "source": str(spec.source),
        "text": _readable(spec.text),
        "files": {"/".join(map(str, file.at)): [file.written, file.size_bytes, file.sha256] for file in spec.files},
    }
    return {key: value for key, value in facts.items() if value}


def _readable(text: str) -> str:
    pieces = text.split(OPEN)
    shown = [pieces[0]]
    for piece in pieces[1:]:
        marker, _, rest = piece.partition(CLOSE)
        job, output, _ = marker.split("|")
        shown.append(f"<{job}.{output}>{rest}")
    return "".join(shown)
