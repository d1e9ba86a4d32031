"""What is measured, and how start-up is taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.campaign import MANIFEST, write_campaign, yaml_campaign
from benchmarks.processes import MeasurementFailed, Usage, measure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.server import Server

REQUESTS_PER_JOB = 3
"""Create, one poll, one download."""

ROUNDS = 2
"""What is compared runs so often, in turn, and its lowest CPU time counts: other work on the machine only ever adds to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Args:
        what: What was measured.
        jobs: For how many jobs, or rows.
        cpu_ms: CPU milliseconds for one job: that of the whole process, without its start-up.
        wall_s: Seconds from the process's start to its end.
        peak_bytes: Its peak memory.
    """

    what: str
    jobs: int
    cpu_ms: float
    wall_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Measures against one server.

    Args:
        server: The remote side.
        folder: An empty folder.
        jobs: How many jobs the product and the bare client make.
    """

    server: Server
    folder: Path
    jobs: int

    def compared(self) -> tuple[Row, Row]:
        """The bare client and the product with `verify: none`."""
        pairs = [
            (
                self._bare_client(self.folder / f"bare-{turn}"),
                self._product(self.folder / f"none-{turn}", "none", self.jobs),
            )
            for turn in range(ROUNDS)
        ]
        bare, product = (min(rows, key=lambda row: row.cpu_ms) for rows in zip(*pairs, strict=True))
        return bare, product

    def verified(self, verify: str) -> Row:
        """The product with another `verify`, over a quarter of the jobs."""
        return self._product(self.folder / verify, verify, max(2, self.jobs // 4))

    def again(self, what: str, command: str) -> Row:
        """Another command over what `compared` has made.

        Args:
            what: For the table.
            command: `run`, which then has nothing to do, or `report`.

        Raises:
            MeasurementFailed: It has sent requests.
        """
        before = self.server.requests()
        once, usage = (measure(self.folder / "none-0" / size, "runner", command, MANIFEST) for size in ("one", "all"))
        if self.server.requests() != before:
            raise MeasurementFailed(f"{what}: requests were sent")
        return _row(what, self.jobs, usage, once)

    def plan(self, rows: int) -> Row:
        """A first `callsheet plan` over many rows."""
        usages = []
        for number in (1, rows):
            folder = self.folder / f"plan-{number}"
            self._write(folder, rows=number, verify="frame")
            usages.append(measure(folder, "runner", "plan", MANIFEST))
        return _row("callsheet plan", rows, usages[1], usages[0])

    def written(self, jobs: int) -> Row:
        """`callsheet validate` over a manifest that has every job written out."""
        usages = []
        for number in (1, jobs):
            path = yaml_campaign(self.folder / f"written-{number}", number)
            usages.append(measure(path.parent, "runner", "validate", path.name))
        return _row("callsheet validate, jobs in YAML", jobs, usages[1], usages[0])

    def _bare_client(self, folder: Path) -> Row:
        """The three requests for each job, and nothing else."""

        def run(folder: Path, jobs: int) -> Usage:
            folder.mkdir(parents=True)
            return measure(folder, "benchmarks.bare_client", self.server.base_url, str(jobs), str(folder))

        return self._making("bare aiohttp client", folder, run, self.jobs)

    def _product(self, folder: Path, verify: str, jobs: int) -> Row:
        """A first `callsheet run`, from the manifest to the report."""

        def run(folder: Path, jobs: int) -> Usage:
            self._write(folder, rows=jobs, verify=verify)
            return measure(folder, "runner", "run", MANIFEST)

        return self._making(f"callsheet run, verify: {verify}", folder, run, jobs)

    def _making(self, what: str, folder: Path, run: Callable[[Path, int], Usage], jobs: int) -> Row:
        """Measure a run over one job and one over all; the difference is what the jobs took."""
        once = run(folder / "one", 1)
        before = self.server.requests()
        usage = run(folder / "all", jobs)
        sent = self.server.requests() - before
        if sent != REQUESTS_PER_JOB * jobs:
            raise MeasurementFailed(
                f"{what}: {sent} requests for {jobs} jobs, {REQUESTS_PER_JOB} for each were to be compared"
            )
        return _row(what, jobs, usage, once)

    def _write(self, folder: Path, *, rows: int, verify: str) -> None:
        write_campaign(
            folder, rows=rows, verify=verify, base_url=self.server.base_url, cdn_origin=self.server.cdn_origin
        )


def _row(what: str, jobs: int, usage: Usage, once: Usage) -> Row:
    cpu_ms = (usage.cpu_s - once.cpu_s) / max(1, jobs - 1) * 1000
    return Row(what=what, jobs=jobs, cpu_ms=cpu_ms, wall_s=usage.wall_s, peak_bytes=usage.peak_bytes)
