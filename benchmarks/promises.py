"""What was promised, and whether it held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measurements import Row

MEGABYTE = 1000 * 1000

MOST_CPU_MS = 3.0
"""CPU for a job beyond what the bare client takes (spec.md section 7)."""

MOST_VERIFY_MS = 15.0
"""CPU to verify a small video (spec.md section 7)."""

PLAN_LIMITS = ((100_000, 8.0, 300), (1_000_000, 60.0, 1000))
"""Most rows, seconds and megabytes of a plan (spec.md section 7, issue 3): the first line that holds the rows counts."""

WRITTEN_JOBS = 10_000
"""Jobs written out in YAML that load and validate within `MOST_WRITTEN_S` seconds (issue 3)."""
MOST_WRITTEN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A promise held against a measurement.

    Args:
        promise: What was promised, with the limit.
        measured: What was measured, in the limit's unit.
        holds: Whether it is within.
    """

    promise: str
    measured: str
    holds: bool


def within(promise: str, measured: float, limit: float, unit: str) -> Verdict:
    """A verdict on "at most"."""
    return Verdict(
        promise=f"{promise}: at most {limit:g} {unit}", measured=f"{measured:.2f} {unit}", holds=measured <= limit
    )


def judge_runs(bare: Row, by_verify: dict[str, Row]) -> list[Verdict]:
    """The promises about runs.

    Args:
        bare: The bare client.
        by_verify: The product, by how far it verified: `none` and `frame`.
    """
    return [
        within("CPU for a job beyond the bare client", by_verify["none"].cpu_ms - bare.cpu_ms, MOST_CPU_MS, "ms"),
        within(
            "CPU to verify a video (frame)", by_verify["frame"].cpu_ms - by_verify["none"].cpu_ms, MOST_VERIFY_MS, "ms"
        ),
    ]


def judge_plan(plan: Row) -> list[Verdict]:
    """The promises about a plan; none for more rows than were ever promised."""
    for rows, seconds, megabytes in PLAN_LIMITS:
        if plan.jobs <= rows:
            return [
                within(f"a plan of {plan.jobs:,} rows", plan.wall_s, seconds, "s"),
                within(f"a plan of {plan.jobs:,} rows", plan.peak_bytes / MEGABYTE, megabytes, "MB"),
            ]
    return []


def judge_written(written: Row) -> list[Verdict]:
    """The promise about jobs that are written out in YAML."""
    return [within(f"{written.jobs:,} jobs in YAML load and validate", written.wall_s, MOST_WRITTEN_S, "s")]
