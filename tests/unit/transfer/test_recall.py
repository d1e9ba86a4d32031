"""A delivered file is put under another path; whatever stands there already is never lost."""

from __future__ import annotations

import asyncio
import os
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import StorageFailed
from runner.core.plan import FileState
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from runner.transfer.recall import recall
from tests.unit.transfer.outcome import files
from tests.unit.transfer.shelf import contents, delivered, film_of, kept, shelf

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.job import OutputFile


def moved(root: Path, output: OutputFile, stem: str, replaces: tuple[str, ...] | None = ()) -> OutputFile:
    """The output under its new path, where its bytes and its time are checked."""
    found = recall(root, output, stem, replaces)
    assert found is not None
    assert (found.stem, found.sha256, found.size_bytes) == (stem, output.sha256, output.size_bytes)
    assert (root / found.path).stat().st_mtime_ns == found.mtime_ns
    return found


def test_the_file_stands_under_the_new_path_and_the_old_one_is_left(tmp_path: Path) -> None:
    """Same bytes, same suffix, nothing else in the folders."""
    old = delivered(tmp_path, "eu/1.mp4", film_of("a"))
    assert moved(tmp_path, old, "by/region/eu/1").path == "by/region/eu/1.mp4"
    assert contents(tmp_path) == {"by/region/eu/1.mp4": film_of("a"), "eu/1.mp4": film_of("a")}


@pytest.mark.parametrize(
    ("words", "stems"),
    [
        pytest.param("ab", {"a": "2", "b": "1"}, id="swap"),
        pytest.param("abc", {"a": "2", "b": "3", "c": "4"}, id="a row inserted at the top"),
        pytest.param("abc", {"b": "1", "c": "2"}, id="the first row removed"),
        pytest.param("abc", {"a": "2", "b": "3", "c": "1"}, id="circle"),
        pytest.param("abc", {"a": "x/2", "b": "3", "c": "x/1"}, id="two folders"),
    ],
)
def test_every_order_of_moves_brings_every_file_to_its_place(tmp_path: Path, words: str, stems: dict[str, str]) -> None:
    """Whichever job moves first, each has its own bytes at the end, and so a second time; no bytes are lost on the way."""
    for number, order in enumerate(permutations(stems)):
        root = tmp_path / str(number)
        before = shelf(root, words)
        rows = dict(before)
        for word in order:
            rows[word] = moved(root, before[word], stems[word])
            assert set(contents(root).values()) == {film_of(each) for each in words}
        for word, stem in stems.items():
            assert (root / rows[word].path).read_bytes() == film_of(word)
            assert recall(root, rows[word], stem, ()) == rows[word]
            assert recall(root, before[word], stem, ()) == rows[word]


def test_one_of_a_swapped_pair(tmp_path: Path) -> None:
    """The other job did not move: its file is set aside, its row says altered, and it comes back from there later."""
    before = shelf(tmp_path, "ab")
    moved(tmp_path, before["a"], "2")
    assert (tmp_path / kept(before["b"])).read_bytes() == film_of("b")
    assert FileDelivery(tmp_path, probe=probe).look(before["b"]) is not FileState.MISSING
    moved(tmp_path, before["b"], "1")
    assert not (tmp_path / kept(before["b"])).exists()
    assert contents(tmp_path) == {
        "1.mp4": film_of("b"),
        "2.mp4": film_of("a"),
        kept(before["a"]): film_of("a"),
    }


def test_the_swap_is_taken_back(tmp_path: Path) -> None:
    """A file that was set aside goes back to the very path that its row names."""
    before = shelf(tmp_path, "ab")
    after = moved(tmp_path, before["a"], "2")
    assert moved(tmp_path, before["b"], "2").path == "2.mp4"
    assert (tmp_path / "2.mp4").read_bytes() == film_of("b")
    assert moved(tmp_path, after, "1").path == "1.mp4"
    assert (tmp_path / "1.mp4").read_bytes() == film_of("a")


def test_a_strangers_file_is_set_aside(tmp_path: Path) -> None:
    """Bytes that no row knows are kept under a name that says which they are."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    stranger = delivered(tmp_path, "2.mp4", b"holiday")
    moved(tmp_path, old, "2")
    assert contents(tmp_path)[kept(stranger)] == b"holiday"


@pytest.mark.parametrize("anything", [True, False])
def test_what_may_be_replaced_is_replaced(tmp_path: Path, *, anything: bool) -> None:
    """An earlier output of the same job makes no litter."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    earlier = delivered(tmp_path, "2.mp4", b"earlier")
    moved(tmp_path, old, "2", None if anything else ("0" * 64, earlier.sha256))
    assert contents(tmp_path) == {"1.mp4": film_of("a"), "2.mp4": film_of("a")}


def test_a_link_in_the_way_is_set_aside_and_not_followed(tmp_path: Path) -> None:
    """What it points at is as it was, and so is the link under its new name."""
    root = tmp_path / "outputs"
    old = delivered(root, "1.mp4", film_of("a"))
    (tmp_path / "mine").write_bytes(b"mine")
    (root / "2.mp4").symlink_to("../mine")
    moved(root, old, "2")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert [path.readlink() for path in root.glob("2.mp4.kept-*")] == [(root / "../mine").relative_to(root)]
    assert not (root / "2.mp4").is_symlink()


