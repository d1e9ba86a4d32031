"""`report.json`: the report for programmes."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.report.documents import write_report
from runner.report.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import Totals

NAME: Final = "report.json"

_HEAD_LINES: Final = 6
"""An opening brace, then a line for each field; `run` is the third field."""


def write_json(folder: Path, head: ReportHead, totals: Totals, jobs: Iterable[ReportJob]) -> Path:
    """Write `report.json`, one job a line, memory independent of their number.

    Args:
        folder: The report folder; made when missing.
        head: What the report is about.
        totals: Sums over the same jobs.
        jobs: In manifest order, orphans after them.

    Returns:
        The file's path.

    Raises:
        StorageFailed: It could not be written; an older file is untouched.
    """
    path = folder / NAME
    with replacing(path) as stream:
        write_report(stream, head, totals, jobs)
    return path


def told_run(folder: Path) -> str | None:
    """The id of the run that a `report.json` tells of, from its first lines; None when it tells of none, or is none of ours.

    Args:
        folder: The report folder.
    """
    try:
        with (folder / NAME).open(encoding="utf-8") as stream:
            head = [line.rstrip(",\n") for line in islice(stream, _HEAD_LINES)]
        told = next(line for line in head if line.startswith('  "run": '))
        run = json.loads(f"{{{told}}}")["run"]
    except (OSError, ValueError, StopIteration):
        return None
    return None if run is None else str(run["id"])
