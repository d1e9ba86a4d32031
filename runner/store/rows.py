"""A `Job` as a row of `jobs`, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import STORED_BODY_BYTES, Reply
from runner.core.events import Cause, Failure
from runner.core.job import Job, OutputFile, State
from runner.core.money import Money
from runner.core.plan import Standing
from runner.store.schema import JOBS

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB_COLUMNS: Final = tuple(column for column in JOBS.c if column.name != "seq")
"""The columns of a row, in the order of `encode_job` and `decode_job`."""

STANDING_COLUMNS: Final = tuple(
    JOBS.c[name]
    for name in (
        "job_id", "fingerprint", "uses", "state", "attempt", "task_id", "actual", "actual_currency", "units", "output", "failure",
        "submitted_at", "ready_at",
    )
)  # fmt: skip
"""The columns of a row, in the order of `decode_standing`."""

_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in (OutputFile, Failure)}

_OUTPUT_FIELDS: Final = tuple((name, getattr(OutputFile, name).__set__) for name in _NAMES[OutputFile])

_STATES: Final = {state.value: state for state in State}


def encode_job(job: Job) -> tuple[object, ...]:
    """The row of a job: one value for each of `JOB_COLUMNS`. The reply's body is cut to `STORED_BODY_BYTES`."""
    reply = job.reply
    return (
        job.id,
        job.fingerprint,
        job.uses,
        job.operation,
        encode_json(job.tags) if job.tags else "[]",
        job.source_file,
        job.source_line,
        job.state.value,
        job.attempt,
        job.external_id,
        job.request_sha256,
        job.output_stem,
        *_encode_money(job.reserved),
        *_encode_money(job.actual),
        job.units,
        job.task_id,
        job.submitted_at,
        job.accepted_at,
        job.ready_at,
        job.done_at,
        None if job.output is None else encode_json(plain(job.output)),
        None if job.failure is None else encode_json(plain(job.failure)),
        job.address,
        encode_json(dict(job.outputs)) if job.outputs else "{}",
        *((None, None, None, None) if reply is None else _encode_reply(reply)),
        job.request,
        job.content,
    )


def decode_job(row: Sequence[Any]) -> Job:
    """The job of a row that holds `JOB_COLUMNS`."""
    (
        job_id, fingerprint, uses, operation, tags, source_file, source_line, state, attempt, external_id, request_sha256,
        output_stem, reserved, reserved_currency, actual, actual_currency, units, task_id, submitted_at, accepted_at, ready_at,
        done_at, output, failure, address, outputs, reply_status, reply_headers, reply_truncated, reply_body, request,
        content,
    ) = row  # fmt: skip
    return Job(
        id=job_id,
        fingerprint=fingerprint,
        uses=uses,
        operation=operation,
        tags=_decode_tags(tags),
        source_file=source_file,
        source_line=source_line,
        state=_STATES[state],
        attempt=attempt,
        external_id=external_id,
        request_sha256=request_sha256,
        request=request,
        output_stem=output_stem,
        content=content,
        reserved=None if reserved is None else _decode_money(reserved, reserved_currency),
        actual=None if actual is None else _decode_money(actual, actual_currency),
        units=units,
        reply=None if reply_status is None else _decode_reply(reply_status, reply_headers, reply_truncated, reply_body),
        task_id=task_id,
        address=address,
        outputs={} if outputs == "{}" else _scan(outputs)[0],
        output=None if output is None else decode_output(output),
        failure=None if failure is None else _decode_failure(failure),
        submitted_at=submitted_at,
        accepted_at=accepted_at,
        ready_at=ready_at,
        done_at=done_at,
    )


def decode_standing(row: Sequence[Any]) -> Standing:
    """The standing of a row that holds `STANDING_COLUMNS`."""
    (
        job_id, fingerprint, uses, state, attempt, task_id, actual, currency, units, output, failure, submitted_at, ready_at,
    ) = row  # fmt: skip
    return Standing(
        job_id,
        fingerprint,
        uses,
        _STATES[state],
        attempt,
        task_id,
        None if actual is None else _decode_money(actual, currency),
        units,
        None if output is None else decode_output(output),
        None if failure is None else _decode_failure(failure),
        submitted_at,
        ready_at,
    )


encode_json: Final = json.JSONEncoder(separators=(",", ":")).encode
"""Compact JSON in ASCII, so that a provider's lone surrogate cannot fail the write."""

_scan: Final = json.JSONDecoder().raw_decode
"""What `json.loads` does for text that is known to be JSON without blanks around it: a million rows are read at the start of a run."""


@lru_cache(maxsize=1024)
def _decode_tags(text: str) -> tuple[str, ...]:
    """Tags repeat from row to row."""
    return tuple(json.loads(text))


@lru_cache(maxsize=1024)
def _decode_money(amount: str, currency: str) -> Money:
    """So do prices."""
    return Money(Decimal(amount), currency)


def plain(record: OutputFile | Failure) -> dict[str, Any]:
    """A record of plain values as a dictionary; `dataclasses.asdict` would copy each value, which takes four times as long."""
    return {name: getattr(record, name) for name in _NAMES[type(record)]}


def _encode_money(money: Money | None) -> tuple[str | None, str | None]:
    return (None, None) if money is None else (str(money.amount), money.currency)


def _encode_reply(reply: Reply) -> tuple[int, str, bool, bytes]:
    truncated = reply.truncated or len(reply.body) > STORED_BODY_BYTES
    return reply.status, encode_json(dict(reply.headers)), truncated, reply.body[:STORED_BODY_BYTES]


def _decode_reply(status: int, headers: str, truncated: int, body: bytes) -> Reply:
    return Reply(status=status, headers=json.loads(headers), body=body, truncated=bool(truncated))


def decode_output(text: str) -> OutputFile:
    """A delivered file as its column holds it. Field by field: the constructor of a frozen record takes twice as long, and every delivered job of a manifest has one."""
    values = _scan(text)[0]
    output = object.__new__(OutputFile)
    for name, set_field in _OUTPUT_FIELDS:
        set_field(output, values[name])
    return output


def _decode_failure(text: str) -> Failure:
    fields = json.loads(text)
    cause = fields.pop("cause")
    return Failure(cause=None if cause is None else Cause(cause), **fields)
