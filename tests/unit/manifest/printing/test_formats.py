"""Every finding of every example, in every format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import jsonschema_rs
import pytest

from runner.core.collected import Found
from runner.manifest.printing.formats import render
from runner.schema_files import load_schema
from tests.unit.manifest.manifests import findings

CASES = sorted(path.parent for path in (Path(__file__).parents[3] / "examples").glob("*/*/manifest.yaml"))
SCHEMA = jsonschema_rs.validator_for(load_schema("findings"))
CONCISE = re.compile(r"[^:\n]+(:\d+(:\d+)?)?: (error|warning)\[[MPE]\d{3}\]: \S.*")
GITHUB = re.compile(r"::(error|warning) file=[^:,\s]+(,line=\d+)?(,col=\d+)?,title=[MPE]\d{3}::\S.*")


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_formats(folder: Path) -> None:
    """JSON fits its schema, a concise finding is one line that `grep` and editors can read, an annotation one command."""
    found = Found(tuple(findings(folder / "manifest.yaml")))
    SCHEMA.validate(json.loads(render(found, format="json", sources={}, color=False)))
    forms: tuple[tuple[Literal["concise", "github"], re.Pattern[str]], ...] = (("concise", CONCISE), ("github", GITHUB))
    for form, pattern in forms:
        rows = render(found, format=form, sources={}, color=False, all=True).splitlines()
        wrong = [row for row in rows if not pattern.fullmatch(row) and not CONCISE.fullmatch(row)]
        assert not wrong
        assert len(rows) == len(found.diagnostics)
