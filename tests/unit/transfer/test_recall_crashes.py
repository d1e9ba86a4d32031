"""A crash or a failing disk at every step of moving outputs about: no bytes are lost, and the next run brings each to its place."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHILD = '''
"""Forks a run of moves that breaks at its n-th visit to the disk, then runs until done, for n = 1, 2, ... until none breaks."""
import errno, json, os, signal, sys
from pathlib import Path
from runner.core.errors import StorageFailed
from runner.core.job import OutputFile
from runner.transfer.recall import recall
from tests.unit.transfer.shelf import contents, film_of, shelf

VISITS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.utime", "fdopen"}
base, how, moves, links = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4] == "links"


def run(root, rows, book, break_at):
    """Recall every job and write down what came of it, as an engine commits it; 0 when all is done."""
    visits = 0

    def visit(event, arguments):
        nonlocal visits
        if event == "os.link" and not links:
            raise OSError(errno.EPERM, "no links here")
        if event in VISITS and str(arguments[0]).rpartition("/")[2].lstrip(".")[:1].isdigit():
            visits += 1
            if visits == break_at:
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError(errno.EIO, "Input/output error")

    sys.addaudithook(visit)
    for word, stem in moves.items():
        found = recall(root, rows[word], stem, ())
        assert found is not None, (word, os.listdir(root))
        os.write(book, f"{word} {found.path}\\n".encode())
    return 0


def attempt(root, rows, book, break_at):
    child = os.fork()
    if child == 0:
        try:
            os._exit(run(root, rows, book, break_at))
        except StorageFailed:
            os._exit(3)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def committed(first, book):
    lines = os.pread(book, 1 << 16, 0).decode().split("\\n")
    paths = dict(line.split() for line in lines if line)
    return {word: OutputFile(path=paths.get(word, row.path), sha256=row.sha256, size_bytes=row.size_bytes,
                             mtime_ns=0, media_type=row.media_type) for word, row in first.items()}


broken = 0
while True:
    root = base / f"root-{broken}"
    first = shelf(root, "abc")
    book = os.open(base / f"book-{broken}", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    ended = attempt(root, first, book, broken + 1)
    assert {film_of(word) for word in "abc"} <= set(contents(root).values()), (broken, os.listdir(root))
    if ended == 0:
        break
    assert ended == (-signal.SIGKILL if how == "kill" else 3), ended
    assert attempt(root, committed(first, book), book, None) == 0
    found = contents(root)
    for word, stem in moves.items():
        assert found[f"{stem}.mp4"] == film_of(word), (broken, word, sorted(found))
    assert set(found.values()) == {film_of(word) for word in "abc"}
    assert not [name for name in found if ".part" in name], (broken, sorted(found))
    broken += 1
print(json.dumps(broken))
'''

MOVES = {
    "swap": {"a": "2", "b": "1"},
    "chain from the top": {"a": "2", "b": "3", "c": "4"},
    "chain from the bottom": {"c": "4", "b": "3", "a": "2"},
    "circle": {"b": "3", "a": "2", "c": "1"},
}


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("how", ["kill", "fault"])
@pytest.mark.parametrize("links", ["links", "copies"])
async def test_every_step_may_be_the_last(tmp_path: Path, moves: str, how: str, links: str) -> None:
    """Whichever visit to the disk breaks, all bytes are there, and the next run ends as if nothing had happened."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), how, json.dumps(MOVES[moves]), links, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == 0
    assert json.loads(said) >= 9 * len(MOVES[moves])
