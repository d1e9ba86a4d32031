"""Files that appear whole or not at all, and only in the place of files."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.core.error_codes import ErrorCode
from runner.core.errors import StorageFailed
from runner.report.files import is_plain_file, replacing

if TYPE_CHECKING:
    from collections.abc import Callable


def device(path: Path) -> None:
    """A second name of `/dev/null`, where one may be made."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize("make", [os.mkfifo, device, Path.mkdir])
def test_nothing_but_a_file_is_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A pipe, a device and a folder stay what they are; nothing waits for a reader, and no temporary file is left."""
    path = tmp_path / "index.html"
    make(path)
    kind = path.lstat().st_mode
    with pytest.raises(StorageFailed, match="no plain file") as caught, replacing(path):
        pytest.fail("nothing is to be written")
    assert caught.value.code is ErrorCode.IN_THE_WAY
    assert (path.lstat().st_mode, list(tmp_path.iterdir())) == (kind, [path])


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("/dev/null"), lambda _: None])
def test_a_name_is_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A file, a link (never what it leads to) and a name that is free become the new file."""
    path = tmp_path / "index.html"
    make(path)
    with replacing(path) as stream:
        stream.write("whole")
    assert is_plain_file(path)
    assert (path.read_text(), list(tmp_path.iterdir())) == ("whole", [path])


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """The old content stays, and no temporary file beside it."""
    path = tmp_path / "index.html"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as stream:
        stream.write(str(1 / 0))
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])
