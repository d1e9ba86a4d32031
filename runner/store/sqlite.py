"""Everything that is SQLite's own: connections, pragmas, checks, the upsert.

A database that promises durability in another way (PostgreSQL) would bring its own module with the same functions.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from sqlalchemy import Engine, Table, bindparam, create_engine, event, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import QueuePool, StaticPool

from runner.core.error_codes import ErrorCode
from runner.core.errors import StateUnusable
from runner.store.schema import METADATA, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Column, ColumnElement, Connection
    from sqlalchemy.dialects.sqlite import Insert

APPLICATION_ID: Final = 0x43_53_48_54
"""`CSHT`: says in the file's header that it is Callsheet's."""

RESTORE: Final = (
    "Put a backup of it back, or move it away: submissions.jsonl beside it lets the next run pick up what was paid."
)
"""What to do about a damaged state file."""

_BUSY_MS: Final = 30_000
"""Readers wait this long for a recovery or a checkpoint to end."""

_CACHE_KIB: Final = 32 * 1024

_WRITER_PRAGMAS: Final[Mapping[str, str | int]] = {
    "journal_mode": "wal",
    # FULL fsyncs the log at every commit. NORMAL paid twice in 384 of 565 power-loss states (delivery.md section 1).
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": _BUSY_MS,
    # On macOS fsync alone leaves the bytes in the drive's cache; elsewhere these two change nothing.
    "fullfsync": 1,
    "checkpoint_fullfsync": 1,
    "cache_size": -_CACHE_KIB,
    "trusted_schema": 0,
}
_READER_PRAGMAS: Final[Mapping[str, str | int]] = {
    "busy_timeout": _BUSY_MS,
    "query_only": 1,
    "cache_size": -_CACHE_KIB,
    "trusted_schema": 0,
}

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE: Final = 0xFF
"""The low byte of an extended result code names its family."""


def writer_engine(path: Path) -> Engine:
    """An engine whose pool holds one connection and gives it to one user at a time.

    Args:
        path: The database file; made with mode 0600 when it is not there.

    Raises (when it connects):
        OSError, sqlalchemy.exc.DBAPIError: The file cannot be opened.
        StateUnusable: SQLite does not take a setting that durability rests on.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = _engine(partial(_connect, _uri(path, "rw"), _WRITER_PRAGMAS))
    # IMMEDIATE takes the write lock at once: a transaction cannot fail half-way for want of it.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reader_engine(path: Path) -> Engine:
    """An engine that only reads, beside a writer of this process or of another one.

    Works while another process writes and after it was killed. Where neither a log is left nor the folder can be written, the file is
    read as immutable and nothing is touched.
    """
    if not _wal(path).exists() and not os.access(path.parent, os.W_OK):
        return _engine(partial(_connect_to_read, _uri(path, "ro") + "&immutable=1"))
    return _engine(partial(_connect_to_read, _uri(path, "ro")))


def empty_engine() -> Engine:
    """An engine over an empty state in memory: what there is before the first run."""
    engine = create_engine("sqlite://", poolclass=StaticPool, creator=partial(_connect, "file::memory:", {}))
    METADATA.create_all(engine)
    return engine


def _engine(creator: partial[sqlite3.Connection]) -> Engine:
    return create_engine(
        "sqlite://", creator=creator, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=60
    )


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"


def _wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _connect(uri: str, pragmas: Mapping[str, str | int]) -> sqlite3.Connection:
    # isolation_level=None: the driver begins no transactions of its own, ours begin where SQLAlchemy says so.
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        for name, value in pragmas.items():
            _set_pragma(connection, name, value)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(uri: str) -> sqlite3.Connection:
    """A connection that only reads. To it a state of format 1 looks like one of today: a view of its own stands before the table."""
    connection = _connect(uri, {})
    try:
        if connection.execute("PRAGMA user_version").fetchone() == (1,):
            connection.execute("CREATE TEMP VIEW jobs AS SELECT *, NULL AS content FROM main.jobs")
        for name, value in _READER_PRAGMAS.items():
            _set_pragma(connection, name, value)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_pragma(connection: sqlite3.Connection, name: str, value: str | int) -> None:
    """Set a pragma and read it back: the statement that sets it hides an I/O error."""
    connection.execute(f"PRAGMA {name}={value}").fetchall()
    (kept,) = connection.execute(f"PRAGMA {name}").fetchone()
    if kept != value:
        raise StateUnusable(
            f"SQLite keeps {name}={kept} where durability needs {value}",
            next_step="Put the manifest on a local disk, and use a Python with a full SQLite of 3.37 or newer.",
            code=ErrorCode.STATE_NOT_DURABLE,
        )


