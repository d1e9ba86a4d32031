"""Puts a delivered file under another path, without the network. Everything here blocks: for threads."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.core.errors import StorageFailed
from runner.transfer import disk

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.job import OutputFile


def relocate(root: Path, output: OutputFile, stem: str) -> OutputFile:
    """Give a file a second name: a link where the filesystem has links, which costs neither time nor room.

    The old name stays: nobody else knows whether it is still wanted. Order: link under a passing name, replace, fsync the folder.

    Args:
        root: The output folder.
        output: The file, unchanged.
        stem: Its new path, without suffix.

    Returns:
        The file under its new path, durable.

    Raises:
        StorageFailed: The disk is failing, or the file has gone.
    """
    path = stem + PurePosixPath(output.path).suffix
    *old_folders, old_name = disk.parts_of(output.path)
    *folders, name = disk.parts_of(path)
    passing = f".{name}.part.link"
    with disk.storage(f"{root / output.path} could not be put at {root / path}"), ExitStack() as opened:
        source = disk.open_folder(root, tuple(old_folders), create=False)
        opened.callback(os.close, source)
        target = disk.open_folder(root, tuple(folders), create=True)
        opened.callback(os.close, target)
        disk.remove(target, passing)
        try:
            os.link(old_name, passing, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except (PermissionError, NotImplementedError):  # a filesystem without links
            _copy(source, old_name, target, passing)
        os.replace(passing, name, src_dir_fd=target, dst_dir_fd=target)
        os.fsync(target)
        return replace(output, path=path, mtime_ns=os.stat(name, dir_fd=target, follow_symlinks=False).st_mtime_ns)


def _copy(source: int, old_name: str, target: int, name: str) -> None:
    old = disk.open_existing(source, old_name)
    if old is None:
        raise StorageFailed(f"{old_name} has gone", next_step="run again: it is fetched from its task")
    try:
        new = disk.create_new(target, name)
        try:
            while chunk := os.read(old, 1 << 20):
                disk.write_all(new, chunk)
            os.fsync(new)
        finally:
            os.close(new)
    finally:
        os.close(old)
