"""JUnit, read back by the parser that others use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from junitparser import JUnitXml

from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import State
from runner.report.junit import write_junit
from runner.report.totals import Totals
from tests.unit.report.samples import HOSTILE, MANIFEST, START, doubtful, failed, head, mixed, reported, row, skipped

if TYPE_CHECKING:
    from pathlib import Path

    from junitparser import TestSuite

    from runner.core.job import Job
    from runner.report.model import ReportJob


def suite_of(folder: Path, jobs: list[ReportJob]) -> TestSuite:
    """The one suite of these jobs' JUnit file."""
    path = write_junit(folder, head(), Totals.of(jobs, run_started_at=START), jobs)
    (suite,) = JUnitXml.fromfile(str(path))
    return suite


@pytest.mark.parametrize(
    ("job", "result"),
    [
        (row("a"), None),
        (failed("a", Cause.REFUSED, Code.POLICY), "failure"),
        (failed("a", Cause.GENERATION, Code.MODERATED), "failure"),
        (failed("a", Cause.FETCH, Code.RESULT_DAMAGED), "failure"),
        (failed("a", Cause.FETCH, Code.RESULT_UNREACHABLE), "error"),
        (failed("a", Cause.FETCH, Code.RESULT_BLOCKED), "error"),
        (failed("a", Cause.NOT_ACCEPTED, Code.NO_CONNECTION), "error"),
        (failed("a", Cause.EXPIRED, Code.RESULT_EXPIRED), "error"),
        (doubtful("a"), "error"),
        (skipped("a"), "skipped"),
        (row("a", State.PENDING), "skipped"),
        (row("a", State.RUNNING), "skipped"),
        (row("a", State.CANCELLED), "skipped"),
    ],
)
def test_result_by_state_and_cause(tmp_path: Path, job: Job, result: str | None) -> None:
    """Refused or not right is a failure, doubt and infrastructure an error, what was not made is skipped."""
    (case,) = suite_of(tmp_path, [reported(job)])
    assert [entry._tag for entry in case.result] == ([] if result is None else [result])


def test_counts_in_the_head_are_those_of_the_cases(tmp_path: Path) -> None:
    """The suite's attributes, written before its cases, agree with what a reader counts."""
    suite = suite_of(tmp_path, mixed())
    said = (suite.tests, suite.failures, suite.errors, suite.skipped)
    suite.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types only a part
    assert said == (suite.tests, suite.failures, suite.errors, suite.skipped) == (14, 3, 4, 4)


def test_case_names_job_place_time_and_next(tmp_path: Path) -> None:
    """A case carries the job's id, `file` and `line`, its seconds, and how to go on."""
    (case,) = suite_of(tmp_path, [reported(failed("hello/ben", Cause.GENERATION, Code.MODERATED), line=22)])
    assert (case.name, case.classname, case.time) == ("hello/ben", "spring.digital-human/avatar", 41.0)
    assert (case._elem.get("file"), case._elem.get("line")) == (MANIFEST, "22")
    assert case.result[0].type == "P307"
    assert f"next: callsheet run {MANIFEST} --select hello/ben --retry-failed" in case.result[0].text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_message_stays_text(tmp_path: Path, text: str) -> None:
    """A hostile message makes one well-formed case with one failure."""
    suite = suite_of(tmp_path, [reported(failed("a", Cause.REFUSED, Code.POLICY, text))])
    (case,) = suite
    assert len(case.result) == 1
    assert len(case._elem) == 1
