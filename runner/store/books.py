"""Moves as statements: built with SQLAlchemy Core, compiled once, run over whole batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select, update

from runner.core.ledger import Reserve, Settle, changes
from runner.store.history import encode_payload
from runner.store.rows import JOB_COLUMNS, encode_job, encode_json
from runner.store.schema import CHARGES, EVENTS, JOBS, META
from runner.store.sqlite import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.sql.base import Executable

    from runner.core.ports import Move
    from runner.store.knowledge import Renamed

_Row = tuple[object, ...]
_ChargeKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A move as the rows that it writes; made by the caller of a commit, so that the writer only writes.

    Args:
        job: The current row, in the order of `JOB_COLUMNS`.
        events: `(job id, fingerprint, at, type, payload)` each.
        charges: Changes of the ledger with the attempt's key, in order.
    """

    job: _Row
    events: Sequence[_Row]
    charges: Sequence[tuple[_ChargeKey, Reserve | Settle]]


def entry(move: Move) -> Entry:
    """The rows of a move."""
    job_id, fingerprint = move.after.id, move.after.fingerprint
    return Entry(
        encode_job(move.after),
        [(job_id, fingerprint, event.at, type(event).__name__, encode_payload(event)) for event in move.events],
        [((job_id, fingerprint, change.attempt), change) for change in changes(move)],
    )


class Books:
    """The statements that write moves.

    They run through the driver with plain tuples: SQLAlchemy's own parameter processing would cost more than the writing.

    Args:
        dialect: What to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        the_job = select(JOBS.c.seq).where(
            JOBS.c.job_id == bindparam("job_id"), JOBS.c.fingerprint == bindparam("fingerprint")
        )
        job = the_job.scalar_subquery()
        self._jobs = _compiled(
            upsert(JOBS, ("job_id", "fingerprint"), {column.name: bindparam(column.name) for column in JOB_COLUMNS}),
            dialect,
            tuple(column.name for column in JOB_COLUMNS),
        )
        facts = ("run_id", "at", "type", "payload")
        self._events = _compiled(
            insert(EVENTS).values(job=job, **{name: bindparam(name) for name in facts}),
            dialect,
            ("job_id", "fingerprint", *facts),
        )
        line = ("attempt", "reserved", "settled", "currency", "day")
        self._reserve = _compiled(
            upsert(CHARGES, ("job", "attempt"), {"job": job, **{name: bindparam(name) for name in line}}),
            dialect,
            ("job_id", "fingerprint", *line),
        )
        self._settle = _compiled(
            update(CHARGES)
            .where(CHARGES.c.job == job, CHARGES.c.attempt == bindparam("which"))
            .values(settled=bindparam("amount"), currency=func.coalesce(bindparam("unit"), CHARGES.c.currency)),
            dialect,
            ("amount", "unit", "job_id", "fingerprint", "which"),
        )
        which = (JOBS.c.job_id == bindparam("old"), JOBS.c.fingerprint == bindparam("asked"))
        self._rename = _compiled(
            update(JOBS).where(*which).values(job_id=bindparam("new")), dialect, ("new", "old", "asked")
        )
        pair = ("key", "value")
        self._meta = _compiled(upsert(META, ("key",), {name: bindparam(name) for name in pair}), dialect, pair)

    def write(self, connection: Connection, entries: Sequence[Entry], run_id: str | None) -> None:
        """Write entries inside the connection's transaction.

        Args:
            connection: The writer's.
            entries: In order; a job may come more than once.
            run_id: The run that does it, or None.
        """
        # Jobs first: events and charges refer to their rows.
        connection.exec_driver_sql(self._jobs, [entry.job for entry in entries])
        connection.exec_driver_sql(
            self._events,
            [
                (job_id, fingerprint, run_id, *facts)
                for entry in entries
                for job_id, fingerprint, *facts in entry.events
            ],
        )
        self.charge(connection, (change for entry in entries for change in entry.charges))

    def rename(self, connection: Connection, renames: Sequence[Renamed]) -> None:
        """Give rows their new ids inside the connection's transaction, and note it in their history.

        Args:
            connection: The writer's.
            renames: Rows that are there, to ids that have no row of the same fingerprint; in order.
        """
        for each in renames:  # one after the other: an id may become free by one rename and be taken by the next
            connection.exec_driver_sql(self._rename, (each.new, each.old, each.fingerprint))
            facts = (None, each.at, "Renamed", encode_json({"from": each.old}))
            connection.exec_driver_sql(self._events, (each.new, each.fingerprint, *facts))

    def charge(self, connection: Connection, charges: Iterable[tuple[_ChargeKey, Reserve | Settle]]) -> None:
        """Write changes of the ledger, in order.

        Args:
            connection: The writer's, in a transaction.
            charges: `((job id, fingerprint, attempt), change)`; the jobs have their rows.
        """
        reserves: dict[_ChargeKey, _Row] = {}
        settles: dict[_ChargeKey, _Row] = {}
        for key, change in charges:
            amount, currency = (
                (None, None) if change.amount is None else (str(change.amount.amount), change.amount.currency)
            )
            if isinstance(change, Reserve):
                # A new reservation undoes an earlier settlement, which is why all reservations may be written first.
                settles.pop(key, None)
                reserves[key] = (*key, amount, None, currency, change.day)
            else:
                settles[key] = (amount or "0", currency or None, *key)
        if reserves:
            connection.exec_driver_sql(self._reserve, list(reserves.values()))
        if settles:
            connection.exec_driver_sql(self._settle, list(settles.values()))

    def note(self, connection: Connection, values: Mapping[str, str]) -> None:
        """Write values of `meta` inside the connection's transaction."""
        connection.exec_driver_sql(self._meta, list(values.items()))


def _compiled(statement: Executable, dialect: Dialect, order: Sequence[str]) -> str:
    """The statement as text for the driver.

    Args:
        statement: An insert or update with bound names.
        dialect: What to compile for.
        order: The names in the order in which rows will give them; asserted, since a swap would be silent.
    """
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # the base class hides it
    assert list(compiled.positiontup) == list(order), (compiled.positiontup, order)
    return str(compiled)
