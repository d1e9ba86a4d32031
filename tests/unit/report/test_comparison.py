"""What jobs cost beside what they were expected to cost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from runner.core.job import State
from runner.core.money import Money
from runner.report.comparison import nothing
from runner.report.documents import job_document, report_head_document, write_report
from runner.report.html import write_html
from runner.report.junit import write_junit
from runner.report.markdown import write_markdown
from runner.report.totals import Totals
from runner.schema_files import load_schema
from tests.unit.report.samples import head, reported, row, usd

if TYPE_CHECKING:
    from pathlib import Path

    from runner.report.model import ReportJob

VALIDATOR = jsonschema_rs.validator_for(load_schema("report"), validate_formats=True)


def job(estimate: Money | None, actual: Money | None) -> ReportJob:
    """A delivered job at these costs."""
    return replace(reported(row("a")), estimate=estimate, actual=actual)


@pytest.mark.parametrize(
    ("actual", "text"),
    [
        ("1.10", "1.20 USD expected, 1.10 paid (-0.10) for 1 job"),
        ("1.20", "1.20 USD expected and paid for 1 job"),
        ("2.005", "1.20 USD expected, 2.005 paid (+0.805) for 1 job"),
    ],
)
def test_the_difference_has_its_sign(actual: str, text: str) -> None:
    """More is a plus, less is a minus, and nothing is neither."""
    assert nothing("USD").with_job(usd("1.20"), usd(actual)).text == text


def test_only_jobs_of_which_both_are_known_are_compared() -> None:
    """An unknown cost is no saving, and an unknown estimate no surprise."""
    jobs = [job(usd("1.20"), usd("1.00")), job(usd("1.20"), None), job(None, usd("5")), job(usd("0.30"), usd("0.40"))]
    document = report_head_document(head(), Totals.of(jobs))
    assert document["totals"]["compared"] == {
        "jobs": 2, "estimate": "1.50", "actual": "1.40", "difference": "-0.10", "currency": "USD",
    }  # fmt: skip


@pytest.mark.parametrize(
    "jobs",
    [
        [],
        [job(usd("1"), None)],
        [job(usd("1"), usd("1")), job(Money(usd("1").amount, "EUR"), Money(usd("1").amount, "EUR"))],
    ],
)
def test_what_cannot_be_summed_is_not_compared(jobs: list[ReportJob]) -> None:
    """Nothing known, or two currencies: null, and no sentence."""
    assert report_head_document(head(), Totals.of(jobs))["totals"]["compared"] is None


def test_people_read_it_in_every_report(tmp_path: Path) -> None:
    """The page and the summary have the sentence, and each job's own estimate, cost and units."""
    jobs = [replace(job(usd("1.20"), usd("1.10")), units="4")]
    totals = Totals.of(jobs)
    text = write_markdown(tmp_path, head(), totals, jobs).read_text(encoding="utf-8")
    assert "1.20 USD expected, 1.10 paid" in text
    assert "| 1.20 USD | 1.10 USD, 4 units |" in text
    write_html(tmp_path, head(), totals, jobs, outputs=tmp_path, make_poster=lambda *_: None)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "1.20 USD expected, 1.10 paid (-0.10) for 1 job" in page


def test_a_job_that_delivers_no_file_is_reported_everywhere(tmp_path: Path) -> None:
    """A voice is done without a file: `output` is null, its outputs are shown without the queries of addresses, and no form stumbles."""
    voice = row(
        "voice",
        State.SUCCEEDED,
        output=None,
        outputs={"voice_id": "v-1", "trial_url": "https://c.example.com/t.mp3?sig=x"},
    )
    jobs = [reported(voice)]
    totals = Totals.of(jobs)
    document = job_document(jobs[0], "outputs")
    assert (document["output"], document["state"]) == (None, "succeeded")
    assert document["outputs"] == {"voice_id": "v-1", "trial_url": "https://c.example.com/t.mp3"}
    write_junit(tmp_path, head(), totals, jobs)
    write_html(tmp_path, head(), totals, jobs, outputs=tmp_path, make_poster=lambda *_: None)
    write_markdown(tmp_path, head(), totals, jobs)
    with (tmp_path / "report.json").open("w+", encoding="utf-8") as stream:
        write_report(stream, head(), totals, jobs)
        stream.seek(0)
        VALIDATOR.validate(json.load(stream))
    assert "sig=x" not in "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file())
