"""The summary for pull requests and step summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.core.codes import Code
from runner.core.events import Cause
from runner.report.markdown import MOST_BYTES, write_markdown
from runner.report.totals import Totals
from tests.unit.report.samples import HOSTILE, START, doubtful, failed, head, mixed, reported

if TYPE_CHECKING:
    from pathlib import Path

    from runner.report.model import ReportJob


def text_of(folder: Path, jobs: list[ReportJob], path: str = "campaigns/spring.yaml") -> str:
    """The summary of these jobs."""
    totals = Totals.of(jobs, run_started_at=START)
    return write_markdown(folder, head(path=path), totals, jobs).read_text(encoding="utf-8")


def test_every_job_has_a_row(tmp_path: Path) -> None:
    """Fourteen jobs make fourteen rows of seven cells, after the causes."""
    rows = [line for line in text_of(tmp_path, mixed()).splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(mixed())
    assert {row.count("|") for row in rows} == {8}


def test_causes_name_their_next_command(tmp_path: Path) -> None:
    """A doubt is listed with the command that decides it and the other choices."""
    text = text_of(tmp_path, [reported(doubtful("hello/hal"))])
    assert "```sh\ncallsheet resolve campaigns/spring.yaml hello/hal --resubmit\n```" in text
    assert "--adopt TASK_ID" in text


def test_command_cannot_leave_its_block(tmp_path: Path) -> None:
    """A manifest path with backticks gets a longer fence."""
    text = text_of(tmp_path, [reported(doubtful("a"))], path="a```b.yaml")
    assert "\n````sh\ncallsheet resolve 'campaigns/spring.yaml'" not in text
    assert "\n````sh\ncallsheet resolve 'a```b.yaml' a --resubmit\n````\n" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_message_stays_in_its_cell(tmp_path: Path, text: str) -> None:
    """A hostile message opens no tag, no link, no heading and no further cell."""
    written = text_of(tmp_path, [reported(failed("a", Cause.REFUSED, Code.POLICY, text))])
    row = written.rstrip("\n").splitlines()[-1]
    assert row.count("|") == 8
    assert not {"<", ">", "`", "[", "\x1b"} & set(row)


def test_cut_between_rows_with_a_note(tmp_path: Path) -> None:
    """Twelve thousand failures with wide characters stay under the limit, end with a whole row and say what is missing."""
    jobs = [reported(failed(f"a/{number}", Cause.REFUSED, Code.POLICY, "内容不合规" * 5)) for number in range(12_000)]
    written = text_of(tmp_path, jobs)
    rows = [line for line in written.splitlines() if line.startswith("| ✗")]
    assert len(written.encode()) <= MOST_BYTES
    assert all(row.endswith("|") for row in rows)
    assert f"{12_000 - len(rows):,} more jobs left out here" in written
    assert len(rows) > 3_000


def test_no_jobs(tmp_path: Path) -> None:
    """An empty campaign says so."""
    assert "**No jobs.**" in text_of(tmp_path, [])
