"""Progress as JSON lines: one object for each notice, for programmes that watch a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.core import notices
from runner.report import escape
from runner.report.documents import VERSION, cost_document
from runner.report.figures import exact, rfc3339
from runner.report.moves import details

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.notices import Notice
    from runner.report.lines import Lines

_NAMES: Final[dict[type[Notice], str]] = {
    notices.RunStarted: "run_started",
    notices.JobMoved: "job_moved",
    notices.JobProgress: "job_progress",
    notices.SlowedDown: "slowed_down",
    notices.Waiting: "waiting",
    notices.AccountStopped: "account_stopped",
    notices.SubmissionsStopped: "submissions_stopped",
    notices.Stopping: "stopping",
    notices.Warned: "warned",
    notices.RunEnded: "run_ended",
}


@dataclass(slots=True)
class JsonObserver:
    """Writes each notice as one line of JSON (`schemas/progress.v1.schema.json`).

    Args:
        lines: Where to.
    """

    lines: Lines

    def notify(self, notice: Notice) -> None:
        """Write the notice."""
        self.lines.write(escape.json_text(json.dumps(notice_document(notice), ensure_ascii=False)))

    def tick(self) -> None:
        """Write what waits; time alone is no notice."""
        self.lines.flush()

    def close(self) -> None:
        """Write what waits."""
        self.lines.flush()


def notice_document(notice: Notice) -> dict[str, Any]:
    """A notice as a JSON object: `version`, `at`, `notice` (its name), then its own fields."""
    head = {"version": VERSION, "at": rfc3339(notice.at), "notice": _NAMES[type(notice)]}
    return {**head, **escape.shown_mapping(_fields(notice))}


def _fields(notice: Notice) -> dict[str, Any]:
    match notice:
        case notices.JobMoved():
            return _move(notice)
        case notices.JobProgress():
            return {**_job(notice.job), "progress": notice.progress, "note": notice.note}
        case notices.Waiting():
            return {**_job(notice.job), "wait_s": notice.wait_s, "reason": notice.reason}
        case notices.RunStarted():
            return {
                "run_id": notice.run_id,
                "manifest": notice.manifest,
                "total": notice.total,
                "planned": dict(notice.planned),
                "accounts": dict(notice.accounts),
                "jobs_by_account": dict(notice.jobs_by_account),
            }
        case notices.SlowedDown():
            return {"account": notice.account, "limit": notice.limit, "wait_s": notice.wait_s, "reason": notice.reason}
        case notices.AccountStopped():
            where = {"account": notice.account, "operation": notice.operation}
            return {**where, "code": notice.code, "reason": notice.reason}
        case notices.SubmissionsStopped():
            return {"reason": notice.reason}
        case notices.Stopping():
            return {"submissions": notice.submissions, "patience_s": notice.patience_s}
        case notices.Warned():
            return {"message": notice.message}
        case notices.RunEnded():
            spent = notice.spent
            cost = None if spent is None else exact(spent.amount)
            return {"exit_code": notice.exit_code, "cost": cost, "currency": None if spent is None else spent.currency}
        case _:
            return {}


def _job(job: Job) -> dict[str, Any]:
    return {"job": job.id, "uses": job.uses, "state": job.state.value}


def _move(notice: notices.JobMoved) -> dict[str, Any]:
    job = notice.job
    failure = job.failure
    return {
        **_job(job),
        "was": notice.was.value,
        "event": type(notice.event).__name__,
        "attempt": job.attempt,
        "task_id": job.task_id,
        "details": details(notice),
        "cost": cost_document(job.reserved, job.actual, job.units),
        "error": None
        if failure is None
        else {"code": failure.code, "message": failure.message, "request_id": failure.request_id},
    }
