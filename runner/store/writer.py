"""The one writer: a thread with the one writing connection, which commits in groups.

Commits queue up while the disk is busy. The thread takes all that wait and writes them in one transaction, then their witness lines
with one fsync, and then tells the callers. The first error ends all writing: after a failed fsync nobody knows what the disk has,
and trying again can only hide that.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runner.core.errors import StorageFailed
from runner.store.books import Books, Entry, entry
from runner.store.faults import FOREIGN_ERRORS, storage_failed
from runner.store.knowledge import REPAIR, encode_found, encode_lines
from runner.store.sqlite import checkpoint
from runner.store.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from runner.core.ports import Move
    from runner.store.knowledge import Renamed
    from runner.store.witness import Mark

T = TypeVar("T")

_GATHER_S: Final = 0.002
"""A commit waits so long for company. A batch takes half a millisecond of CPU and two fsyncs, be it of one move or of fifty; a job's
five commits are 10 ms of its minutes. With 32 jobs in flight this halves what the writer takes."""


class _Durable(asyncio.Future[None]):
    """What a commit waits for. It cannot be cancelled: a cancelled task gets its `CancelledError` when the write has ended."""

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002  asyncio's signature
        """Refuse: asyncio then delivers the cancellation when the future is done."""
        return False


@dataclass(slots=True)
class _Commit:
    """A move on its way to the disk."""

    move: Move
    entry: Entry
    lines: Sequence[str]
    done: _Durable


@dataclass(slots=True)
class _Call:
    """A piece of writing that a thread waits for, and its lines for the witness."""

    write: Callable[[Connection], Any]
    lines: Sequence[str] = ()
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    failure: StorageFailed | None = None


_ROOM_BYTES: Final = 128 * 1024
"""Room for some two hundred task ids: more than any account has on the wire."""


class Writer:
    """Owns the thread, the writing connection and the witness.

    Args:
        engine: Its pool gives one connection.
        path: The database file, for messages.
        witness: Open at its end, repaired.
    """

    def __init__(self, engine: Engine, path: Path, witness: Witness) -> None:
        self.run_id: str | None = None
        self._engine = engine
        self._path = path
        self._witness = witness
        self.books = Books(engine.dialect)
        self._queue: SimpleQueue[_Commit | _Call | None] = SimpleQueue()
        self._is_behind = False
        """Whether the state's mark of the witness lies before lines that this writer has written."""
        self._connection: Connection | None = None
        self._failure: StorageFailed | None = None
        self._emergency = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="state-writer", daemon=True)
        self._thread.start()

    async def commit(self, move: Move) -> None:
        """Make a move durable; see `runner.core.ports.Store.commit`."""
        if self._failure is not None:
            self._save_found([move])
            raise _again(self._failure)
        done = _Durable(loop=asyncio.get_running_loop())
        self._queue.put(_Commit(move, entry(move), encode_lines(move), done))
        await done

    def call(self, write: Callable[[Connection], T], lines: Sequence[str] = ()) -> T:
        """Run a piece of writing in the writer's next transaction and wait until it is durable.

        Args:
            write: Gets the connection, inside a transaction.
            lines: What it gives to the witness.

        Raises:
            StorageFailed: It may not be durable.
        """
        if self._failure is not None:
            raise _again(self._failure)
        call = _Call(write, lines)
        self._queue.put(call)
        call.done.wait()
        if call.failure is not None:
            raise _again(call.failure)
        result: T = call.result
        return result

    def rename(self, renames: Sequence[Renamed], lines: Sequence[str] = ()) -> None:
        """Give rows their new ids, and note it in their history.

        Args:
            renames: Rows that are there, to ids that have no row of the same fingerprint.
            lines: What the witness is told; empty when it knows already.

        Raises:
            StorageFailed: It may not be durable.
        """
        self.call(lambda connection: self.books.rename(connection, renames), lines)

    def agree(self, lacking: Sequence[str]) -> None:
        """Append to the witness what it lacks, and note that state and witness know the same.

        Args:
            lacking: Lines that only the state has; often none.

        Raises:
            StorageFailed: It may not be durable.
        """

        def write(connection: Connection) -> None:
            if lacking:
                self._witness.append(lacking)
            else:
                self._witness.sync()
            # After the lines: a mark that is set before they are durable would hide that they are lacking.
            self.books.note(connection, _marked(self._witness.mark))

        self.call(write)

    def close(self) -> None:
        """Write all that waits, bring the log into the database file, end the thread. Harmless when repeated."""
        self._queue.put(None)
        self._thread.join()
        if self._failure is None:
            self._failure = StorageFailed(f"the state {self._path} is closed")
        self._witness.close()
        self._engine.dispose()
        with suppress(OSError):
            self.free_room()

    def _work(self) -> None:
        """The thread: batch after batch, until it is told to end."""
        goes_on = True
        while goes_on:
            batch, goes_on = self._next_batch()
            if batch:
                self._write_or_fail(batch)
        if self._connection is not None:
            with suppress(*FOREIGN_ERRORS):  # after a failure nothing more can be expected of it
                self._connection.close()
        if self._failure is None:
            self._checkpoint()

    def _next_batch(self) -> tuple[list[_Commit | _Call], bool]:
        """Everything that waits, at least one; and whether more may come."""
        batch: list[_Commit | _Call] = []
        item = self._queue.get()
        if isinstance(item, _Commit):
            time.sleep(_GATHER_S)
        try:
            while item is not None:
                batch.append(item)
                item = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def _write_or_fail(self, batch: Sequence[_Commit | _Call]) -> None:
        if self._failure is None:
            try:
                self._write(batch)
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear it and writing must end
                self._fail(error)
        if self._failure is not None:
            self._save_found([item.move for item in batch if isinstance(item, _Commit)])
        _tell(batch, self._failure)

    def _write(self, batch: Sequence[_Commit | _Call]) -> None:
        commits = [item for item in batch if isinstance(item, _Commit)]
        lines = [line for item in batch for line in item.lines]
        # Kept from batch to batch: taking it from the pool and giving it back costs as much as the statements.
        connection = self._connection = self._connection or self._engine.connect()
        with connection.begin():
            for item in batch:
                if isinstance(item, _Call):
                    item.result = item.write(connection)
            if commits:
                self.books.write(connection, [item.entry for item in commits], self.run_id)
            if commits or lines:
                # As it stands before this batch's lines: whether they were written too, the next opening finds out.
                self.books.note(connection, _marked(self._witness.mark, lines))
        if lines:
            self._witness.append(lines)
            self._is_behind = True

    def _fail(self, error: Exception) -> None:
        if isinstance(error, FOREIGN_ERRORS):
            self._failure = storage_failed(error, self._path, "write the state")
        else:
            self._failure = StorageFailed(f"could not write the state {self._path}: {type(error).__name__}: {error}")
        self._failure.__cause__ = error

    def _save_found(self, moves: Iterable[Move]) -> None:
        """Put task ids that cannot be committed into a file beside the state and on stderr: they are paid."""
        lines = [line for move in moves for line in encode_found(move)]
        if not lines:
            return
        path = emergency_path(self._path)
        with self._emergency:
            self.free_room()
            for line in lines:
                _cry(f"a task id that could not be written to the state: {line}")
            try:
                # The repair line first: an earlier attempt may have been cut off in the middle of a line.
                with closing(Witness.at_end(path)) as file:
                    file.append([REPAIR, *lines])
            except OSError as error:
                _cry(f"could not write {path}: {error}")

    def keep_room(self) -> None:
        """Set room aside on the disk for the emergency file: a disk that is full would keep nothing, just when it matters.

        Raises:
            OSError: There is not even that much.
        """
        file = os.open(_room_path(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, _ROOM_BYTES)
        finally:
            os.close(file)

    def free_room(self) -> None:
        """Give that room back."""
        _room_path(self._path).unlink(missing_ok=True)

    def _checkpoint(self) -> None:
        try:
            with self._engine.connect() as connection:
                if self._is_behind:
                    self.books.note(connection, _marked(self._witness.mark))
                    connection.commit()
                checkpoint(connection)
        except FOREIGN_ERRORS:
            # Nothing is lost: what the log holds is durable, and the next start brings it in.
            return


def _cry(message: str) -> None:
    """Say something on stderr, if it still takes anything: the last resort."""
    with suppress(OSError, ValueError):
        print(f"callsheet: {message}", file=sys.stderr, flush=True)  # noqa: T201  no other way out may be left


def emergency_path(database: Path) -> Path:
    """The file beside the state for task ids that could not be committed."""
    return database.with_name("emergency.jsonl")


def _room_path(database: Path) -> Path:
    return database.with_name("emergency.room")


def _marked(mark: Mark, due: Iterable[str] = ()) -> Mapping[str, str]:
    """A witness's mark, and the lines that are to follow it, as values of `meta`."""
    return {"witness_size": str(mark.size), "witness_tail": mark.tail, "witness_due": "\n".join(due)}


def _tell(batch: Iterable[_Commit | _Call], failure: StorageFailed | None) -> None:
    """Tell everybody of a batch how it ended: one wake-up for each event loop, not one for each commit."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Durable]] = {}
    for item in batch:
        if isinstance(item, _Call):
            item.failure = failure
            item.done.set()
        else:
            by_loop.setdefault(item.done.get_loop(), []).append(item.done)
    for loop, waiting in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, waiting, failure)
        except RuntimeError:
            # The loop is closed: nobody waits there any more, and what was written stays written.
            continue


def _resolve(waiting: Iterable[_Durable], failure: StorageFailed | None) -> None:
    for done in waiting:
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(_again(failure))


def _again(failure: StorageFailed) -> StorageFailed:
    """The failure for one more caller: an exception object that is raised in several tasks would mix their tracebacks."""
    error = StorageFailed(failure.message, next_step=failure.next_step, code=failure.code)
    error.__cause__ = failure.__cause__
    return error
