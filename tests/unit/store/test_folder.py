"""The state's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import StateUnusable
from runner.store.folder import filesystem_of, refuse_network

TABLE = r"""22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /home rw shared:1 master:2 - nfs4 server:/home rw
31 30 0:31 / /home/me/fast\040disk rw - xfs /dev/sdb rw
32 22 0:32 / /over rw - ext4 /dev/sdc rw
33 22 0:33 / /over rw - cifs //server/over rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/project", "ext4"),
        ("/homestead", "ext4"),
        ("/home", "nfs4"),
        ("/home/me/project", "nfs4"),
        ("/home/me/fast disk/project", "xfs"),
        ("/over/a", "cifs"),
    ],
)
def test_the_deepest_and_last_mount_holds_a_path(path: str, kind: str) -> None:
    """Mount points are compared by parts, their escapes undone, and a later mount covers an earlier one."""
    assert filesystem_of(Path(path), TABLE) == kind


def test_a_network_filesystem_is_refused_by_name(tmp_path: Path) -> None:
    """The message names folder and type, and what to do."""
    table = tmp_path / "mountinfo"
    table.write_text(f"1 1 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path} rw - nfs4 b rw\n")
    with pytest.raises(StateUnusable, match=r"state lies on a network filesystem \(nfs4\)") as caught:
        refuse_network(tmp_path / "state", table)
    assert "local disk" in (caught.value.next_step or "")


@pytest.mark.parametrize("text", [None, "", "1 1 0:1 / / rw - ext4 a rw\n"])
def test_a_local_or_unknown_filesystem_is_taken(tmp_path: Path, text: str | None) -> None:
    """Where the kernel has no table, or names a local type, the folder is taken."""
    table = tmp_path / "mountinfo"
    if text is not None:
        table.write_text(text)
    refuse_network(tmp_path / "state", table)