def prepare(connection: Connection, path: Path) -> None:
    """Check whose file this is and whether it is sound; make the tables in a new one, and bring an older one up to date.

    Args:
        connection: The writer's, outside a transaction.
        path: For messages.

    Raises:
        StateUnusable: Another programme's file, a newer Callsheet's, or damaged.
        sqlalchemy.exc.DBAPIError: It cannot be read or written.
    """
    if not check_identity(connection, path):
        _create(connection)
    else:
        _migrate(connection)
    connection.commit()
    findings = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    connection.rollback()
    if findings != ["ok"]:
        raise StateUnusable(
            f"the state file {path} is damaged: {'; '.join(findings)}",
            next_step=RESTORE,
        )


def check_identity(connection: Connection, path: Path) -> bool:
    """Whether the file holds a state of ours; False for an empty one.

    Raises:
        StateUnusable: It is another programme's, or a newer Callsheet's.
    """
    application, version = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("application_id", "user_version")
    )
    if (
        application == 0
        and version == 0
        and not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    ):
        return False
    if application != APPLICATION_ID:
        raise StateUnusable(
            f"{path} is a database of another programme (application id {application:#x})",
            next_step="Move it away: Callsheet makes its own.",
            code=ErrorCode.STATE_OF_A_STRANGER,
        )
    if not 1 <= version <= VERSION:
        raise StateUnusable(
            f"the state file {path} has format {version}, this Callsheet knows {VERSION}",
            next_step="Use the newer Callsheet that wrote it.",
            code=ErrorCode.STATE_NEWER,
        )
    return True


def _create(connection: Connection) -> None:
    """All or nothing: the two header fields are written in the transaction that makes the tables."""
    METADATA.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")


def _migrate(connection: Connection) -> None:
    """Bring a state of an earlier format to today's, inside the connection's transaction: all or nothing.

    Format 1 did not keep what a job was asked for.
    """
    if connection.exec_driver_sql("PRAGMA user_version").scalar_one() == 1:
        connection.exec_driver_sql("ALTER TABLE jobs ADD COLUMN content TEXT")
        connection.exec_driver_sql("PRAGMA user_version=2")


def copy_to(connection: Connection, path: Path) -> None:
    """Copy a state by SQLite's own means: a copy of its files would be torn where a writer is at work.

    Args:
        connection: Of a reader.
        path: A database file that is not there yet.
    """
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    with closing(sqlite3.connect(path)) as target:
        source.backup(target)


def checkpoint(connection: Connection) -> None:
    """Bring the log into the database file and empty it, outside a transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def upsert(table: Table, key: Sequence[str], values: dict[str, object]) -> Insert:
    """An insert that replaces every given value of a row that is there already.

    Args:
        table: Where.
        key: The columns that say which row.
        values: Expressions by column.
    """
    statement = insert(table).values(values)
    return statement.on_conflict_do_update(
        index_elements=list(key),
        set_={name: statement.excluded[name] for name in values if name not in key},
    )


def is_listed(column: Column[str], name: str) -> ColumnElement[bool]:
    """Whether a column's value is in a list that is given as one JSON text: a list of parameters is written out anew for each query.

    Args:
        column: Any.
        name: Of the parameter that will bring the list.
    """
    values = func.json_each(bindparam(name)).table_valued("value")
    return column.in_(select(values.c.value))


def is_damage(error: BaseException) -> bool:
    """Whether a driver's error says that the file is damaged or no database."""
    return _code(error) in _DAMAGE


def is_full(error: BaseException) -> bool:
    """Whether a driver's error says that there is no room."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
