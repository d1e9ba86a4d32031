"""The `Delivery` of this machine: results go to files below one output folder."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final, TypeVar

from runner.core.errors import StorageFailed
from runner.core.limits import ALWAYS_FREE_BYTES
from runner.core.plan import FileState
from runner.core.ports import Delivery, NotDelivered
from runner.transfer import disk
from runner.transfer.download import Bounds, Download
from runner.transfer.partial import Partial, claim_name, has_claim
from runner.transfer.publish import find_published, publish
from runner.transfer.recall import recall
from runner.transfer.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.core.job import OutputFile
    from runner.core.media import Probe
    from runner.core.ports import Order

_THREADS: Final = 8
"""Blocking work at once; most of it waits for the disk."""

_T = TypeVar("_T")


class FileDelivery(Delivery):
    """Brings results home below a folder.

    Belongs to one event loop from the first `deliver` to `close`; the other methods block briefly and may be called without one.

    Args:
        root: The output folder; made when the first result comes. May be a link; nothing below it is followed.
        probe: Looks into media files; called in threads.
        bounds: Size, number of requests and least speed.
        reserve_bytes: Free space that is always left on the disk.
    """

    def __init__(
        self, root: Path, *, probe: Probe, bounds: Bounds | None = None, reserve_bytes: int = ALWAYS_FREE_BYTES
    ) -> None:
        self._root = root
        self._probe = probe
        self._bounds = bounds or Bounds()
        self._reserve_bytes = reserve_bytes
        self._sessions = Sessions()
        self._threads = ThreadPoolExecutor(_THREADS, "delivery")
        self._under_way: set[Partial] = set()
        self._finished: deque[str] = deque()
        self._prefix = f"{root}/"

    def introduce(self, account: str, authorization: Callable[[], str], secrets: Callable[[], tuple[str, ...]]) -> None:
        """Have the results of an account that lie behind its credential fetched with it (`Order.credential_of`).

        Args:
            account: Its name.
            authorization: Gives what stands in the header `Authorization`; called anew for each request, kept nowhere.
            secrets: Gives what must never be shown, in case that a server repeats it; likewise.
        """
        self._sessions.introduce(account, authorization, secrets)

    def make_ready(self) -> None:
        """See to it that files can be written where the outputs go, before anything is bought that could not be stored.

        Raises:
            StorageFailed: The output folder cannot be made or written.
        """
        with disk.storage(f"the output folder {self._root} cannot be written"):
            disk.make_root(self._root)
            TemporaryFile(dir=self._root).close()

    async def deliver(self, order: Order) -> OutputFile | NotDelivered:
        """Bring one result home; see `Delivery.deliver`.

        Guarantees: the final name never stands for bytes that were not verified; an older file keeps it until then. What was
        received is kept through cancellation, faults and kills, and continued by the next call for the same task.
        """
        partial = Partial(self._root, order, reserve_bytes=self._reserve_bytes, needed_bytes=self._needed_bytes)
        self._under_way.add(partial)
        try:
            if has_claim(self._root, order.stem):  # nearly always not: then a visit to a thread is saved
                done = await self._off_loop(lambda: find_published(partial, order, self._probe))
                if done is not None:
                    return done
            if not partial.is_complete:
                problem = await self._download(partial, order)
                if problem is not None:
                    return problem
            return await self._off_loop(lambda: publish(partial, order, self._probe))
        finally:
            self._under_way.discard(partial)
            partial.close()

    def tidy(self, stem: str) -> None:
        """Remove the claim that recovery needs until the job's success is committed; see `Delivery.tidy`.

        In a thread, and done at the latest when `close` returns: beside fsyncs an unlink waits for the file system (2.5 ms
        measured), and the event loop would wait with it.
        """
        self._finished.append(stem)
        if len(self._finished) == 1:  # else a thread is about to take it along
            with suppress(RuntimeError):  # closed already: the next run takes no notice of the claim of a finished job
                self._threads.submit(self._remove_claims)

    def _remove_claims(self) -> None:
        with suppress(IndexError):
            while True:
                self._remove_claim(self._finished.popleft())

    def _remove_claim(self, stem: str) -> None:
        with suppress(OSError, StorageFailed):
            *folders, name = disk.parts_of(stem)
            folder = disk.open_folder(self._root, tuple(folders), create=False)
            try:
                disk.remove(folder, claim_name(name))
            finally:
                os.close(folder)

    def look(self, output: OutputFile) -> FileState:
        """Compare a delivered file with what is on disk; see `Delivery.look`. One `stat` when nothing changed.

        Raises:
            StorageFailed: The disk could not be read.
        """
        path = self._prefix + output.path
        try:
            found = os.stat(path)  # noqa: PTH116  a run looks at a million files, and a `Path` costs more than the call
            if not stat.S_ISREG(found.st_mode) or found.st_size != output.size_bytes:
                return FileState.ALTERED
            if found.st_mtime_ns == output.mtime_ns:
                return FileState.UNCHANGED
            with Path(path).open("rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == output.sha256
        except (FileNotFoundError, NotADirectoryError):
            return FileState.MISSING
        except OSError as error:
            if error.errno == errno.ELOOP:
                return FileState.MISSING
            raise disk.storage_failed(error, f"{path} could not be read") from error
        return FileState.UNCHANGED if same else FileState.ALTERED

    async def recall(self, output: OutputFile, stem: str, replaces: tuple[str, ...] | None) -> OutputFile | None:
        """Have a delivered file stand under a path, from what lies in the output folder; see `Delivery.recall`."""
        return await self._off_loop(lambda: recall(self._root, output, stem, replaces))

    def free_bytes(self) -> int:
        """Bytes free for this user where the outputs go, or will go; nothing is subtracted.

        Raises:
            StorageFailed: The disk does not say.
        """
        with disk.storage(f"the free space of {self._root} could not be read"):
            room = _statvfs(self._root)
        return room.f_bavail * room.f_frsize

    async def close(self) -> None:
        """Close all connections and wait for the last work on the disk."""
        await self._sessions.close()
        self._threads.shutdown(wait=True)

    async def _download(self, partial: Partial, order: Order) -> NotDelivered | None:
        download = Download(self._sessions, partial, order, bounds=self._bounds, off_loop=self._off_loop)
        return await download.run()

    def _needed_bytes(self) -> int:
        # A copy first: the event loop may add to the set while a thread counts.
        return sum(partial.remaining_bytes for partial in tuple(self._under_way))

    async def _off_loop(self, work: Callable[[], _T]) -> _T:
        """Run blocking work in a thread. A cancellation waits for it: files may be closed only when the disk is quiet."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()  # looked at, so that asyncio does not report it as forgotten
            raise


def _statvfs(folder: Path) -> os.statvfs_result:
    """The room where a folder is, or will be."""
    try:
        return os.statvfs(folder)
    except (FileNotFoundError, NotADirectoryError):
        if folder == folder.parent:
            raise
        return _statvfs(folder.parent)
