"""The second witness as a file: appending, tearing, damage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.errors import StateUnusable
from runner.store.knowledge import REPAIR, encode_lines
from runner.store.witness import Mark, Reading, Witness, start_after
from tests.unit.store.lives import accepted, delivered, intent, move, pending, ready

if TYPE_CHECKING:
    from pathlib import Path


def lines(name: str = "a") -> list[str]:
    """What a job's submission and acceptance give."""
    return list(encode_lines(move(pending(name), intent(), accepted())))


def write(path: Path, *batches: list[str]) -> Mark:
    """Append batches; gives the mark after them."""
    witness = Witness.at_end(path)
    for batch in batches:
        witness.append(batch)
    witness.close()
    return witness.mark


def read(path: Path, start: int = 0) -> tuple[list[tuple[str, str]], bool]:
    """Kind and job of every line, and whether the end is torn."""
    reading = Reading(path, start)
    found = [(line["kind"], line["job"]) for line in reading.lines()]
    return found, reading.is_torn


def damage(path: Path, at: int, text: bytes = b"\0") -> None:
    """Overwrite bytes of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A witness file that is not there yet."""
    return tmp_path / "submissions.jsonl"


A, B = [("intent", "a"), ("accepted", "a")], [("intent", "b"), ("accepted", "b")]


def test_what_was_appended_is_read(path: Path) -> None:
    """Batches come back in order; the file is private; what is not there has no lines."""
    assert read(path) == ([], False)
    write(path, lines("a"), lines("b"))
    assert read(path) == (A + B, False)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_holds_ids_and_digests_and_no_address_or_input(path: Path) -> None:
    """The witness's lines name what delivery.md lists, and neither the inputs nor where the result is."""
    write(path, list(encode_lines(move(pending("a"), intent(), accepted(), ready(), delivered()))))
    text = path.read_text()
    assert [json.loads(line)["kind"] for line in text.splitlines()] == ["intent", "accepted", "closed"]
    found: dict[str, Any] = json.loads(text.splitlines()[1])
    assert found == {
        "batch": 0,
        "kind": "accepted",
        "job": "a",
        "fingerprint": "f1",
        "attempt": 1,
        "at": 1_700_000_001.0,
        "uses": "digital-human/avatar",
        "operation": "digital-human/avatar",
        "external_id": "own-1",
        "request_sha256": "cd" * 32,
        "output_stem": "eu/1",
        "reserved": ["0.20", "USD"],
        "submitted_at": 1_700_000_000.0,
        "task_id": "t-1",
    }
    assert "s3cret" not in text
    assert "cdn.example" not in text
    assert '"text"' not in text


def test_a_batch_cut_at_any_byte_loses_only_what_was_cut(path: Path) -> None:
    """A crash within the last batch leaves its whole lines readable, and everything goes on after a repair."""
    size = write(path, lines("a")).size
    write(path, lines("b"))
    whole = path.read_bytes()
    for cut in range(size, len(whole)):
        path.write_bytes(whole[:cut])
        found, is_torn = read(path)
        assert found == A + B[: whole[size:cut].count(b"}")], cut
        write(path, [REPAIR] if is_torn else [], lines("b"))
        assert read(path) == (found + B, False), cut


def test_a_last_batch_with_holes_is_a_crash_too(path: Path) -> None:
    """Power loss can leave zeros anywhere in the batch that was being written."""
    size = write(path, lines("a")).size
    write(path, [*lines("b"), *lines("c")])
    damage(path, size + 10, b"\0" * 20)
    found, is_torn = read(path)
    assert (found, is_torn) == ([*A, ("accepted", "b"), ("intent", "c"), ("accepted", "c")], True)
    write(path, [REPAIR], lines("d"))
    assert read(path) == ([*found, ("intent", "d"), ("accepted", "d")], False)


@pytest.mark.parametrize("text", [b"\0", b'{"batch":7}\n', b"\xff\xfe"])
def test_damage_before_a_later_batch_is_refused_with_its_line(path: Path, text: bytes) -> None:
    """No crash of ours damages a batch that a later one follows: knowledge may be missing, and the message says where."""
    size = write(path, lines("a")).size
    write(path, lines("b"), lines("c"))
    damage(path, size, text)
    with pytest.raises(StateUnusable, match=r"submissions\.jsonl:3 is damaged") as caught:
        read(path)
    assert "backup" in (caught.value.next_step or "")


def test_damage_is_refused_also_behind_a_mark(path: Path) -> None:
    """The line's number is that in the file, wherever the reading began."""
    mark = write(path, lines("a"))
    write(path, lines("b"), lines("c"))
    damage(path, mark.size)
    with pytest.raises(StateUnusable, match=r"submissions\.jsonl:3 is damaged"):
        read(path, mark.size)


def test_a_mark_skips_what_is_known(path: Path) -> None:
    """Reading starts at the mark while the file still begins as it did."""
    mark = write(path, lines("a"))
    write(path, lines("b"))
    assert read(path, start_after(path, mark)) == (B, False)


def test_another_file_is_read_whole(path: Path) -> None:
    """A file that is shorter than the mark, or has other bytes before it, is not the one that was marked."""
    mark = write(path, lines("a"))
    assert start_after(path, None) == 0
    assert start_after(path, Mark(mark.size + 1, mark.tail)) == 0
    damage(path, mark.size - 10)
    assert start_after(path, mark) == 0
