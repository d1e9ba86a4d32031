"""Paths: which output paths are safe, and which files a manifest may read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.manifest import paths
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.sampled_from(
    ["con", "NUL", "com1", "com", "report", "Report", "lpt9", "aux.x", "a", "Z9", "..", ".", "-", "_", "ä", "x" * 99]
)


@given(st.lists(WORDS | st.text(max_size=4), min_size=1, max_size=4), st.sampled_from(["/", "", ".", " "]))
def test_quick_check_is_the_slow_one(words: list[str], between: str) -> None:
    """The regular expression for plain paths lets nothing pass that the rules refuse."""
    path = between.join(words)
    assert (paths.output_flaw(path) is None) == (paths._path_problem(path) is None)


@pytest.mark.parametrize(
    "path", ["a", "eu/1042-en", "a b/c", "报告/芳", "report", "reports/x", "v1.2/take.3", "x" * 200, "console/comma"]
)
def test_safe_output(path: str) -> None:
    """Ordinary paths are safe, in any script."""
    assert paths.output_flaw(path) is None


@pytest.mark.parametrize(
    "path",
    ["", "/a", "..", "a/../b", "a/", "a//b", "a\\b", "C:", "a\0b", "a\nb", "\ud800", "NUL", "a/con.x", "report/a", "REPORT/a", "a.", " a", ".a",
     "a\u202eb", "x/" * 1200 + "x", "ä" * 130, "com¹"],
)  # fmt: skip
def test_unsafe_output(path: str) -> None:
    """What leaves the folder, hides, or cannot be stored everywhere is refused."""
    flaw = paths.output_flaw(path)
    assert flaw is not None
    assert flaw.code is Code.BAD_OUTPUT
    flaw.message.encode()  # can be printed


@pytest.mark.parametrize("part", ["", ".a", "a b", "a/b", "é", "a" * 129, "a\n"])
def test_bad_id_part(part: str) -> None:
    """A part of an id is plain and short."""
    assert paths.id_part_flaw(part) is not None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a manifest's folder in it, links out of it, and a file outside."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "manifests").mkdir()
    (root / "rows.csv").write_text("id\n")
    (tmp_path / "outside.csv").write_text("id\n")
    (root / "manifests" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (root / "manifests" / "within.csv").symlink_to("../rows.csv")
    (root / "manifests" / "loop.csv").symlink_to("loop.csv")
    return root


@pytest.mark.parametrize("name", ["../rows.csv", "within.csv"])
def test_file_inside(repository: Path, name: str) -> None:
    """Files of the repository may be read, above the manifest's folder and by links too."""
    rule = paths.FileRule(repository / "manifests", allow_outside=False)
    assert rule.find(name) == (repository / "rows.csv").resolve()


@pytest.mark.parametrize("name", ["link.csv", "../../outside.csv"])
def test_file_outside(repository: Path, name: str) -> None:
    """Files outside are refused, links followed, unless the user allows them."""
    with pytest.raises(Flaw, match="outside") as caught:
        paths.FileRule(repository / "manifests", allow_outside=False).find(name)
    assert caught.value.code is Code.FILE_OUTSIDE
    assert paths.FileRule(repository / "manifests", allow_outside=True).find(name).name == "outside.csv"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no.csv", "No such file"),
        ("loop.csv", "cannot read"),
        (".", "not a file"),
        ("a\0b", "NUL"),
        ("a\ud800b", "not Unicode"),
    ],
)
def test_file_unreadable(repository: Path, name: str, words: str) -> None:
    """What is no file is said with its reason."""
    with pytest.raises(Flaw, match=re.escape(words)):
        paths.FileRule(repository / "manifests", allow_outside=True).find(name)


def test_without_repository(tmp_path: Path) -> None:
    """Without a repository the manifest's own folder is the border."""
    (tmp_path / "above.csv").write_text("id\n")
    (tmp_path / "inner").mkdir()
    assert not any((place / ".git").exists() for place in tmp_path.parents)
    with pytest.raises(Flaw, match="outside"):
        paths.FileRule(tmp_path / "inner", allow_outside=False).find("../above.csv")
