"""Puts a delivered file under another path, without the network. Everything here blocks: for threads.

When outputs are numbered and a row is inserted, every file's path belongs to another job than before, and the jobs move in any
order, or only some of them do. So no path is believed to hold what it held: a file is what its digest says, and what stands in its
way is set aside (`runner.transfer.aside`) where its own job finds it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from runner.core.errors import StorageFailed
from runner.transfer import disk
from runner.transfer.aside import kept_name, make_way
from runner.transfer.partial import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.job import OutputFile

_NO_LINK: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}
)
"""No links on this file system, between these folders, to a file of this owner, or no more of them: a copy may still do."""

_COPY_BYTES: Final = 1024 * 1024


def recall(root: Path, output: OutputFile, stem: str, replaces: tuple[str, ...] | None) -> OutputFile | None:
    """Have a delivered file stand under a path; see `Delivery.recall`.

    A link where the file system has links, which costs neither time nor room. Order: link under a passing name, read what was
    linked, fsync it, set aside what is in the way, replace, fsync the folder, and only then remove the name that the file had while
    it was set aside.

    Args:
        root: The output folder.
        output: The file as its job's row knows it.
        stem: Its path, without suffix.
        replaces: Digests of files that may be replaced there; None for all.

    Returns:
        The file under its new path, durable; None when its bytes are not in the output folder.

    Raises:
        StorageFailed: The disk is full or failing, or something stands in the way.
    """
    path = stem + PurePosixPath(output.path).suffix
    kept = kept_name(output.path, output.sha256)
    with disk.storage(f"{root / output.path} could not be put at {root / path}"):
        # A run that was killed before it committed the move has left the file under its new path, and may have left it only there.
        found = _find(root, path, output)
        for source in (output.path, kept):
            if found is None and source != path:
                found = _put(root, source, path, output, replaces)
        if found is None:
            return None
        _remove_copy(root, kept, output)
    return replace(output, path=path, mtime_ns=found.st_mtime_ns)


def _find(root: Path, path: str, output: OutputFile) -> os.stat_result | None:
    """The file's status when its very bytes stand under a path, durable from now on."""
    folder, name = _open_folder_of(root, path)
    if folder is None:
        return None
    try:
        found = _read(folder, name, output)
        if found is not None:
            os.fsync(folder)
        return found
    finally:
        os.close(folder)


def _put(
    root: Path, source: str, path: str, output: OutputFile, replaces: tuple[str, ...] | None
) -> os.stat_result | None:
    """Give the bytes under `source` the name `path` too; None, and nothing changed, when they are not the file's."""
    *folders, name = disk.parts_of(path)
    passing = f".{name}.part.link"
    with ExitStack() as opened:
        source_folder, source_name = _open_folder_of(root, source)
        if source_folder is None:
            return None
        opened.callback(os.close, source_folder)
        if not _may_be(source_folder, source_name, output):
            return None
        folder = disk.open_folder(root, tuple(folders), create=True)
        opened.callback(os.close, folder)
        disk.remove(folder, passing)
        # The replacement leaves the passing name where both names already are the same file.
        opened.callback(disk.remove, folder, passing)
        if not _link(source_folder, source_name, folder, passing, output.sha256):
            return None
        found = _read(folder, passing, output)
        if found is not None:
            make_way(folder, root / path, output.sha256, replaces)
            os.replace(passing, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        return found


def _remove_copy(root: Path, kept: str, output: OutputFile) -> None:
    """Remove the name that a file had while it was set aside: it is durable under its new one."""
    if _find(root, kept, output) is None:
        return
    folder, name = _open_folder_of(root, kept)
    if folder is not None:
        try:
            disk.remove(folder, name)
        finally:
            os.close(folder)


def _open_folder_of(root: Path, path: str) -> tuple[int | None, str]:
    """The folder of a path, the caller's to close, and the name there; no folder when it is missing or behind a link."""
    *folders, name = disk.parts_of(path)
    try:
        return disk.open_folder(root, tuple(folders), create=False), name
    except (FileNotFoundError, StorageFailed):
        return None, name


def _may_be(folder: int, name: str, output: OutputFile) -> bool:
    """Whether a file of the right length has the name: saves the new folder and the reading where it has not."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == output.size_bytes


def _read(folder: int, name: str, output: OutputFile) -> os.stat_result | None:
    """Read what has a name: its status when it holds the file's very bytes, which are on the disk then."""
    file = disk.open_existing(folder, name)
    if file is None:
        return None
    try:
        if os.fstat(file).st_size != output.size_bytes:
            return None
        digest = digest_of(file, output.size_bytes)
        if digest is None or digest.hexdigest() != output.sha256:
            return None
        os.fsync(file)
        return os.fstat(file)
    finally:
        os.close(file)


def _link(source_folder: int, source_name: str, folder: int, name: str, sha256: str) -> bool:
    """Give a file a second name, or make a copy where that is not possible; False when it has gone meanwhile."""
    try:
        os.link(source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINK:
            raise
        return _copy(source_folder, source_name, folder, name, sha256)
    return True


def _copy(source_folder: int, source_name: str, folder: int, name: str, sha256: str) -> bool:
    source = disk.open_existing(source_folder, source_name)
    if source is None:
        return False
    with os.fdopen(source, "rb", buffering=0) as readable:
        copy = disk.create_new(folder, name)
        try:
            while chunk := readable.read(_COPY_BYTES):
                disk.write_all(copy, chunk)
            disk.mark_time(copy, sha256)
        finally:
            os.close(copy)
    return True
