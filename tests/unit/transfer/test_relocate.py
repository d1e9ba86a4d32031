"""A delivered file gets another path without the network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import StorageFailed
from runner.core.job import OutputFile
from runner.transfer.relocate import relocate

if TYPE_CHECKING:
    from pathlib import Path

BYTES = b"a film" * 1000


def delivered(root: Path, path: str) -> OutputFile:
    """A file as a delivery leaves it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(BYTES)
    return OutputFile(
        path=path,
        sha256=hashlib.sha256(BYTES).hexdigest(),
        size_bytes=len(BYTES),
        mtime_ns=file.stat().st_mtime_ns,
        media_type="video/mp4",
    )


def test_the_file_stands_under_the_new_path_and_the_old_one_is_left(tmp_path: Path) -> None:
    """Same bytes, same suffix, nothing else in the folders."""
    old = delivered(tmp_path, "eu/1.mp4")
    new = relocate(tmp_path, old, "by/region/eu/1")
    assert (new.path, new.sha256, new.stem) == ("by/region/eu/1.mp4", old.sha256, "by/region/eu/1")
    assert (tmp_path / new.path).read_bytes() == BYTES
    assert (tmp_path / new.path).stat().st_mtime_ns == new.mtime_ns
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"1.mp4"}
    assert (tmp_path / old.path).exists()


def test_doing_it_again_after_a_crash_changes_nothing(tmp_path: Path) -> None:
    """A passing name that a killed run left is replaced, and so is the file."""
    old = delivered(tmp_path, "1.mp4")
    (tmp_path / ".2.mp4.part.link").write_bytes(b"left")
    first = relocate(tmp_path, old, "2")
    assert relocate(tmp_path, old, "2") == first
    assert (tmp_path / "2.mp4").read_bytes() == BYTES


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    """Nothing is written outside the output folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "outputs"
    old = delivered(root, "1.mp4")
    (root / "away").symlink_to(outside)
    with pytest.raises(StorageFailed, match="link"):
        relocate(root, old, "away/1")
    assert list(outside.iterdir()) == []


def test_a_file_that_has_gone_is_a_clear_error(tmp_path: Path) -> None:
    """It names both paths."""
    old = delivered(tmp_path, "1.mp4")
    (tmp_path / "1.mp4").unlink()
    with pytest.raises(StorageFailed, match=r"1\.mp4 could not be put at .*2\.mp4"):
        relocate(tmp_path, old, "2")
