"""`report.json`: the report for programmes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.report.documents import write_report
from runner.report.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import Totals

NAME: Final = "report.json"


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
