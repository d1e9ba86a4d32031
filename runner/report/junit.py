"""`junit.xml`: the report for continuous integration. The suite is the manifest, a case is a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never
from xml.sax.saxutils import quoteattr

from junitparser import Attr, Error, Failure, Skipped, TestCase

from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import State
from runner.report import escape
from runner.report.figures import to_second
from runner.report.files import replacing
from runner.report.totals import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import Totals

NAME: Final = "junit.xml"

Verdict = type[Failure] | type[Error] | type[Skipped] | None


class _Case(TestCase):
    """A test case with its place, which GitHub, GitLab and Jenkins turn into links."""

    file = Attr()
    line = Attr()


def verdict(kind: Kind) -> Verdict:
    """How a job counts in JUnit.

    Args:
        kind: Its state, cause and code.

    Returns:
        `Failure` for a refused or failed generation and for a result that is not right, `Error` for a doubt or an infrastructure
        fault, `Skipped` for what was not or not yet made, None for success.
    """
    match kind.state:
        case State.SUCCEEDED:
            return None
        case State.IN_DOUBT:
            return Error
        case State.FAILED if kind.cause in (Cause.REFUSED, Cause.GENERATION) or kind.code == Code.RESULT_DAMAGED:
            return Failure
        case State.FAILED:
            return Error
        case State.PENDING | State.SUBMITTING | State.RUNNING | State.DOWNLOADING | State.SKIPPED | State.CANCELLED:
            return Skipped
        case _:
            assert_never(kind.state)


def write_junit(folder: Path, head: ReportHead, totals: Totals, jobs: Iterable[ReportJob]) -> Path:
    """Write `junit.xml`, holding one case at a time.

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
        attributes = " ".join(f"{name}={quoteattr(escape.xml(value))}" for name, value in _counts(head, totals).items())
        stream.write(f"<?xml version='1.0' encoding='utf-8'?>\n<testsuites {attributes}>\n<testsuite {attributes}>\n")
        for job in jobs:
            stream.write(_encode(_case(head, job)))
        stream.write("</testsuite>\n</testsuites>\n")
    return path


def _counts(head: ReportHead, totals: Totals) -> dict[str, str]:
    counts = {Failure: 0, Error: 0, Skipped: 0, None: 0}
    for kind, number in totals.kinds.items():
        counts[verdict(kind)] += number
    attributes = {
        "name": head.name,
        "tests": str(totals.jobs),
        "failures": str(counts[Failure]),
        "errors": str(counts[Error]),
        "skipped": str(counts[Skipped]),
    }
    run = head.run
    if run is not None:
        # The readers of this field want a time of day without a zone; it is UTC.
        attributes["timestamp"] = to_second(run.started_at).removesuffix("Z")
        if run.ended_at is not None:
            attributes["time"] = f"{max(0.0, run.ended_at - run.started_at):.3f}"
    return attributes


def _case(head: ReportHead, job: ReportJob) -> TestCase:
    case = _Case(name=escape.xml(job.id), classname=escape.xml(f"{head.name}.{job.uses}"), time=job.took_s)
    if job.source_file is not None:
        case.file = escape.xml(job.source_file)
    if job.source_line is not None:
        case.line = str(job.source_line)
    kind = Kind(job.state, job.problem.cause if job.problem else None, job.problem.code if job.problem else None)
    result = verdict(kind)
    if result is not None:
        entry = result(escape.xml(_message(job)), kind.code or job.state.value)
        entry.text = escape.xml(_explanation(job))
        case.append(entry)  # type: ignore[no-untyped-call]  # junitparser types only a part
    if job.output is not None and job.state is State.SUCCEEDED:
        case.system_out = escape.xml(f"{job.output.path}\nsha256 {job.output.sha256}")
    return case


def _encode(case: TestCase) -> str:
    encoded: bytes = case.tostring()  # type: ignore[no-untyped-call]  # junitparser types only a part
    return encoded.decode("utf-8") + "\n"


def _message(job: ReportJob) -> str:
    return job.state.value.replace("_", " ") if job.problem is None else job.problem.message


def _explanation(job: ReportJob) -> str:
    lines = [job.place]
    if job.task_id is not None:
        lines.append(f"task {job.task_id}")
    if job.problem is not None and job.problem.request_id is not None:
        lines.append(f"request {job.problem.request_id}")
    if job.problem is not None and job.problem.next is not None:
        lines.append(f"next: {job.problem.next}")
    return "\n".join(lines)
