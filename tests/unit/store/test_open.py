"""Whose state it is, whether it is sound, and what looking at it leaves behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.errors import StateForeign, StateUnusable, StorageFailed
from runner.store.sqlite import APPLICATION_ID
from runner.store.store import StateStore
from tests.unit.store.lives import NOON, Place, accepted, delivered, intent, live, move, pending, ready, reply

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]


def pragma(place: Place, name: str, value: int | None = None) -> Any:
    """Read or set a pragma of the database file."""
    connection = sqlite3.connect(place.database)
    try:
        found = connection.execute(f"PRAGMA {name}" + ("" if value is None else f"={value}")).fetchone()
        connection.commit()
    finally:
        connection.close()
    return found and found[0]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Names and bytes of a folder's files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run_child(script: str, base: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in another process, with the manifest's folder as its argument."""
    command = [sys.executable, "-c", script, str(base)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_new_state_is_private_marked_and_in_wal_mode(place: Place) -> None:
    """Folder 0700, files 0600, our application id, a version, the log mode that durability rests on."""
    place.open().close()
    assert place.folder.stat().st_mode & 0o777 == 0o700
    assert place.database.stat().st_mode & 0o777 == 0o600
    assert (pragma(place, "application_id"), pragma(place, "user_version"), pragma(place, "journal_mode")) == (
        APPLICATION_ID,
        2,
        "wal",
    )


async def test_closing_empties_the_log(place: Place) -> None:
    """After `close` the database file alone is the state, so that a copy of it is a whole backup."""
    with place.open() as store:
        await live(store, pending(), intent())
    wal = place.folder / "state.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0


async def test_a_closed_store_writes_nothing(place: Place) -> None:
    """A commit after `close` raises instead of waiting for ever; closing twice is harmless."""
    store = place.open()
    store.close()
    store.close()
    with pytest.raises(StorageFailed, match="is closed"):
        await store.commit(move(pending(), intent()))


def test_another_manifest_of_the_same_name_is_refused(place: Place) -> None:
    """Both paths and both names are told."""
    place.open().close()
    other = place.base / "copy.yaml"
    with pytest.raises(StateForeign) as caught:
        StateStore.open(place.folder, manifest_name="autumn", manifest_path=str(other))
    assert str(place.manifest) in str(caught.value)
    assert str(other) in str(caught.value)
    with pytest.raises(StateForeign, match="`winter` of"):
        StateStore.open(place.folder, manifest_name="winter", manifest_path=str(place.manifest), read_only=True)


async def test_a_project_may_move(place: Place, tmp_path: Path) -> None:
    """The state goes along when the whole folder is moved, and is found from any working directory."""
    with place.open() as store:
        job = await live(store, pending(), intent())
    moved = tmp_path / "elsewhere" / "deeper"
    moved.mkdir(parents=True)
    shutil.move(place.base / ".callsheet", moved / ".callsheet")
    with Place(moved).open() as store:
        assert store.rows([job.id]) == {job.id: [job]}


def _garbage(place: Place) -> None:
    place.database.write_bytes(b"this is no database at all, and long enough to see that" * 100)


def _other_programme(place: Place) -> None:
    pragma(place, "application_id", 42)


def _newer(place: Place) -> None:
    pragma(place, "user_version", 3)


def _corrupt(place: Place) -> None:
    with place.database.open("r+b") as file:
        for page in range(2, place.database.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xa5" * 64)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_garbage, "damaged: file is not a database"),
        (_other_programme, "database of another programme (application id 0x2a)"),
        (_newer, "has format 3, this Callsheet knows 2"),
        (_corrupt, "is damaged"),
    ],
)
async def test_a_file_that_is_no_sound_state_of_ours_is_refused(
    place: Place, spoil: Callable[[Place], None], words: str
) -> None:
    """The message names file, cause and the next step, and the file is left as it is."""
    with place.open() as store:
        await asyncio.gather(*(store.commit(move(pending(f"j/{n}"), intent(), accepted())) for n in range(50)))
    spoil(place)
    before = place.database.read_bytes()
    with pytest.raises(StateUnusable) as caught:
        place.open()
    assert str(place.database) in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.next_step
    assert place.database.read_bytes() == before


def test_a_database_of_others_without_an_id_is_refused(place: Place) -> None:
    """A file with tables but without any application id is not taken for an empty one."""
    place.folder.mkdir(parents=True)
    connection = sqlite3.connect(place.database)
    connection.execute("CREATE TABLE photos (id)")
    connection.close()
    with pytest.raises(StateUnusable, match="another programme"):
        place.open()


@pytest.mark.parametrize("content", [b"", None])
def test_a_run_killed_while_making_the_file_leaves_no_obstacle(place: Place, content: bytes | None) -> None:
    """An empty file, or one in WAL mode without tables, is the beginning of a state; looking at it shows an empty one."""
    place.folder.mkdir(parents=True)
    if content is None:
        pragma(place, "journal_mode=wal")
    else:
        place.database.write_bytes(content)
    with place.open(read_only=True) as store:
        assert list(store.all_rows()) == []
    with place.open() as store:
        assert list(store.all_rows()) == []


def test_a_folder_that_cannot_be_made_is_told(place: Place) -> None:
    """Where a file stands in the way, the path and the reason are told."""
    (place.base / ".callsheet").write_text("in the way")
    with pytest.raises(StorageFailed, match=r"could not make the folder .*autumn: ") as caught:
        place.open()
    assert caught.value.next_step


