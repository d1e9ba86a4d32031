"""Everything that is read from a state. Long results come in pages, so that no read holds back the log or fills the memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import between, bindparam, func, or_, select, tuple_

from runner.core.changes import Asked
from runner.core.job import State
from runner.store import sqlite
from runner.store.faults import translated
from runner.store.history import RunRecord, StoredEvent
from runner.store.ledger import total
from runner.store.rows import JOB_COLUMNS, STANDING_COLUMNS, decode_job, decode_standing, encode_json
from runner.store.schema import CHARGES, EVENTS, JOBS, META, RUNS
from runner.store.sqlite import is_listed
from runner.store.witness import Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine, Select

    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Charge

PAGE_ROWS: Final = 1000

_OPEN: Final = tuple(state.value for state in State if state.is_paid_and_open)

_WANTED: Final = is_listed(JOBS.c.job_id, "ids")
_ROWS: Final = select(*JOB_COLUMNS).where(_WANTED).order_by(JOBS.c.seq)
_STANDINGS: Final = select(*STANDING_COLUMNS).where(_WANTED).order_by(JOBS.c.seq)
_OPEN_ROWS: Final = select(*JOB_COLUMNS).where(JOBS.c.state.in_(_OPEN)).order_by(JOBS.c.submitted_at, JOBS.c.seq)
_ALL_ROWS: Final = (
    select(*JOB_COLUMNS, JOBS.c.seq)
    .where(tuple_(JOBS.c.job_id, JOBS.c.seq) > tuple_(bindparam("job_id"), bindparam("seq")))
    .order_by(JOBS.c.job_id, JOBS.c.seq)
    .limit(PAGE_ROWS)
)
_ASKED: Final = select(JOBS.c.job_id, JOBS.c.operation, JOBS.c.content).where(_WANTED).order_by(JOBS.c.seq)
_COUNT: Final = select(func.count()).select_from(JOBS)
_AGED: Final = (
    select(JOBS.c.seq)
    .where(
        JOBS.c.state.in_((State.SUCCEEDED.value, State.FAILED.value)),
        func.coalesce(JOBS.c.submitted_at, JOBS.c.ready_at) < bindparam("before"),
        is_listed(JOBS.c.operation, "ids"),
    )
    .limit(1)
)
_RECORDED: Final = (
    select(JOBS.c.seq)
    .where(JOBS.c.submitted_at.is_(None), JOBS.c.ready_at.is_not(None), is_listed(JOBS.c.operation, "ids"))
    .limit(1)
)
_FAILED_WITH: Final = (
    select(JOBS.c.seq)
    .where(JOBS.c.state == State.FAILED.value, JOBS.c.failure.contains(bindparam("code"), autoescape=False))
    .limit(1)
)
_AMOUNT: Final = func.coalesce(CHARGES.c.settled, CHARGES.c.reserved)
_SUMS: Final = (
    select(CHARGES.c.currency, _AMOUNT, func.count())
    .where(_AMOUNT.is_not(None), CHARGES.c.currency.is_not(None))
    .group_by(CHARGES.c.currency, _AMOUNT)
)
_DURATIONS: Final = (
    select(JOBS.c.ready_at - JOBS.c.accepted_at)
    # A task that was taken over is accepted in the moment of its intent, and may have been ready long before anybody looked.
    .where(JOBS.c.uses == bindparam("uses"), JOBS.c.ready_at.is_not(None), JOBS.c.accepted_at > JOBS.c.submitted_at)
    .order_by(JOBS.c.ready_at.desc(), JOBS.c.seq.desc())
    .limit(bindparam("most"))
)
_LAST_SUBMISSION: Final = select(func.max(JOBS.c.submitted_at)).where(JOBS.c.uses == bindparam("uses"))
_EVENTS: Final = (
    select(
        EVENTS.c.seq,
        EVENTS.c.at,
        EVENTS.c.run_id,
        JOBS.c.job_id,
        JOBS.c.fingerprint,
        EVENTS.c.type,
        EVENTS.c.payload,
    )
    .join(JOBS, EVENTS.c.job == JOBS.c.seq)
    .where(EVENTS.c.seq > bindparam("seq"))
    .order_by(EVENTS.c.seq)
    .limit(PAGE_ROWS)
)
_INTENTS: Final = (
    select(JOBS.c.job_id, JOBS.c.fingerprint, EVENTS.c.at)
    .join(JOBS, EVENTS.c.job == JOBS.c.seq)
    .where(_WANTED, EVENTS.c.type == "SubmitStarted")
)
_SENT_AGAIN: Final = (
    select(EVENTS.c.type, EVENTS.c.payload)
    .join(JOBS, EVENTS.c.job == JOBS.c.seq)
    .where(
        JOBS.c.job_id == bindparam("job_id"),
        JOBS.c.fingerprint == bindparam("fingerprint"),
        EVENTS.c.type.in_(["NotFound", "NotSent"]),
    )
)
_CHARGED: Final = (
    select(JOBS.c.job_id, JOBS.c.fingerprint, CHARGES.c.attempt).join(JOBS, CHARGES.c.job == JOBS.c.seq).where(_WANTED)
)
_BELOW: Final = (
    select(JOBS.c.job_id, JOBS.c.fingerprint, JOBS.c.seq)
    .where(
        # "0" is the character after "/": everything between the two begins with the id and a slash.
        or_(JOBS.c.job_id == bindparam("old"), between(JOBS.c.job_id, bindparam("first"), bindparam("last"))),
        tuple_(JOBS.c.job_id, JOBS.c.seq) > tuple_(bindparam("job_id"), bindparam("seq")),
    )
    .order_by(JOBS.c.job_id, JOBS.c.seq)
    .limit(PAGE_ROWS)
)
_CLAIMS: Final = (
    select(JOBS.c.job_id, JOBS.c.fingerprint, JOBS.c.state, JOBS.c.task_id, func.min(EVENTS.c.at))
    .join(EVENTS, EVENTS.c.job == JOBS.c.seq, isouter=True)
    .where(_WANTED)
    .group_by(JOBS.c.seq)
)
_SUBMISSIONS: Final = select(JOBS.c.fingerprint, JOBS.c.task_id, JOBS.c.external_id).where(
    is_listed(JOBS.c.fingerprint, "ids")
)
_LAST_SEQ: Final = select(func.max(EVENTS.c.seq))
_LAST_CHANGE: Final = select(EVENTS.c.at).order_by(EVENTS.c.seq.desc()).limit(1)
_LAST_RUN: Final = (
    select(
        RUNS.c.run_id, RUNS.c.started_at, RUNS.c.ended_at, RUNS.c.exit_code, RUNS.c.manifest_sha256, RUNS.c.overrides
    )
    .order_by(RUNS.c.seq.desc())
    .limit(1)
)


class Claim(NamedTuple):
    """What stands for an id and a fingerprint.

    Args:
        state: Where the job stands.
        has_task: Whether a task was accepted.
        began_at: When its history begins, in Unix seconds; None without one.
    """

    state: State
    has_task: bool
    began_at: float | None

    @property
    def may_be_paid(self) -> bool:
        """Whether a provider may have taken it, so that it cannot make room for another."""
        return self.has_task or self.state.is_paid_and_open or self.state is State.SUCCEEDED


class Library:
    """Reads a state.

    Args:
        engine: For reading.
        path: The database file, for messages.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def rows(self, ids: Sequence[str]) -> Mapping[str, Sequence[Job]]:
        """See `runner.core.ports.Store.rows`."""
        found: dict[str, list[Job]] = {}
        for row in self.fetch(_ROWS, ids=encode_json(list(ids))):
            found.setdefault(row[0], []).append(decode_job(row))
        return found

    def standings(self, ids: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        """See `runner.core.ports.Store.standings`."""
        found: dict[str, list[Standing]] = {}
        for row in self.fetch(_STANDINGS, ids=encode_json(list(ids))):
            found.setdefault(row[0], []).append(decode_standing(row))
        return found

    def asked(self, ids: Sequence[str]) -> Mapping[str, Asked]:
        """See `runner.core.ports.Store.asked`."""
        return {job_id: Asked(*facts) for job_id, *facts in self.fetch(_ASKED, ids=encode_json(list(ids)))}

    def has_aged(self, operations: Collection[str], before: float) -> bool:
        """See `runner.core.ports.Store.has_aged`."""
        return bool(self.fetch(_AGED, ids=encode_json(sorted(operations)), before=before))

    def has_recorded(self, operations: Collection[str]) -> bool:
        """See `runner.core.ports.Store.has_recorded`."""
        return bool(self.fetch(_RECORDED, ids=encode_json(sorted(operations))))

    def has_failed(self, code: str) -> bool:
        """See `runner.core.ports.Store.has_failed`."""
        return bool(self.fetch(_FAILED_WITH, code=encode_json({"code": code})[1:-1]))

    def open_rows(self) -> Iterator[Job]:
        """See `runner.core.ports.Store.open_rows`."""
        return map(decode_job, self.fetch(_OPEN_ROWS))

    def all_rows(self) -> Iterator[Job]:
        """See `runner.core.ports.Store.all_rows`."""
        job_id, seq = "", 0
        while page := self.fetch(_ALL_ROWS, job_id=job_id, seq=seq):
            for *row, _ in page:
                yield decode_job(row)
            job_id, seq = page[-1][0], page[-1][-1]

    def count(self) -> int:
        """How many rows there are."""
        rows: int = self.fetch(_COUNT)[0][0]
        return rows

    def spent(self, day: str | None) -> Sequence[Charge]:
        """See `runner.core.ports.Store.spent`."""
        return total(self.fetch(_SUMS if day is None else _SUMS.where(CHARGES.c.day == day)))

    def durations(self, uses: str, most: int) -> Sequence[float]:
        """See `runner.core.ports.Store.durations`."""
        return [row[0] for row in reversed(self.fetch(_DURATIONS, uses=uses, most=most))]

    def last_submission_at(self, uses: str) -> float | None:
        """See `runner.core.ports.Store.last_submission_at`."""
        at: float | None = self.fetch(_LAST_SUBMISSION, uses=uses)[0][0]
        return at

    def may_have_arrived(self, job_id: str, fingerprint: str) -> bool:
        """See `runner.core.ports.Store.may_have_arrived`."""
        told = self.fetch(_SENT_AGAIN, job_id=job_id, fingerprint=fingerprint)
        return any(kind == "NotFound" or json.loads(payload).get("may_have_arrived") for kind, payload in told)

    def events(self, job_id: str | None) -> Iterator[StoredEvent]:
        """The history in the order of commitment, of one id (every fingerprint) or of all."""
        statement = _EVENTS if job_id is None else _EVENTS.where(JOBS.c.job_id == job_id)
        seq = 0
        while page := self.fetch(statement, seq=seq):
            for *facts, payload in page:
                yield _stored_event(facts, payload)
            seq = page[-1][0]

    def last_run(self) -> RunRecord | None:
        """The run that began last; None before the first."""
        for *facts, overrides in self.fetch(_LAST_RUN):
            run_id, started_at, ended_at, exit_code, manifest_sha256 = facts
            return RunRecord(
                run_id=run_id,
                started_at=started_at,
                ended_at=ended_at,
                exit_code=exit_code,
                manifest_sha256=manifest_sha256,
                overrides=json.loads(overrides),
            )
        return None

    def meta(self) -> Mapping[str, str]:
        """Whose state this is, and how far the witness is known."""
        return {row[0]: row[1] for row in self.fetch(select(META.c.key, META.c.value))}

    def witness_mark(self) -> Mark | None:
        """How far the second witness is known; None when nothing of it is."""
        meta = self.meta()
        return Mark(int(meta["witness_size"]), meta["witness_tail"]) if "witness_size" in meta else None

    def witness_due(self) -> Sequence[str]:
        """The lines that the last commit owed to the second witness behind the mark."""
        return self.meta().get("witness_due", "").splitlines()

    def keys_below(self, job_id: str) -> Iterator[tuple[str, str]]:
        """Job id and fingerprint of every row of this id and of the ids below it (`welcome`, `welcome/1042`), ordered by id."""
        at, seq = "", 0
        bounds = {"old": job_id, "first": f"{job_id}/", "last": f"{job_id}0"}
        while page := self.fetch(_BELOW, job_id=at, seq=seq, **bounds):
            for found, fingerprint, _ in page:
                yield found, fingerprint
            at, seq = page[-1][0], page[-1][2]

    def claims(self, ids: Sequence[str]) -> Mapping[tuple[str, str], Claim]:
        """What stands for every row of these ids, by job id and fingerprint."""
        found = self.fetch(_CLAIMS, ids=encode_json(list(ids)))
        return {(row[0], row[1]): Claim(State(row[2]), row[3] is not None, row[4]) for row in found}

    def submissions(self, fingerprints: Sequence[str]) -> set[tuple[str, str]]:
        """Fingerprint and task id, and fingerprint and own id, of every row that has one of these fingerprints and was submitted."""
        found = self.fetch(_SUBMISSIONS, ids=encode_json(list(fingerprints)))
        return {(row[0], name) for row in found for name in row[1:] if name is not None}

    def last_seq(self) -> int:
        """The number of the newest event of the history; 0 without any."""
        return self.fetch(_LAST_SEQ)[0][0] or 0

    def last_change_at(self) -> float | None:
        """When the newest event of the history was, in Unix seconds; None without any."""
        return next((row[0] for row in self.fetch(_LAST_CHANGE)), None)

    def intents(self, ids: Sequence[str]) -> Mapping[tuple[str, str], set[float]]:
        """Times of all intents in the history of these ids, by job id and fingerprint."""
        found: dict[tuple[str, str], set[float]] = {}
        for job_id, fingerprint, at in self.fetch(_INTENTS, ids=encode_json(list(ids))):
            found.setdefault((job_id, fingerprint), set()).add(at)
        return found

    def charged(self, ids: Sequence[str]) -> set[tuple[str, str, int]]:
        """The attempts of these ids that have a line in the ledger: job id, fingerprint, attempt."""
        return {(row[0], row[1], row[2]) for row in self.fetch(_CHARGED, ids=encode_json(list(ids)))}

    def copy_to(self, path: Path) -> None:
        """Copy the state as it stands, also beside a writer.

        Args:
            path: A database file that is not there yet.
        """
        with translated(self._path, "copy"), self._engine.connect() as connection:
            sqlite.copy_to(connection, path)

    def close(self) -> None:
        """Close all connections. Harmless when repeated."""
        self._engine.dispose()

    def fetch(self, statement: Select[Any], **values: object) -> Sequence[Any]:
        """All rows of a statement.

        Args:
            statement: What to read.
            values: For its bound names.

        Raises:
            StorageFailed: The state cannot be read.
        """
        with translated(self._path, "read the state"), self._engine.connect() as connection:
            return connection.execute(statement, values).all()


def _stored_event(facts: Sequence[Any], payload: str) -> StoredEvent:
    seq, at, run_id, job_id, fingerprint, name = facts
    return StoredEvent(
        seq=seq, at=at, run_id=run_id, job_id=job_id, fingerprint=fingerprint, type=name, payload=json.loads(payload)
    )
