"""The state's folder: made private and durable, out of git, and on a disk that locks and syncs as it says."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from runner.core.error_codes import ErrorCode
from runner.core.errors import StateUnusable
from runner.store.faults import translated

_NETWORK: Final = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.cephfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
        "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "prl_fs", "smb2", "smb3", "smbfs",
        "vboxsf", "vmhgfs", "fuse.vmhgfs-fuse",
    }
)  # fmt: skip
"""Types in /proc/self/mountinfo on which SQLite's log in shared memory, or its locks, do not hold."""

_MOUNTS: Final = Path("/proc/self/mountinfo")


def make_folder(folder: Path) -> None:
    """Make the state's folder where it is not there yet: mode 0700, with its own `.gitignore`, every new entry fsynced.

    Raises:
        StateUnusable: It would lie on a network filesystem.
        StorageFailed: It cannot be made.
    """
    refuse_network(folder)
    with translated(folder, "make the folder"):
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(path.parent)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: They may not be.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_network(folder: Path, mounts: Path = _MOUNTS) -> None:
    """Refuse a folder on a network filesystem.

    Args:
        folder: Need not exist yet.
        mounts: The kernel's table of mounts; where there is none, nothing is refused.

    Raises:
        StateUnusable: It lies, or would lie, on one.
    """
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = filesystem_of(folder.resolve(), table)
    if kind in _NETWORK:
        raise StateUnusable(
            f"the state folder {folder} lies on a network filesystem ({kind}), where SQLite cannot keep its promises",
            next_step="Keep the manifest in a folder on a local disk.",
            code=ErrorCode.STATE_ON_NETWORK,
        )


def filesystem_of(path: Path, table: str) -> str | None:
    """The type of the filesystem that holds a path.

    Args:
        path: Absolute, links followed.
        table: Text in the form of /proc/self/mountinfo.

    Returns:
        E.g. `ext4`; None when no mount holds it. Of several mounts at one place the last is on top.

    Source:
        man 5 proc_pid_mountinfo: field 5 is the mount point, the type follows the ` - `.
    """
    deepest, found = -1, None
    for line in table.splitlines():
        front, _, back = line.partition(" - ")
        fields, kinds = front.split(" "), back.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, found = len(point.parts), kinds[0]
    return found
