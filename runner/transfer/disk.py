"""Folders and files below the output folder, opened without following a link, and what their faults mean.

The output folder itself is the user's word and may be a link. Below it every component is opened from the folder before it
(`dir_fd`, `O_NOFOLLOW`), so that a link planted between a check and its use leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from runner.core.error_codes import ErrorCode, of_os_error
from runner.core.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER_MODE: Final = 0o755
_FILE_MODE: Final = 0o644
_MS: Final = 1_000_000
"""Nanoseconds."""

_AGAIN: Final = "then run the same command again: what was received is kept and nothing is paid twice"
_WORDS: Final = {
    errno.ENOSPC: ("the disk is full", f"Free some space, {_AGAIN}."),
    errno.EDQUOT: ("the disk quota is used up", f"Free some space or ask for more, {_AGAIN}."),
    errno.EFBIG: ("the file would be larger than this process may write", f"Raise the limit (`ulimit -f`), {_AGAIN}."),
    errno.EIO: ("the disk reports an error", f"Check the disk, {_AGAIN}."),
    errno.EROFS: ("the file system is read-only", f"Make it writable or choose another `output.dir`, {_AGAIN}."),
    errno.EACCES: ("permission is missing", f"Give this user the right to write there, {_AGAIN}."),
    errno.EPERM: ("it is not permitted", f"Give this user the right to write there, {_AGAIN}."),
    errno.EMFILE: (
        "this process has too many files open",
        f"Raise the limit (`ulimit -n`) or lower `downloads`, {_AGAIN}.",
    ),
    errno.ENFILE: ("the system has too many files open", f"Close some programs, {_AGAIN}."),
    errno.EISDIR: ("a folder has the file's name", f"Move that folder away, {_AGAIN}."),
    errno.ENAMETOOLONG: ("the name is too long for this file system", f"Shorten the job's `output`, {_AGAIN}."),
}


def storage_failed(error: OSError, what: str) -> StorageFailed:
    """An operating system's error in words for people.

    Args:
        error: What the system said.
        what: What was not possible and where, e.g. `outputs/a.part could not be written`.
    """
    reason, next_step = _WORDS.get(error.errno or 0, (error.strerror or str(error), f"Remove the cause, {_AGAIN}."))
    return StorageFailed(f"{what}: {reason}", next_step=next_step, code=of_os_error(error))


@contextmanager
def storage(what: str) -> Iterator[None]:
    """Turn an `OSError` of the block into `StorageFailed`.

    Args:
        what: As for `storage_failed`.
    """
    try:
        yield
    except OSError as error:
        raise storage_failed(error, what) from error


def parts_of(relative: str) -> tuple[str, ...]:
    """The components of a path below the output folder.

    Raises:
        StorageFailed: It could lead out of it.
    """
    parts = tuple(relative.split("/"))
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise StorageFailed(
            f"{relative!r} is no path below the output folder", next_step="Run `callsheet validate` on the manifest."
        )
    return parts


def make_root(root: Path) -> None:
    """Create the output folder and what leads to it, each durable in its parent."""
    missing = []
    folder = root
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        try:
            made.mkdir(_FOLDER_MODE)
        except FileExistsError:
            continue
        parent = os.open(made.parent, _FOLDER)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


def open_folder(root: Path, parts: tuple[str, ...], *, create: bool) -> int:
    """Open a folder below the output folder.

    Args:
        root: The output folder.
        parts: Components below it; empty for the output folder itself.
        create: Whether to make what is missing, each made folder durable in its parent.

    Returns:
        A file descriptor, the caller's to close.

    Raises:
        FileNotFoundError: It is not there and `create` is false.
        StorageFailed: A link or a file stands in the way.
        OSError: The disk's faults.
    """
    if create:
        make_root(root)
    folder = os.open(root, _FOLDER)
    for depth, part in enumerate(parts, 1):
        try:
            inner = _open_inner(folder, part, create=create)
        except NotADirectoryError as error:
            raise StorageFailed(
                f"{root.joinpath(*parts[:depth])} is a link or a file where a folder of the outputs should be",
                next_step="Remove it, or point `output.dir` of the manifest at the place where the outputs shall go.",
                code=ErrorCode.IN_THE_WAY,
            ) from error
        finally:
            os.close(folder)
        folder = inner
    return folder


def _open_inner(folder: int, name: str, *, create: bool) -> int:
    flags = _FOLDER | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as error:
        # Systems differ in what they say to a link here.
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise NotADirectoryError(error.errno, error.strerror) from error
        raise
    try:
        os.mkdir(name, _FOLDER_MODE, dir_fd=folder)
        os.fsync(folder)
    except FileExistsError:
        pass  # another download made it first
    return os.open(name, flags, dir_fd=folder)


def open_existing(folder: int, name: str, *, writable: bool = False) -> int | None:
    """Open a regular file; None when there is none, also when a link or a device stands in its place.

    Args:
        folder: File descriptor of its folder.
        name: Its name there.
        writable: Whether to open it for reading and writing, else for reading.
    """
    try:
        file = os.open(name, (os.O_RDWR if writable else os.O_RDONLY) | _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR):
            return None
        raise
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def create_new(folder: int, name: str) -> int:
    """Create a file for reading and writing in place of whatever has its name; a link is removed, not followed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FILE
    try:
        return os.open(name, flags, _FILE_MODE, dir_fd=folder)
    except FileExistsError:
        remove(folder, name)
        return os.open(name, flags, _FILE_MODE, dir_fd=folder)


def remove(folder: int, name: str) -> None:
    """Remove a file if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def write_all(file: int, chunk: bytes) -> None:
    """Write all bytes: the system may take only some of them."""
    view = memoryview(chunk)
    while view:
        view = view[os.write(file, view) :]


def mark_time(file: int, sha256: str) -> None:
    """Take the digits of a file's modification time below a millisecond from its digest.

    Size and time together stand for the bytes when nobody reads them, but a kernel's clock ticks every 1 to 10 ms, and two results
    of equal length may be written within one tick. Where the file system keeps no such digits, the time stays as it can.

    Args:
        file: The file, its content written.
        sha256: Hexadecimal digest of the content.
    """
    found = os.fstat(file)
    time_ns = found.st_mtime_ns // _MS * _MS + int(sha256[:8], 16) % _MS
    with suppress(PermissionError, NotImplementedError):
        os.utime(file, ns=(found.st_atime_ns, time_ns))


def replace_file(folder: int, name: str, content: bytes, *, durable: bool) -> None:
    """Write a small file so that at every instant either the old or the new content stands under its name.

    Args:
        folder: File descriptor of its folder.
        name: Its name there.
        content: The new content.
        durable: Whether to force the content to disk; the name is durable after the folder's next fsync.
    """
    new = f"{name}.new"
    file = create_new(folder, new)
    try:
        write_all(file, content)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
