"""Opens what `foreach:` names: the rows and their schema."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from runner.core.diagnostics import Span
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.regular_files import open_regular
from runner.manifest.rows.reading import CsvRows, InlineRows, JsonRows
from runner.manifest.schema.check import SchemaCheck, SchemaUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.manifest.findings import Findings
    from runner.manifest.inputs import Pointer
    from runner.manifest.paths import FileRule
    from runner.manifest.rows.reading import RowSource
    from runner.manifest.text.source import Document

_LARGEST_SCHEMA: Final = 2**20
"""Bytes."""


def row_source(document: Document, block: Pointer, files: FileRule, findings: Findings) -> RowSource | None:
    """The rows of a block's `foreach`, which the manifest's schema has passed.

    Args:
        document: The manifest.
        block: Pointer of the block.
        files: Which files may be read.
        findings: Takes what is wrong.

    Returns:
        The source; None when its file cannot be read, and the findings say why.
    """
    written: Mapping[str, Any] = document.value["jobs"][block[1]]["foreach"]
    at: Pointer = (*block, "foreach")
    if "rows" in written:
        return InlineRows(document, (*at, "rows"), written["rows"])
    kind = "csv" if "csv" in written else "jsonl"
    try:
        path = files.find(written[kind])
    except Flaw as flaw:
        findings.flaw((*at, kind), flaw, job=str(block[1]))
        return None
    shown = _shown(document, written[kind])
    return CsvRows(path, shown) if kind == "csv" else JsonRows(path, shown)


def row_check(document: Document, block: Pointer, files: FileRule, findings: Findings) -> SchemaCheck | None:
    """The compiled row schema of a block's `foreach`; None when there is none, or when the findings say why it does not hold.

    Args:
        document: The manifest.
        block: Pointer of the block.
        files: Which files may be read.
        findings: Takes what is wrong.
    """
    written: Mapping[str, Any] = document.value["jobs"][block[1]]["foreach"]
    if "schema" not in written:
        return None
    at = (*block, "foreach", "schema")
    place = Span(_shown(document, written["schema"]))
    try:
        return SchemaCheck(_schema(files.find(written["schema"])))
    except Flaw as flaw:
        findings.flaw(at, flaw, job=str(block[1]))
        return None
    except json.JSONDecodeError as error:
        reason, place = f"it is not JSON: {error.msg}", Span(place.file, error.lineno, error.colno)
    except OSError as error:
        reason = f"cannot read it: {error.strerror}"
    except (ValueError, RecursionError) as error:
        reason = str(error)
    findings.inside(
        at, Flaw(Code.FILE_UNREADABLE, f"the row schema cannot be used: {reason}"), place, job=str(block[1])
    )
    return None


def _schema(path: Path) -> dict[str, Any]:
    """What a file of JSON holds.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no schema.
    """
    with open(path, "rb", opener=open_regular) as file:
        raw = file.read(_LARGEST_SCHEMA + 1)
    if len(raw) > _LARGEST_SCHEMA:
        raise SchemaUnusable(f"it is larger than {_LARGEST_SCHEMA // 2**20} MiB")
    schema = json.loads(raw.decode())
    if not isinstance(schema, dict):
        raise SchemaUnusable("it is not a JSON object")
    return schema


def _shown(document: Document, written: str) -> str:
    """A path as people find it: where they typed it, below the folder of the manifest as they typed that."""
    return os.path.normpath(os.path.join(os.path.dirname(document.file), written))  # noqa: PTH118, PTH120  text, not a file
