"""Values for the tests of this room: jobs in every state, made by the life cycle itself where it matters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.core.codes import Code
from runner.core.diagnostics import Span
from runner.core.events import Cause, Failure
from runner.core.job import Job, OutputFile, State
from runner.core.money import Money
from runner.core.spec import JobSpec, Verify
from runner.report.model import ReportHead, ReportJob, RunHead, report_job

if TYPE_CHECKING:
    from collections.abc import Mapping

START = 1_795_140_843.0  # 2026-11-20T02:14:03Z
MANIFEST = "campaigns/spring.yaml"
USES = "digital-human/avatar"


def usd(amount: str) -> Money:
    """An amount in US dollars."""
    return Money(Decimal(amount), "USD")


def head(**changes: Any) -> ReportHead:
    """The head of a report after a run of 13 minutes and 10 seconds."""
    run = RunHead(id="r-1", started_at=START, ended_at=START + 790, exit_code=1)
    facts = {"name": "spring", "path": MANIFEST, "sha256": "3f" * 32, "run": run, "output_dir": "outputs/spring"}
    return ReportHead(**{**facts, **changes})


def spec(job_id: str, *, line: int = 14, **changes: Any) -> JobSpec:
    """What is asked for."""
    facts: Mapping[str, Any] = {
        "id": job_id,
        "name": job_id.partition("/")[0],
        "uses": USES,
        "operation": USES,
        "inputs": {"avatar_url": "https://cdn.example.com/a.png?sig=INPUT-SECRET", "text": f"Hello from {job_id}"},
        "fingerprint": "ab" * 32,
        "tags": ("nightly",),
        "output": job_id,
        "verify": Verify.FRAME,
        "needs": (),
        "source": Span(MANIFEST, line, 3),
        "text": f"Hello from {job_id}",
        "duration_s": 18.0,
    }
    return JobSpec(**{**facts, **changes})


def row(job_id: str, state: State = State.SUCCEEDED, **changes: Any) -> Job:
    """A job of the state file."""
    facts: dict[str, Any] = {
        "id": job_id,
        "fingerprint": "ab" * 32,
        "uses": USES,
        "operation": USES,
        "tags": ("nightly",),
        "source_file": MANIFEST,
        "source_line": 14,
        "state": state,
    }
    if state not in (State.PENDING, State.SKIPPED):
        facts |= {"external_id": "x-1", "submitted_at": START + 1, "reserved": usd("1.26")}
    if state in (State.RUNNING, State.DOWNLOADING, State.SUCCEEDED):
        facts |= {"task_id": "67930a6f1b2c", "accepted_at": START + 2}
    if state is State.SUCCEEDED:
        facts |= {
            "ready_at": START + 100,
            "done_at": START + 113,
            "actual": usd("1.26"),
            "outputs": {"video_url": "https://cdn.example.com/v.mp4?Signature=S3CRET&Expires=1"},
            "output": output(job_id),
        }
    return Job(**{**facts, **changes})


def output(job_id: str, **changes: Any) -> OutputFile:
    """A delivered file."""
    facts: dict[str, Any] = {
        "path": f"{job_id}.mp4",
        "sha256": "cd" * 32,
        "size_bytes": 4_100_000,
        "mtime_ns": 1,
        "media_type": "video/mp4",
        "duration_s": 18.2,
        "width": 1280,
        "height": 720,
        "has_audio": True,
    }
    return OutputFile(**{**facts, **changes})


def failed(job_id: str, cause: Cause, code: Code, message: str = "it did not work") -> Job:
    """A failed job."""
    failure = Failure(cause=cause, code=code.value, message=message, request_id="req-1")
    return row(job_id, State.FAILED, failure=failure, done_at=START + 42)


def doubtful(job_id: str) -> Job:
    """A job in doubt."""
    failure = Failure(
        cause=None, code=Code.IN_DOUBT.value, message="the connection was reset after the request was sent"
    )
    return row(job_id, State.IN_DOUBT, failure=failure)


def skipped(job_id: str, need: str = "intro") -> Job:
    """A job whose need did not succeed."""
    failure = Failure(cause=None, code=Code.NEED_FAILED.value, message=f"it needs {need}, which failed")
    return row(job_id, State.SKIPPED, failure=failure, done_at=START + 50)


def reported(job: Job | None, job_id: str = "", *, cached: bool = False, **changes: Any) -> ReportJob:
    """A job as the writers take it; `changes` are those of its spec."""
    wanted = spec(job_id or (job.id if job else "hello/ana"), **changes)
    return report_job(wanted, job, estimate=usd("1.30"), manifest=MANIFEST, cached=cached)


def orphan(job: Job) -> ReportJob:
    """A job that the manifest does not have any more."""
    return report_job(None, job, estimate=None, manifest=MANIFEST, cached=False)


def mixed() -> list[ReportJob]:
    """One job of every kind, the orphan last."""
    return [
        reported(row("hello/ana")),
        reported(failed("hello/ben", Cause.GENERATION, Code.MODERATED, "avatar image refused by moderation"), line=22),
        reported(failed("hello/cai", Cause.REFUSED, Code.BAD_REQUEST)),
        reported(failed("hello/dee", Cause.FETCH, Code.RESULT_UNREACHABLE)),
        reported(failed("hello/eva", Cause.NOT_ACCEPTED, Code.NO_CONNECTION)),
        reported(failed("hello/fay", Cause.EXPIRED, Code.RESULT_EXPIRED)),
        reported(failed("hello/gus", Cause.FETCH, Code.RESULT_DAMAGED)),
        reported(doubtful("hello/hal")),
        reported(skipped("hello/ida")),
        reported(None, "hello/jon"),
        reported(row("hello/kim", State.RUNNING)),
        reported(row("hello/leo", State.CANCELLED, done_at=START + 9)),
        reported(row("hello/mia", submitted_at=START - 9000), cached=True),
        orphan(row("gone/one", submitted_at=START - 9000)),
    ]


@dataclass
class TurnedClock:
    """A clock that moves when the test turns it."""

    now: float = START

    def monotonic(self) -> float:
        """Seconds."""
        return self.now - START

    def wall(self) -> float:
        """Unix seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Turns the clock."""
        self.now += seconds


HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "| **bold** | `code` [x](javascript:alert(1)) <img src=x onerror=alert(1)>",
    "line\r\nwith\nbreaks\tand\x00nul\x7f",
    "\u202egnp.exe\u2066",
    "]]></failure><x/>",
    "\ud800 lone",
    '"};alert(1)//',
    "```\n# heading\n~~~",
    "{{ 7*7 }}{% raw %}",
    "=cmd|' /C calc'!A0",
)
