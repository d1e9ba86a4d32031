"""The JSON documents: `report.json`, `status --json` and `plan --json`, field by field as their schemas say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from runner.core.job import State
from runner.report import escape
from runner.report.figures import exact, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from _typeshed import SupportsWrite

    from runner.core.money import Money
    from runner.report.model import Problem, ReportHead, ReportJob
    from runner.report.totals import Totals

VERSION: Final = 1


def head_document(head: ReportHead) -> dict[str, Any]:
    """The part that a report, a status and a plan share: `version`, `manifest`, `run`."""
    run = head.run
    return {
        "version": VERSION,
        "manifest": {"name": head.name, "path": head.path, "sha256": head.sha256},
        "run": None
        if run is None
        else {
            "id": run.id,
            "started_at": rfc3339(run.started_at),
            "ended_at": rfc3339(run.ended_at),
            "exit_code": run.exit_code,
        },
    }


def totals_document(totals: Totals) -> dict[str, Any]:
    """A count for each state, then `submitted`, `cost` and `bytes`."""
    cost = totals.single_cost
    return {
        **{state.value: totals.count(state) for state in State},
        "submitted": totals.submitted,
        "cost": None if cost is None else exact(cost.amount),
        "compared": _comparison_document(totals),
        "bytes": totals.bytes,
    }


def _comparison_document(totals: Totals) -> dict[str, Any] | None:
    compared = totals.comparison
    if compared is None:
        return None
    return {
        "jobs": compared.jobs,
        "estimate": exact(compared.estimate.amount),
        "actual": exact(compared.actual.amount),
        "difference": exact(compared.difference.amount),
        "currency": compared.actual.currency,
    }


def job_document(job: ReportJob, output_dir: str) -> dict[str, Any]:
    """One entry of `jobs`.

    Args:
        job: The job.
        output_dir: The output folder relative to the manifest's folder; "" when they are the same.
    """
    return {
        "id": job.id,
        "uses": job.uses,
        "tags": list(job.tags),
        "state": job.state.value,
        "fingerprint": job.fingerprint,
        "attempts": job.attempts,
        "task_id": job.task_id,
        "outputs": dict(job.outputs),
        "output": _output_document(job, output_dir),
        "cost": cost_document(job.estimate, job.actual, job.units),
        "error": None if job.problem is None else _error_document(job.problem),
        "timeline": {
            "submitted_at": rfc3339(job.submitted_at),
            "accepted_at": rfc3339(job.accepted_at),
            "ready_at": rfc3339(job.ready_at),
            "done_at": rfc3339(job.done_at),
        },
        "source": {"file": job.source_file, "line": job.source_line},
    }


def cost_document(estimate: Money | None, actual: Money | None = None, units: str | None = None) -> dict[str, Any]:
    """A cost: decimal strings, None for what is unknown."""
    known = actual if actual is not None else estimate
    return {
        "estimate": None if estimate is None else exact(estimate.amount),
        "actual": None if actual is None else exact(actual.amount),
        "currency": None if known is None else known.currency,
        "units": units,
    }


def _output_document(job: ReportJob, output_dir: str) -> dict[str, Any] | None:
    output = job.output
    if output is None:
        return None
    return {
        "path": f"{output_dir}/{output.path}" if output_dir else output.path,
        "sha256": output.sha256,
        "size_bytes": output.size_bytes,
        "media_type": output.media_type,
        "duration_s": output.duration_s,
        "width": output.width,
        "height": output.height,
    }


def _error_document(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "request_id": problem.request_id,
        "next": problem.next,
    }


def report_head_document(head: ReportHead, totals: Totals) -> dict[str, Any]:
    """Everything of `report.json` and `status --json` but `jobs`."""
    return {**head_document(head), "totals": totals_document(totals)}


def write_report(stream: TextIO, head: ReportHead, totals: Totals, jobs: Iterable[ReportJob]) -> None:
    """Write `report.json` or `status --json`, one job a line, holding one job at a time.

    Args:
        stream: Text, UTF-8.
        head: What the report is about.
        totals: Sums over the same jobs.
        jobs: In manifest order, orphans after them.
    """
    rows = (job_document(job, head.output_dir) for job in jobs)
    write_document(stream, report_head_document(head, totals), rows)


def write_document(
    stream: SupportsWrite[str],
    head: dict[str, Any],
    jobs: Iterable[dict[str, Any]],
    tail: Callable[[], dict[str, Any]] | None = None,
) -> None:
    """Write a document with its `jobs` behind all other fields, one field and one job a line, holding one job at a time.

    Args:
        stream: Text, UTF-8.
        head: All other fields, in order; at least one.
        jobs: The entries of `jobs`.
        tail: Gives fields that are known only when everything before them was written; None for none.
    """
    stream.write("{\n" + ",\n".join(_fields(head)) + ',\n  "jobs": [')
    separator = "\n    "
    for job in jobs:
        stream.write(separator + _encode(job))
        separator = ",\n    "
    stream.write("\n  ]")
    if tail is not None:
        stream.write(",\n")
        stream.write(",\n".join(_fields(tail())))
    stream.write("\n}\n")


def _fields(values: dict[str, Any]) -> list[str]:
    return [f"  {_encode(key)}: {_encode(value)}" for key, value in values.items()]


def _encode(value: Any) -> str:
    return escape.json_text(json.dumps(value, ensure_ascii=False, allow_nan=False))
