"""The state of one manifest: one writer, any number of readers."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import insert, update

from runner.core.errors import ManifestInvalid, StorageFailed
from runner.core.ports import Store
from runner.core.renames import Renames
from runner.store.faults import translated
from runner.store.opening import DATABASE, WITNESS, Opening
from runner.store.rows import encode_json
from runner.store.schema import RUNS
from runner.store.takeover import import_lock_file, lock_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from runner.core.changes import Asked
    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Charge, Move
    from runner.store.history import RunRecord, StoredEvent
    from runner.store.lock_file import LockFile
    from runner.store.opening import Opened, TakenOver
    from runner.store.writer import Writer

__all__ = ["DATABASE", "WITNESS", "StateStore"]

_NO_RENAMES: Final = Renames()


class StateStore(Store):
    """The state of one manifest in a folder; made by `open`.

    Args:
        opened: The open state.
        opening: How it was opened.
    """

    def __init__(self, opened: Opened, opening: Opening) -> None:
        self.taken_over: TakenOver = opened.taken_over
        """What it learned when it was opened."""
        self._path = opened.path
        self._library = opened.library
        self._writer = opened.writer
        self._copy = opened.copy
        self._opening = opening

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        manifest_name: str,
        manifest_path: str,
        read_only: bool = False,
        lock_file: LockFile | None = None,
        renames: Renames = _NO_RENAMES,
    ) -> Self:
        """Open a state. To write, the caller holds the folder's lock (`runner.store.lock`).

        Args:
            folder: `<manifest's folder>/.callsheet/<name>`; made when it is not there.
            manifest_name: The manifest's `name`, with `.sandbox` for a sandbox run.
            manifest_path: The manifest's path, absolute or relative to the working directory.
            read_only: True to look only, with no lock: beside a run, after one that was killed, or before the first, when there is
                nothing yet and nothing is made.
            lock_file: The manifest's lock file; None for a state that has none.
            renames: Jobs that have a new id.

        Returns:
            The store, checked: pragmas asserted, file sound; and complete: what the second witness and the lock file know and the
            state had lost is imported, renamed jobs have their new ids (`taken_over`), and the lines of a last commit that the witness
            lacks are appended to it. Opened to look only, it shows all that without having written anything.

        Raises:
            ManifestInvalid: A line of the lock file does not hold.
            StateForeign: The state is another manifest's.
            StateUnusable: Not a state, a newer Callsheet's, damaged, or on a network filesystem.
            StorageFailed: It cannot be read or written.
        """
        opening = Opening(
            manifest_name=manifest_name, manifest_path=manifest_path, lock_file=lock_file, renames=renames
        )
        opened = opening.to_read(folder.absolute()) if read_only else opening.to_write(folder.absolute())
        return cls(opened, opening)

    async def commit(self, move: Move) -> None:
        """Make a move durable; see `runner.core.ports.Store.commit`.

        A cancelled caller gets its `CancelledError` after the write has ended.
        """
        await self._writing().commit(move)

    def rows(self, ids: Sequence[str]) -> Mapping[str, Sequence[Job]]:
        """See `runner.core.ports.Store.rows`."""
        return self._library.rows(ids)

    def standings(self, ids: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        """See `runner.core.ports.Store.standings`."""
        return self._library.standings(ids)

    def asked(self, ids: Sequence[str]) -> Mapping[str, Asked]:
        """See `runner.core.ports.Store.asked`."""
        return self._library.asked(ids)

    def has_aged(self, operations: Collection[str], before: float) -> bool:
        """See `runner.core.ports.Store.has_aged`."""
        return self._library.has_aged(operations, before)

    def has_recorded(self, operations: Collection[str]) -> bool:
        """See `runner.core.ports.Store.has_recorded`."""
        return self._library.has_recorded(operations)

    def has_failed(self, code: str) -> bool:
        """See `runner.core.ports.Store.has_failed`."""
        return self._library.has_failed(code)

    def open_rows(self) -> Iterator[Job]:
        """See `runner.core.ports.Store.open_rows`."""
        return self._library.open_rows()

    def all_rows(self) -> Iterator[Job]:
        """See `runner.core.ports.Store.all_rows`. Rows committed meanwhile may or may not be among them."""
        return self._library.all_rows()

    def count(self) -> int:
        """How many rows there are, every fingerprint."""
        return self._library.count()

    def spent(self, *, day: str | None = None) -> Sequence[Charge]:
        """See `runner.core.ports.Store.spent`."""
        return self._library.spent(day)

    def durations(self, uses: str, most: int) -> Sequence[float]:
        """See `runner.core.ports.Store.durations`."""
        return self._library.durations(uses, most)

    def may_have_arrived(self, job_id: str, fingerprint: str) -> bool:
        """See `runner.core.ports.Store.may_have_arrived`."""
        return self._library.may_have_arrived(job_id, fingerprint)

    def last_submission_at(self, uses: str) -> float | None:
        """See `runner.core.ports.Store.last_submission_at`."""
        return self._library.last_submission_at(uses)

    def events(self, job_id: str | None = None) -> Iterator[StoredEvent]:
        """The history in the order of commitment.

        Args:
            job_id: Whose, over all its fingerprints; None for everybody's.
        """
        return self._library.events(job_id)

    def start_run(self, run_id: str, started_at: float, manifest_sha256: str, overrides: Mapping[str, Any]) -> None:
        """Record that a run begins; the events from now on are its.

        Args:
            run_id: Its name, never used before in this state.
            started_at: Unix seconds.
            manifest_sha256: Digest of the manifest's bytes, hexadecimal.
            overrides: Values of `-V`.

        Raises:
            StorageFailed: It may not be durable.
        """
        writer = self._writing()
        row = insert(RUNS).values(
            run_id=run_id,
            started_at=started_at,
            manifest_sha256=manifest_sha256,
            overrides=encode_json(dict(overrides)),
        )
        with translated(self._path, "keep room for task ids beside"):
            writer.keep_room()
        writer.call(lambda connection: connection.execute(row))
        writer.run_id = run_id

    def end_run(self, run_id: str, ended_at: float, exit_code: int) -> None:
        """Record that a run ends.

        Args:
            run_id: As it was started.
            ended_at: Unix seconds.
            exit_code: What the process will give.

        Raises:
            StorageFailed: It may not be durable.
        """
        row = update(RUNS).where(RUNS.c.run_id == run_id).values(ended_at=ended_at, exit_code=exit_code)
        writer = self._writing()
        writer.call(lambda connection: connection.execute(row))
        writer.run_id = None

    def write_lock_file(self, current: Mapping[str, str]) -> None:
        """Bring the lock file up to date with the state; one that is so already is left as it is.

        What somebody else wrote into it since it was read (a pull while the run was at work) is taken over first.

        Args:
            current: The fingerprint that the manifest asks for, of the ids that may have several jobs.

        Raises:
            StorageFailed: It could not be written, or what stands there now cannot be read; the old file stands.
        """
        lock_file, writer = self._opening.lock_file, self._writing()
        if lock_file is None:
            return
        asked = sha256(encode_json(sorted(current.items())).encode()).hexdigest()
        told = f"{self._library.last_seq()} {asked}"
        meta = self._library.meta()
        if meta.get("lock_told") == told and lock_file.exists() and lock_file.is_known(meta):
            return
        try:
            import_lock_file(lock_file, self._opening.renames, self._library, writer)
            lines = lock_lines(lock_file, self._opening.renames, current, self._library, time.time())
            lock_file.write(lines)
        except ManifestInvalid as invalid:
            raise StorageFailed(
                f"{lock_file.display} changed while the run was at work, and does not hold: {invalid.diagnostics[0].message} "
                f"(line {invalid.diagnostics[0].span.line})",
                next_step="mend it and run again: what was delivered stands in the state, and is told then",
            ) from invalid
        if lock_file.exists():
            stamp = lock_file.stamp() | {"lock_told": f"{self._library.last_seq()} {asked}"}
            writer.call(lambda connection: writer.books.note(connection, stamp))

    def last_run(self) -> RunRecord | None:
        """The run that began last; None before the first."""
        return self._library.last_run()

    def last_seq(self) -> int:
        """The number of the newest event of the history, which only rises; 0 without any."""
        return self._library.last_seq()

    def last_change_at(self) -> float | None:
        """When the newest event of the history was, in Unix seconds; None without any."""
        return self._library.last_change_at()

    def close(self) -> None:
        """Write what waits, bring the log into the database file, close everything. Never raises; harmless when repeated."""
        self._library.close()
        if self._writer is not None:
            self._writer.close()
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StorageFailed(f"the state {self._path} was opened to look only")
        return self._writer
