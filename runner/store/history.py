"""What the history keeps of events and runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.core import events
from runner.store.rows import encode_json, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the history has it.

    Args:
        seq: Order of commitment, rising.
        at: Unix seconds.
        run_id: The run that did it; None outside a run.
        job_id: Whose.
        fingerprint: Which of that id's jobs.
        type: Class name in `runner.core.events`, e.g. `SubmitStarted`.
        payload: Its facts as JSON values; request and reply bodies and the queries of addresses are left out.
    """

    seq: int
    at: float
    run_id: str | None
    job_id: str
    fingerprint: str
    type: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One execution.

    Args:
        run_id: Its name in the history.
        started_at: Unix seconds.
        ended_at: Unix seconds; None while it goes on, or when it was killed.
        exit_code: As the process gave it; None likewise.
        manifest_sha256: Digest of the manifest that it ran.
        overrides: Values of `-V`.
    """

    run_id: str
    started_at: float
    ended_at: float | None
    exit_code: int | None
    manifest_sha256: str
    overrides: Mapping[str, Any]


def encode_payload(event: Event) -> str:
    """The facts of an event as compact JSON, without bodies and without the queries of addresses."""
    facts = _facts(event)
    return encode_json(facts) if facts else "{}"


def _facts(event: Event) -> dict[str, Any]:
    match event:
        case events.SubmitStarted():
            return {
                "external_id": event.external_id,
                "request_sha256": event.request_sha256,
                "reserved": None if event.reserved is None else str(event.reserved),
                "output_stem": event.output_stem,
            }
        case events.ReplyReceived(reply=reply):
            return {"status": reply.status, "body_bytes": len(reply.body), "truncated": reply.truncated}
        case events.Adopted():
            return {"task_id": event.task_id, "who": event.who, "why": event.why}
        case events.Accepted() | events.TaskFound():
            return {"task_id": event.task_id}
        case events.NotSent(may_have_arrived=True):
            return {"reason": event.reason, "may_have_arrived": True}
        case events.NotSent() | events.Reopened():
            return {"reason": event.reason}
        case events.TaskFailed():
            return {"failure": plain(event.failure), "charged": event.charged}
        case (
            events.Refused()
            | events.GaveUp()
            | events.SubmitLost()
            | events.Unpaid()
            | events.DeliveryFailed()
            | events.Skipped()
        ):
            return {"failure": plain(event.failure)}
        case events.TaskReady():
            return {
                "outputs": {name: _without_query(value) for name, value in event.outputs.items()},
                "actual": None if event.actual is None else str(event.actual),
                "units": event.units,
            }
        case events.Recorded(output=output):
            return {"task_id": event.task_id, "output": None if output is None else plain(output)}
        case events.Delivered(output=output) | events.Relocated(output=output):
            return {"output": None if output is None else plain(output)}
        case events.Decision():
            return {"who": event.who, "why": event.why}
        case _:  # NotFound, Requeued, Retried, Renewed: the type says it all
            return {}


def _without_query(value: Any) -> Any:
    """An address without what may be its signature; any other value as it is."""
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return value.partition("?")[0].partition("#")[0]
    return value
