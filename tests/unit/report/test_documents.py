"""The JSON documents against their schemas."""

from __future__ import annotations

import io
import json
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.core.codes import Code
from runner.core.errors import StorageFailed
from runner.core.events import Cause
from runner.core.job import Job, State
from runner.core.money import Money
from runner.report.documents import write_report
from runner.report.json_file import write_json
from runner.report.model import ReportHead
from runner.report.totals import Totals
from runner.schema_files import load_schema, schema_names
from tests.unit.report.samples import HOSTILE, MANIFEST, START, failed, head, mixed, output, reported, row, usd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.report.model import ReportJob

VALIDATOR = jsonschema_rs.validator_for(load_schema("report"), validate_formats=True)


def document(jobs: list[ReportJob], **changes: Any) -> dict[str, Any]:
    """The report of these jobs, written and read back."""
    stream = io.StringIO()
    write_report(stream, head(**changes), Totals.of(jobs, run_started_at=START), jobs)
    read: dict[str, Any] = json.loads(stream.getvalue())
    return read


@pytest.mark.parametrize("name", ["report", "plan", "progress"])
def test_schemas_are_schemas(name: str) -> None:
    """Each schema of this room is valid, named, and describes every property."""
    assert name in schema_names()
    schema = load_schema(name)
    jsonschema_rs.meta.validate(schema)
    assert list(_undescribed(schema)) == []


def _undescribed(schema: Any, path: str = "") -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    for name, value in schema.get("properties", {}).items():
        if "description" not in value and "$ref" not in value:
            yield f"{path}/{name}"
        if value.get("type") == "object" and "properties" in value and value.get("additionalProperties") is not False:
            yield f"{path}/{name} is open"
    for key, value in schema.items():
        yield from _undescribed(value, f"{path}/{key}")


def test_every_kind_of_job_fits_the_schema() -> None:
    """A report with a job in every state is valid, in manifest order with orphans last."""
    told = document(mixed())
    VALIDATOR.validate(told)
    assert [job["id"] for job in told["jobs"]] == [job.id for job in mixed()]


def test_report_before_any_run() -> None:
    """Without a run `run` is null and the document still valid; no jobs are an empty list."""
    told = document([], run=None)
    VALIDATOR.validate(told)
    assert (told["run"], told["jobs"], told["totals"]["cost"]) == (None, [], None)


def test_unknown_is_null_and_never_zero() -> None:
    """A pending job without price has nothing but nulls where nothing is known."""
    job = document([reported(None, "a")])["jobs"][0]
    assert job["cost"]["actual"] is None
    assert (job["output"], job["error"], job["task_id"]) == (None, None, None)
    assert set(job["timeline"].values()) == {None}


def test_fields_of_a_finished_job() -> None:
    """Path relative to the manifest's folder, money and times as strings, addresses without their query."""
    job = document([reported(row("hello/ana"))])["jobs"][0]
    assert job["output"]["path"] == "outputs/spring/hello/ana.mp4"
    assert job["cost"] == {"estimate": "1.30", "actual": "1.26", "currency": "USD", "units": None}
    assert job["timeline"]["done_at"] == "2026-11-20T02:15:56.000Z"
    assert job["outputs"] == {"video_url": "https://cdn.example.com/v.mp4"}
    assert job["source"] == {"file": MANIFEST, "line": 14}


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "0"),
        ("0.10", "0.10"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("12345678901234567890.01", "12345678901234567890.01"),
    ],
)
def test_money_is_exact(amount: str, written: str) -> None:
    """An amount is written digit by digit, without an exponent."""
    job = reported(row("a", actual=Money(Decimal(amount), "USD")))
    told = document([job])
    VALIDATOR.validate(told)
    assert told["jobs"][0]["cost"]["actual"] == written
    assert told["totals"]["cost"] == written


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_a_value(text: str) -> None:
    """A hostile message comes back as it was, whatever it holds."""
    told = document([reported(failed("a", Cause.REFUSED, Code.POLICY, text))])
    VALIDATOR.validate(told)
    assert told["jobs"][0]["error"]["message"] == text.replace("\ud800", "\ufffd")


def test_no_signature_anywhere() -> None:
    """No byte of a signed address's query is in the report, wherever the provider put the address."""
    signed = "https://cdn.example.com/v.mp4?Signature=S3CRET"
    jobs = [reported(row("a", outputs={"video_url": signed, "deep": [{"text": f"see {signed}"}]}, address=signed))]
    assert "S3CRET" not in json.dumps(document(jobs))


def test_report_is_replaced_whole(tmp_path: Path) -> None:
    """When the jobs fail half-way, the older report is untouched and no temporary file is left."""
    path = write_json(tmp_path / "report", head(), Totals(), [])
    before = path.read_bytes()

    def broken() -> Iterator[ReportJob]:
        yield reported(row("a"))
        raise RuntimeError("the state went away")

    with pytest.raises(RuntimeError):
        write_json(tmp_path / "report", head(), Totals(), broken())
    assert path.read_bytes() == before
    assert [child.name for child in path.parent.iterdir()] == ["report.json"]


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is a storage failure that names the place."""
    (tmp_path / "report").write_text("")
    with pytest.raises(StorageFailed, match=r"report\.json"):
        write_json(tmp_path / "report", head(), Totals(), [])


def test_memory_does_not_grow_with_the_jobs(tmp_path: Path) -> None:
    """Three thousand jobs, 2.5 MB of report, are written within 400 kB of memory."""
    jobs = (reported(row(f"a/{number}")) for number in range(3_000))
    write_json(tmp_path / "warm", head(), Totals(), [reported(row("a"))])
    tracemalloc.start()
    write_json(tmp_path, head(), Totals(), jobs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000


def test_output_folder_that_is_the_manifest_folder() -> None:
    """Without an output folder the path stands alone."""
    assert document([reported(row("a"))], output_dir="")["jobs"][0]["output"]["path"] == "a.mp4"


def test_unknown_media_facts_are_null() -> None:
    """With `verify: none` duration and size in pixels are null."""
    bare = output("a", duration_s=None, width=None, height=None)
    told = document([reported(row("a", output=bare))])
    VALIDATOR.validate(told)
    assert told["jobs"][0]["output"]["duration_s"] is None


def test_attempts_follow_the_row() -> None:
    """Attempts count what was begun."""
    job = Job(
        id="a", fingerprint="ab" * 32, uses="x/y", operation="x/y", state=State.FAILED, attempt=2, external_id="e"
    )
    assert document([reported(job)])["jobs"][0]["attempts"] == 2


def test_head_writes_commands_for_its_manifest() -> None:
    """The head's commands carry path and options."""
    made = ReportHead(name="a", path="a.yaml", sha256="0" * 64, options=("--sandbox",), estimate=usd("1"))
    assert made.commands.go_on() == "callsheet run a.yaml --sandbox"
