"""Opening a state: whose it is, whether it is sound, and what it has to learn before anybody reads it."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert

from runner.core.errors import StateForeign
from runner.store import sqlite
from runner.store.faults import translated
from runner.store.folder import make_folder, refuse_network, sync_folder
from runner.store.library import Library
from runner.store.recovery import has_news, hear_witness, import_knowledge
from runner.store.schema import META
from runner.store.takeover import apply_renames, has_renames, import_lock_file
from runner.store.writer import Writer, emergency_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.job import Job
    from runner.core.renames import Renames
    from runner.store.lock_file import LockFile

DATABASE: Final = "state.db"
WITNESS: Final = "submissions.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What a state learned when it was opened.

    Args:
        from_witness: Rows that it had lost and that its second witness knew: running, in doubt, or decided.
        from_lock: Jobs that the lock file shows to be paid and delivered, and that it did not know.
        renamed: The old id of every job that has a new one, by its new id.
    """

    from_witness: Sequence[Job] = ()
    from_lock: int = 0
    renamed: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether it learned anything."""
        return bool(self.from_witness or self.from_lock or self.renamed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open state.

    Args:
        path: The database file.
        library: Reads.
        writer: Writes; None when it was opened to look only, and nothing had to be learned.
        taken_over: What it learned.
        copy: The folder of a copy that is looked at instead, removed when it is closed.
    """

    path: Path
    library: Library
    writer: Writer | None
    taken_over: TakenOver = field(default_factory=TakenOver)
    copy: TemporaryDirectory[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Opens the state of one manifest.

    Args:
        manifest_name: The manifest's `name`, with `.sandbox` for a sandbox run.
        manifest_path: The manifest's path, absolute or relative to the working directory.
        lock_file: The manifest's lock file; None for a state that has none.
        renames: Jobs that have a new id.
    """

    manifest_name: str
    manifest_path: str
    lock_file: LockFile | None
    renames: Renames

    def to_read(self, folder: Path) -> Opened:
        """Open it to look only.

        Args:
            folder: The state's, absolute.
        """
        path = folder / DATABASE
        refuse_network(folder)
        with ExitStack() as undo, translated(path, "open"):
            is_filled = _is_filled(path)
            library = Library(sqlite.reader_engine(path) if is_filled else sqlite.empty_engine(), path)
            undo.callback(library.close)
            meta = library.meta()
            identity = self._identity(folder)
            _check_owner(meta, identity, folder)
            has_receipts = self.lock_file is not None and not self.lock_file.is_known(meta)
            if has_receipts or has_renames(self.renames, library) or has_news(folder / WITNESS, path, library):
                return self._copied(folder, identity, library if is_filled else None)
            undo.pop_all()
        return Opened(path=path, library=library, writer=None)

    def to_write(self, folder: Path) -> Opened:
        """Open it to write; the caller holds the folder's lock.

        Args:
            folder: The state's, absolute.
        """
        return self._open(folder, self._identity(folder))

    def _copied(self, folder: Path, identity: Mapping[str, str], library: Library | None) -> Opened:
        """Look at a state that lacks something as the next run will see it: learn in a copy, and leave the state alone.

        A run may be at work. So the database is copied by its own means, and after the witness: a witness that lacks the state's last
        lines is told them, while one that is ahead would bring them back as lost.
        """
        copy = TemporaryDirectory(prefix="callsheet-")
        try:
            for name in (WITNESS, emergency_path(folder / DATABASE).name):
                if (folder / name).exists():
                    shutil.copy2(folder / name, Path(copy.name) / name)
            if library is not None:
                library.copy_to(Path(copy.name) / DATABASE)
            opened = self._open(Path(copy.name), identity)
        except BaseException:
            copy.cleanup()
            raise
        return replace(opened, copy=copy)

    def _open(self, folder: Path, identity: Mapping[str, str]) -> Opened:
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
            taken_over = TakenOver(
                from_witness=tuple(import_knowledge(heard, library, writer)),
                from_lock=import_lock_file(self.lock_file, self.renames, library, writer),
                renamed=apply_renames(self.renames, time.time(), library, writer),
            )
            undo.pop_all()
        return Opened(path=path, library=library, writer=writer, taken_over=taken_over)

    def _identity(self, folder: Path) -> dict[str, str]:
        return {"manifest_name": self.manifest_name, "manifest_path": _relative(self.manifest_path, folder)}


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
