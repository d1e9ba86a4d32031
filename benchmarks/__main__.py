"""`make bench`: prints what the product costs, and exits 1 when a promise is broken.

    BENCH_JOBS=2000 BENCH_ROWS=1000000 python -m benchmarks

BENCH_JOBS is the number of jobs that the product and the bare client make, BENCH_ROWS the number of CSV rows that are planned, beside a
plan of a tenth of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.campaign import IN_FLIGHT
from benchmarks.measurements import Bench
from benchmarks.processes import MeasurementFailed
from benchmarks.promises import MEGABYTE, WRITTEN_JOBS, judge_plan, judge_runs, judge_written
from benchmarks.server import sandbox

if TYPE_CHECKING:
    from benchmarks.measurements import Row
    from benchmarks.promises import Verdict


def main() -> int:
    """Measure, print, judge.

    Returns:
        0 when every promise holds, 1 when one is broken or could not be measured.
    """
    jobs, rows = _size("BENCH_JOBS", 2_000), _size("BENCH_ROWS", 1_000_000)
    print(f"{jobs:,} jobs, {IN_FLIGHT} in flight; the server is a process of its own and is not counted\n")
    print(f"{'what':32}{'jobs':>10}{'CPU ms/job':>12}{'beyond bare':>13}{'wall s':>9}{'peak MB':>9}")
    try:
        with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder:
            verdicts = _measure(Path(folder), jobs, rows)
    except MeasurementFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print()
    for verdict in verdicts:
        print(f"{'holds ' if verdict.holds else 'BROKEN'}  {verdict.promise}; measured {verdict.measured}")
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _measure(folder: Path, jobs: int, rows: int) -> list[Verdict]:
    with sandbox(folder) as server:
        bench = Bench(server=server, folder=folder, jobs=jobs)
        bare, product = bench.compared()
        _print(bare, None)
        _print(product, bare)
        by_verify = {"none": product}
        for verify in ("container", "frame"):
            by_verify[verify] = bench.verified(verify)
            _print(by_verify[verify], bare)
        _print(bench.again("callsheet run, nothing to do", "run"), None)
        _print(bench.again("callsheet report (part of run)", "report"), None)
        written = bench.written(WRITTEN_JOBS)
        _print(written, None)
        plans = [bench.plan(number) for number in (max(2, rows // 10), rows)]
        for plan in plans:
            _print(plan, None)
    return [*judge_runs(bare, by_verify), *judge_written(written), *(it for plan in plans for it in judge_plan(plan))]


def _print(row: Row, bare: Row | None) -> None:
    beyond = "" if bare is None else f"{row.cpu_ms - bare.cpu_ms:.2f}"
    peak = row.peak_bytes / MEGABYTE
    print(f"{row.what:32}{row.jobs:>10,}{row.cpu_ms:>12.2f}{beyond:>13}{row.wall_s:>9.1f}{peak:>9.0f}", flush=True)


def _size(variable: str, otherwise: int) -> int:
    """A size from the environment, at least 2: one job alone is what start-up is measured by."""
    text = os.environ.get(variable, str(otherwise))
    if not text.isdecimal() or int(text) < 2:
        sys.exit(f"{variable}={text}: give a whole number from 2")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
