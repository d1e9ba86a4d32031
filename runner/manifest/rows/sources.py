"""Opens what `foreach:` names: the rows and their schema."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.rows.reading import CsvRows, InlineRows, JsonRows
from runner.manifest.schema.check import SchemaCheck, SchemaUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.manifest.findings import Findings
    from runner.manifest.inputs import Pointer
    from runner.manifest.paths import FileRule
    from runner.manifest.rows.reading import RowSource
    from runner.manifest.text.source import Document


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
    # People find the file where they typed it, below the folder of the manifest as they typed that.
    shown = os.path.normpath(os.path.join(os.path.dirname(document.file), written[kind]))  # noqa: PTH118, PTH120  text, not a file
    return CsvRows(path, shown) if kind == "csv" else JsonRows(path, shown)


def row_check(foreach: Mapping[str, Any], block: Pointer, files: FileRule, findings: Findings) -> SchemaCheck | None:
    """The compiled row schema of a `foreach`; None when there is none, or when the findings say why it does not hold."""
    if "schema" not in foreach:
        return None
    at = (*block, "foreach", "schema")
    try:
        schema = json.loads(files.find(foreach["schema"]).read_text(encoding="utf-8"))
        if not isinstance(schema, dict):
            raise SchemaUnusable("it is not a JSON object")
        return SchemaCheck(schema)
    except Flaw as flaw:
        findings.flaw(at, flaw, job=str(block[1]))
    except (OSError, ValueError, RecursionError) as error:
        unusable = Flaw(Code.FILE_UNREADABLE, f"`{foreach['schema']}` is not a JSON Schema: {error}")
        findings.flaw(at, unusable, job=str(block[1]))
    return None
