"""The state of one manifest: one writer, any number of readers."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import insert, update

from runner.core.errors import StateForeign, StorageFailed
from runner.core.ports import Store
from runner.store import sqlite
from runner.store.faults import translated
from runner.store.folder import make_folder, refuse_network, sync_folder
from runner.store.library import Library
from runner.store.recovery import has_news, hear_witness, import_knowledge
from runner.store.rows import encode_json
from runner.store.schema import META, RUNS
from runner.store.writer import Writer, emergency_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Charge, Move
    from runner.store.history import RunRecord, StoredEvent

DATABASE: Final = "state.db"
WITNESS: Final = "submissions.jsonl"


class StateStore(Store):
    """The state of one manifest in a folder; made by `open`.

    Args:
        path: The database file, for messages.
        library: Reads.
        writer: Writes; None when it was opened to look only.
        imported: Rows that the state had lost and `open` brought back from the second witness.
    """

    def __init__(self, path: Path, library: Library, writer: Writer | None, imported: Sequence[Job] = ()) -> None:
        self._path = path
        self._library = library
        self._writer = writer
        self._imported = tuple(imported)
        self._copy: TemporaryDirectory[str] | None = None

    @classmethod
    def open(cls, folder: Path, *, manifest_name: str, manifest_path: str, read_only: bool = False) -> Self:
        """Open a state. To write, the caller holds the folder's lock (`runner.store.lock`).

        Args:
            folder: `<manifest's folder>/.callsheet/<name>`; made when it is not there.
            manifest_name: The manifest's `name`, with `.sandbox` for a sandbox run.
            manifest_path: The manifest's path, absolute or relative to the working directory.
            read_only: True to look only, with no lock: beside a run, after one that was killed, or before the first, when there is
                nothing yet and nothing is made.

        Returns:
            The store, checked: pragmas asserted, file sound; and complete: what the second witness knows and the state had lost is
            imported (`imported`), and the lines of a last commit that the witness lacks are appended to it.

        Raises:
            StateForeign: The state is another manifest's.
            StateUnusable: Not a state, a newer Callsheet's, damaged, or on a network filesystem.
            StorageFailed: It cannot be read or written.
        """
        folder = folder.absolute()
        identity = {"manifest_name": manifest_name, "manifest_path": _relative(manifest_path, folder)}
        return cls._open_to_read(folder, identity) if read_only else cls._open_to_write(folder, identity)

    @classmethod
    def _open_to_read(cls, folder: Path, identity: Mapping[str, str]) -> Self:
        path = folder / DATABASE
        refuse_network(folder)
        with ExitStack() as undo, translated(path, "open"):
            library = Library(sqlite.reader_engine(path) if _is_filled(path) else sqlite.empty_engine(), path)
            undo.callback(library.close)
            _check_owner(library.meta(), identity, folder)
            if has_news(folder / WITNESS, path, library):
                return cls._open_copy(folder, identity)
            undo.pop_all()
        return cls(path, library, None)

    @classmethod
    def _open_copy(cls, folder: Path, identity: Mapping[str, str]) -> Self:
        """Look at a state that has lost something as the next run will see it: import into a copy, and leave the state alone."""
        copy = TemporaryDirectory(prefix="callsheet-")
        try:
            for name in (DATABASE, f"{DATABASE}-wal", WITNESS, emergency_path(folder / DATABASE).name):
                if (folder / name).exists():
                    shutil.copy2(folder / name, Path(copy.name) / name)
            store = cls._open_to_write(Path(copy.name), identity)
        except BaseException:
            copy.cleanup()
            raise
        store._copy = copy  # noqa: SLF001  our own class
        return store

    @classmethod
    def _open_to_write(cls, folder: Path, identity: Mapping[str, str]) -> Self:
        path = folder / DATABASE
        make_folder(folder)
        with ExitStack() as undo, translated(path, "open"):
            engine = sqlite.writer_engine(path)
            undo.callback(engine.dispose)
            with engine.connect() as connection:
                sqlite.prepare(connection, path)
            sync_folder(folder)
            library = Library(sqlite.reader_engine(path), path)
            undo.callback(library.close)
            owner = library.meta()
            _check_owner(owner, identity, folder)
            heard = hear_witness(folder / WITNESS, path, library)
            undo.callback(heard.witness.close)
            writer = Writer(engine, path, heard.witness)
            undo.callback(writer.close)
            if not owner:
                rows = [{"key": key, "value": value} for key, value in identity.items()]
                writer.call(lambda connection: connection.execute(insert(META), rows))
            imported = import_knowledge(heard, library, writer)
            undo.pop_all()
        return cls(path, library, writer, imported)

    @property
    def imported(self) -> Sequence[Job]:
        """Rows that the state had lost and `open` brought back from the second witness: running, in doubt, or decided."""
        return self._imported

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

    def last_run(self) -> RunRecord | None:
        """The run that began last; None before the first."""
        return self._library.last_run()

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


def _is_filled(path: Path) -> bool:
    """Whether there is a state to read; a run that was killed while it made the file leaves one without tables.

    Raises:
        StateUnusable: It is another programme's, or a newer Callsheet's.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    engine = sqlite.reader_engine(path)
    try:
        with engine.connect() as connection:
            return sqlite.check_identity(connection, path)
    finally:
        engine.dispose()


def _relative(manifest_path: str, folder: Path) -> str:
    """The manifest's path as seen from the folder that holds `.callsheet`: it stays the same when the whole project moves."""
    return os.path.relpath(os.path.realpath(manifest_path), os.path.realpath(folder.parent.parent))


def _check_owner(owner: Mapping[str, str], identity: Mapping[str, str], folder: Path) -> None:
    """Refuse the state of another manifest; a new state has no owner yet.

    Raises:
        StateForeign: Names both.
    """
    if not owner or identity.items() <= owner.items():
        return
    ours, theirs = (
        f"`{one['manifest_name']}` of {os.path.normpath(folder.parent.parent.resolve() / one['manifest_path'])}"
        for one in (identity, owner)
    )
    raise StateForeign(
        f"the state in {folder} belongs to {theirs}, not to {ours}",
        next_step="Give one of the two manifests another `name:`. If the manifest file was renamed, give it its old name back.",
    )
