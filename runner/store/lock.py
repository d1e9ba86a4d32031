"""One writer: a kernel lock on a file beside the state.

The kernel frees it when its holder dies, however it dies, so nothing is ever left to clean up. The file is never unlinked: a
second process could lock a file that has no name any more. Who holds it stands inside, for people.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runner.core.errors import LockHeld
from runner.store.faults import translated
from runner.store.folder import make_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_POLL_S: Final = 0.2
_SETTLE_S: Final = 0.02
_SETTLE_TRIES: Final = 10
"""A new holder writes its name right after the kernel gives it the lock; for that moment the file names nobody, or the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock.

    Args:
        pid: Process id.
        host: Name of its machine.
        since: RFC 3339, UTC.
        command: What it runs.
    """

    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        """For messages."""
        return f"`{self.command}` (process {self.pid} on {self.host}, since {self.since})"


class Lock:
    """A held lock; a context manager that releases it.

    Args:
        descriptor: The open file that the kernel's lock belongs to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others in. Harmless when repeated."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.ftruncate(descriptor, 0)
            # Closing would do, but a child of ours that is just being started shares the open file until its exec is through.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def hold_lock(folder: Path, *, command: str, wait_s: float | None = 0, can_wait: bool = False) -> Lock:
    """Take the lock of a state.

    Args:
        folder: The state's folder; made when it is not there.
        command: What this process runs, told to others that are refused.
        wait_s: Seconds to wait for another holder; 0 for not at all, None for ever.
        can_wait: Whether the command has `--wait-for-lock`, so that whoever is refused may be told of it.

    Returns:
        The lock. It is not inherited by programmes that this process starts.

    Raises:
        LockHeld: Another process holds it; the message says who.
        StateUnusable: The folder is on a network filesystem.
        StorageFailed: The file cannot be opened or written.
    """
    make_folder(folder)
    path = folder / "lock"
    until = None if wait_s is None else time.monotonic() + wait_s
    with translated(path, "lock"):
        while (descriptor := _try_lock(path)) is None:
            if until is not None and time.monotonic() >= until:
                raise _held(path, can_wait=can_wait)
            time.sleep(_POLL_S)
        _write_holder(descriptor, command)
    return Lock(descriptor)


def find_holder(folder: Path) -> Holder | None:
    """Who holds the lock of a state, by its own word; for people, since it may have ended meanwhile. None when nobody seems to."""
    holder = _read_holder(folder / "lock")
    return holder if holder is not None and _may_live(holder) else None


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Somebody may have removed the file by hand while we opened it: a lock without a name keeps nobody out.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _write_holder(descriptor: int, command: str) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    holder = Holder(pid=os.getpid(), host=socket.gethostname(), since=since, command=command)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
    except OSError:
        os.close(descriptor)
        raise


def _held(path: Path, *, can_wait: bool) -> LockHeld:
    for _ in range(_SETTLE_TRIES):
        holder = _read_holder(path)
        if holder is not None and _may_live(holder):
            break
        time.sleep(_SETTLE_S)
    else:
        holder = None
    who = "another process" if holder is None else str(holder)
    return LockHeld(
        f"{who} holds the lock of this manifest's state ({path})",
        next_step=f"Wait until it has ended{', or start with --wait-for-lock' if can_wait else ''}.",
    )


def _read_holder(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _may_live(holder: Holder) -> bool:
    """Whether the named process may be the holder: a dead one's name stays until the next holder writes its own."""
    if holder.host != socket.gethostname():
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
