"""The schemas in the hands of somebody else's validator, check-jsonschema, which pre-commit hooks and other projects use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commandline import REPOSITORY

CHECK = Path(sys.executable).parent / "check-jsonschema"
SCHEMAS = sorted((REPOSITORY / "schemas").glob("*.schema.json"))
HOLD = [
    *sorted((REPOSITORY / "tests/examples/valid").glob("*/manifest.yaml")),
    *sorted((REPOSITORY / "manifests").glob("*.yaml")),
]
NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
"""Whatever is fetched is asked for at a port where nobody answers."""


def _check(*words: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **NO_NETWORK}
    return subprocess.run([CHECK, *words], capture_output=True, text=True, env=environment, check=False)


def _editor(folder: Path) -> Path:
    path = folder / "callsheet.schema.json"
    done = subprocess.run([sys.executable, "-m", "runner", "schema"], capture_output=True, check=True, cwd=REPOSITORY)
    path.write_bytes(done.stdout)
    return path


def test_the_metaschema_accepts_every_schema(tmp_path: Path) -> None:
    """Every file in `schemas/`, and what `callsheet schema` prints; nothing is fetched for it."""
    done = _check("--check-metaschema", *SCHEMAS, _editor(tmp_path), home=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("strict", [True, False], ids=["schemas/manifest.v1.schema.json", "callsheet schema"])
def test_it_accepts_manifests_that_hold(tmp_path: Path, *, strict: bool) -> None:
    """The valid examples and those that are shipped, against either view; what stands under `with` only the editor's view knows."""
    schema = REPOSITORY / "schemas" / "manifest.v1.schema.json" if strict else _editor(tmp_path)
    done = _check("--schemafile", schema, *HOLD, home=tmp_path)
    assert done.returncode == 0, done.stdout


def test_it_refuses_what_does_not(tmp_path: Path) -> None:
    """A misspelt input is seen by the editor's view."""
    wrong = REPOSITORY / "tests/examples/invalid/misspelt-required-key/manifest.yaml"
    done = _check("--schemafile", _editor(tmp_path), wrong, home=tmp_path)
    assert done.returncode == 1
    assert "avatr_url" in done.stdout
