"""Sets aside what stands under a name that a result is to get: bytes that may be another job's paid video are never replaced.

A file that is in the way is renamed in its folder to a name that says which file it was and which bytes it holds, so that whoever
knows both finds it again without a list. Everything here blocks: for threads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

from runner.core.error_codes import ErrorCode
from runner.core.errors import StorageFailed
from runner.transfer import disk

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS: Final = 16
"""Of the digest: 64 bits, so that two files never meet by chance, and a name that is still readable."""


def kept_name(name: str, sha256: str) -> str:
    """What a file is called once it was set aside.

    Args:
        name: Its name or path, with suffix.
        sha256: Hexadecimal digest of its bytes.
    """
    return f"{name}.kept-{sha256[:_DIGITS]}"


def make_way(folder: int, path: Path, sha256: str, replaces: tuple[str, ...] | None) -> None:
    """Make sure that replacing what stands under a name destroys nothing that is still wanted.

    Guarantees: what is set aside is durable under its new name before this returns; a crash leaves it under one name or the other.

    Args:
        folder: File descriptor of the folder.
        path: The file that is about to be replaced; its name counts, the rest is for messages.
        sha256: Digest of the bytes that will stand there.
        replaces: Digests that may be replaced; None for all.

    Raises:
        StorageFailed: Something else has the name that the file would get.
        OSError: The disk's faults.
    """
    if replaces is None:
        return
    found = _digest_at(folder, path.name)
    if found is None or found == sha256 or found in replaces:
        return
    kept = kept_name(path.name, found)
    if _digest_at(folder, kept) not in (None, found):
        raise StorageFailed(
            f"{path} cannot be set aside: {path.with_name(kept)} is there and holds other bytes",
            next_step="Move that file away, then run the same command again: nothing is paid twice.",
            code=ErrorCode.IN_THE_WAY,
        )
    os.rename(path.name, kept, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _digest_at(folder: int, name: str) -> str | None:
    """Digest of what stands under a name: of a file its bytes, of a link its text; None when nothing with content stands there."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        return hashlib.sha256(os.fsencode(os.readlink(name, dir_fd=folder))).hexdigest()
    file = disk.open_existing(folder, name)
    if file is None:
        return None
    with os.fdopen(file, "rb") as readable:
        return hashlib.file_digest(readable, "sha256").hexdigest()