def test_equal_bytes_of_two_jobs(tmp_path: Path) -> None:
    """Files that cannot be told apart need not be: both jobs have theirs, and nothing is set aside."""
    first = delivered(tmp_path, "1.mp4", film_of("a"))
    second = delivered(tmp_path, "2.mp4", film_of("a"))
    moved(tmp_path, first, "2")
    moved(tmp_path, second, "1")
    assert contents(tmp_path) == {"1.mp4": film_of("a"), "2.mp4": film_of("a")}


def test_what_was_set_aside_twice_is_there_once(tmp_path: Path) -> None:
    """The same bytes set aside again take the same name."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    strangers = []
    for _ in range(2):
        strangers.append(delivered(tmp_path, "2.mp4", b"holiday"))
        moved(tmp_path, old, "2")
        (tmp_path / "2.mp4").unlink()
    assert [kept(stranger) for stranger in strangers] == [files(tmp_path)[1]] * 2
    assert len(files(tmp_path)) == 2


def test_a_name_for_setting_aside_that_is_taken_stops_the_move(tmp_path: Path) -> None:
    """Other bytes under that name are not replaced either: people decide."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    stranger = delivered(tmp_path, "2.mp4", b"holiday")
    (tmp_path / kept(stranger)).write_bytes(b"other")
    before = contents(tmp_path)
    with pytest.raises(StorageFailed, match=r"2\.mp4 cannot be set aside: .*2\.mp4\.kept-.* holds other bytes"):
        recall(tmp_path, old, "2", ())
    assert contents(tmp_path) == before


def test_bytes_that_are_nowhere(tmp_path: Path) -> None:
    """Gone, altered at the same length and time, a link or a folder in their place: nothing is found, and nothing made."""
    old = delivered(tmp_path, "eu/1.mp4", film_of("a"))
    place = tmp_path / old.path
    place.write_bytes(film_of("b"))
    os.utime(place, ns=(1, old.mtime_ns))
    assert recall(tmp_path, old, "us/1", ()) is None
    place.rename(tmp_path / "away")
    assert recall(tmp_path, old, "us/1", ()) is None
    place.symlink_to("../away")
    assert recall(tmp_path, old, "us/1", ()) is None
    place.unlink()
    place.mkdir()
    assert recall(tmp_path, old, "us/1", ()) is None
    assert recall(tmp_path / "nowhere", old, "us/1", ()) is None
    assert files(tmp_path) in (["away"], ["away", "us"])
    assert not (tmp_path / "nowhere").exists()


def test_an_altered_file_comes_back_from_where_it_was_set_aside(tmp_path: Path) -> None:
    """The path is the same, the bytes there are not: both files are kept, each where it belongs."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    (tmp_path / "1.mp4").rename(tmp_path / kept(old))
    other = delivered(tmp_path, "1.mp4", film_of("b"))
    moved(tmp_path, old, "1")
    assert contents(tmp_path) == {"1.mp4": film_of("a"), kept(other): film_of("b")}


def test_a_touched_file_under_its_own_path_is_refreshed(tmp_path: Path) -> None:
    """Only its time is new."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    os.utime(tmp_path / "1.mp4", ns=(1, 1))
    assert moved(tmp_path, old, "1").mtime_ns == 1


def test_a_passing_name_that_was_left_is_no_obstacle(tmp_path: Path) -> None:
    """A killed run leaves one; it is never taken for the file, and it goes."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    (tmp_path / ".2.mp4.part.link").write_bytes(film_of("b"))
    moved(tmp_path, old, "2")
    assert files(tmp_path) == ["1.mp4", "2.mp4"]


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    """Nothing is written outside the output folder, and nothing is read there."""
    outside = tmp_path / "outside"
    root = tmp_path / "outputs"
    old = delivered(root, "1.mp4", film_of("a"))
    there = delivered(outside, "1.mp4", film_of("a"))
    (root / "away").symlink_to(outside)
    with pytest.raises(StorageFailed, match="link"):
        recall(root, old, "away/2", ())
    (root / "1.mp4").unlink()
    assert recall(root, old, "2", ()) is None
    assert files(outside) == [there.path]


def test_a_folder_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    """It names both paths, what is wrong and what to do; nothing is left over."""
    old = delivered(tmp_path, "1.mp4", film_of("a"))
    (tmp_path / "2.mp4").mkdir()
    with pytest.raises(
        StorageFailed, match=r"1\.mp4 could not be put at .*2\.mp4: a folder has the file's name"
    ) as said:
        recall(tmp_path, old, "2", ())
    assert "Move that folder away" in (said.value.next_step or "")
    assert files(tmp_path) == ["1.mp4"]


async def test_a_row_inserted_at_the_top_of_many(tmp_path: Path) -> None:
    """All files move by one at once, in eight threads, and each arrives with its own bytes."""
    words = "abcdefghijklmnopqrstuvwx"
    before = shelf(tmp_path, words)
    delivery = FileDelivery(tmp_path, probe=probe)
    found = await asyncio.gather(
        *(delivery.recall(before[word], str(number), ()) for number, word in enumerate(words, 2))
    )
    await delivery.close()
    assert [output and (tmp_path / output.path).read_bytes() for output in found] == [film_of(word) for word in words]


async def test_looking_after_a_recall(tmp_path: Path) -> None:
    """What `recall` returns is what `look` finds, for a file of the same length as the one that was there."""
    before = shelf(tmp_path, "ab")
    delivery = FileDelivery(tmp_path, probe=probe)
    found = await delivery.recall(before["a"], "2", ())
    assert found is not None
    assert delivery.look(found) is FileState.UNCHANGED
    (tmp_path / "2.mp4").unlink()
    assert delivery.look(found) is FileState.MISSING
    await delivery.close()
