"""The tables of the state file, as SQLAlchemy Core. Nothing here is SQLite's own.

    jobs ─┬─< events    what happened to a job, append-only
          └─< charges   one line an attempt: what is reserved, what was settled
    runs ───< events    which run did it
    meta                whose state this is, how far the second witness is known

Amounts are decimal strings, times Unix seconds, JSON is text in ASCII. Result addresses live in `jobs.address` (and, until it is
read, in `jobs.reply_body`) alone.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

VERSION: Final = 2
"""Rises with every change of the tables; a state with a higher one was written by a newer Callsheet."""

METADATA: Final = MetaData()

META: Final = Table("meta", METADATA, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("exit_code", Integer),
    Column("manifest_sha256", Text, nullable=False),
    Column("overrides", Text, nullable=False),
)

JOBS: Final = Table(
    "jobs",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("job_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("uses", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("source_file", Text, nullable=False),
    Column("source_line", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("external_id", Text),
    Column("request_sha256", Text),
    Column("output_stem", Text, nullable=False),
    Column("reserved", Text),
    Column("reserved_currency", Text),
    Column("actual", Text),
    Column("actual_currency", Text),
    Column("units", Text),
    Column("task_id", Text),
    Column("submitted_at", Double),
    Column("accepted_at", Double),
    Column("ready_at", Double),
    Column("done_at", Double),
    Column("output", Text),
    Column("failure", Text),
    Column("address", Text),
    Column("outputs", Text, nullable=False),
    Column("reply_status", Integer),
    Column("reply_headers", Text),
    Column("reply_truncated", Boolean),
    # The long ones come last: a scan that does not ask for them never reads their overflow pages.
    Column("reply_body", LargeBinary),
    Column("request", LargeBinary),
    Column("content", Text),
    UniqueConstraint("job_id", "fingerprint"),
    Index("jobs_by_state", "state", "submitted_at"),
    Index("jobs_by_result", "uses", "ready_at"),
)

CHARGES: Final = Table(
    "charges",
    METADATA,
    Column("job", ForeignKey(JOBS.c.seq), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("reserved", Text),
    Column("settled", Text),
    Column("currency", Text),
    Column("day", Text, nullable=False),
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("job", ForeignKey(JOBS.c.seq), nullable=False, index=True),
    Column("run_id", ForeignKey(RUNS.c.run_id)),
    Column("at", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
)