def test_looking_before_the_first_run_makes_nothing(place: Place) -> None:
    """Without a state there is an empty one to look at, and no trace of looking; writing to it is refused."""
    with place.open(read_only=True) as store:
        assert (list(store.all_rows()), store.spent(), store.last_run(), list(store.events())) == ([], [], None, [])
        assert store.last_change_at() is None
        with pytest.raises(StorageFailed, match="to look only"):
            store.start_run("r", NOON, "ab", {})
    assert list(place.base.iterdir()) == []


async def test_looking_during_a_run_sees_what_is_committed(place: Place) -> None:
    """A reader beside the writer sees every commit that has returned."""
    with place.open() as store:
        job = await live(store, pending(), intent())
        with place.open(read_only=True) as look:
            assert look.rows([job.id]) == {job.id: [job]}
            job = await live(store, job, accepted())
            assert look.rows([job.id]) == {job.id: [job]}


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.unit.store.lives import *
async def main():
    store = Place(Path(sys.argv[1])).open()
    store.start_run("run-1", NOON, "ab", {"presenter": "x"})
    job = await live(store, pending("a"), intent(), reply(), accepted())
    job = await live(store, pending("b"), intent(), reply())
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.parametrize("read_only", [True, False])
def test_everything_is_there_after_kill_9(place: Place, read_only: bool) -> None:
    """What was committed before SIGKILL is found by a reader, and by the next run, which imports nothing."""
    killed = run_child(KILLED, place.base)
    assert killed.returncode == -signal.SIGKILL
    with place.open(read_only=read_only) as store:
        assert list(store.all_rows()) == [
            move(pending("a"), intent(), reply(), accepted()).after,
            move(pending("b"), intent(), reply()).after,
        ]
        assert store.taken_over.from_witness == ()
        run = store.last_run()
    assert run is not None
    assert (run.run_id, run.ended_at, run.exit_code, run.overrides) == ("run-1", None, None, {"presenter": "x"})


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from tests.unit.store.lives import *
place = Place(Path(sys.argv[1]))
if os.getuid() == 0:
    os.setuid(65534)
assert not os.access(place.folder, os.W_OK)
with place.open(read_only=True) as store:
    print(len(list(store.all_rows())))
"""


@pytest.mark.parametrize("is_killed", [False, True])
async def test_looking_at_a_folder_that_cannot_be_written(is_killed: bool) -> None:
    """A reader without the right to write sees everything and leaves no trace, after a clean end and after a kill."""
    # Not below tmp_path: its parents are closed to the other user that this test becomes when root runs it.
    base = Path("/tmp") / f"callsheet-look-{os.getpid()}-{is_killed}"
    place = Place(base)
    try:
        if is_killed:
            run_child(KILLED, base)
        else:
            with place.open() as store:
                await live(store, pending("a"), intent())
                await live(store, pending("b"), intent())
        for path in (base, base / ".callsheet", place.folder):
            path.chmod(0o555)
        for path in place.folder.iterdir():
            path.chmod(0o444)
        before = snapshot(place.folder)
        look = run_child(UNPRIVILEGED, base)
        assert (look.stdout, look.stderr) == ("2\n", "")
        assert snapshot(place.folder) == before
    finally:
        for path in (base, base / ".callsheet", place.folder):
            path.chmod(0o755)
        shutil.rmtree(base)


async def test_the_history_tells_everything_but_secrets(place: Place) -> None:
    """Every event in order, with its run; no signed address and no body in its payload."""
    with place.open() as store:
        job = await live(store, pending(), intent())
        store.start_run("run-1", NOON, "ab", {})
        await live(store, job, reply(), accepted(), ready(), delivered())
        store.end_run("run-1", NOON + 100, 0)
        await live(
            store,
            pending("other"),
            events.Skipped(at=NOON, failure=events.Failure(cause=None, code="P601", message="x")),
        )
        story = list(store.events("welcome/1"))
        everything = list(store.events())
        run = store.last_run()
    assert [(event.type, event.run_id) for event in story] == [
        ("SubmitStarted", None),
        ("ReplyReceived", "run-1"),
        ("Accepted", "run-1"),
        ("TaskReady", "run-1"),
        ("Delivered", "run-1"),
    ]
    assert [event.seq for event in everything] == sorted(event.seq for event in everything)
    assert [event.job_id for event in everything[5:]] == ["other"]
    assert story[1].payload == {"status": 200, "body_bytes": 17, "truncated": False}
    assert story[3].payload["outputs"] == {"video_url": "https://cdn.example.com/v.mp4", "duration_s": 2.5}
    assert "s3cret" not in repr(everything)
    assert run is not None
    assert (run.ended_at, run.exit_code) == (NOON + 100, 0)


async def test_the_last_change_is_the_event_committed_last(place: Place) -> None:
    """Its time counts even when it lies before that of an earlier event; it is there without any run, and to one who only looks."""
    with place.open() as store:
        await live(store, pending("a"), intent(NOON + 50))
        await live(store, pending("b"), intent(NOON), accepted(at=NOON + 1))
        assert store.last_change_at() == NOON + 1
    with place.open(read_only=True) as store:
        assert store.last_change_at() == NOON + 1
