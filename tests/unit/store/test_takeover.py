"""What a state learns when it is opened: from the lock file, and from renames in the manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.diagnostics import Span
from runner.core.errors import ManifestInvalid
from runner.core.job import State
from runner.core.renames import Rename, Renames
from runner.store.lock_file import LockFile
from tests.unit.store.lives import FILE, LOST, NOON, REFUSED, Place, accepted, delivered, intent, live, pending, ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.events import Event
    from runner.core.job import Job, OutputFile
    from runner.store.store import StateStore

WHOLE = (intent(), accepted(), ready(), delivered())
SPAN = Span("autumn.yaml", 9, 3)


def renames(**moved: str) -> Renames:
    """`moved:` with these old and new ids; two underscores stand for a slash."""
    return Renames(Rename(old.replace("__", "/"), new.replace("__", "/"), SPAN) for old, new in moved.items())


def lock_of(place: Place) -> LockFile:
    """The manifest's lock file; files are taken as they are."""
    path = place.base / "autumn.lock.jsonl"
    return LockFile(path=path, display="autumn.lock.jsonl", folder="outputs/autumn", stamped=_with_time)


def _with_time(output: OutputFile) -> OutputFile:
    return replace(output, mtime_ns=99)


def opened(place: Place, moved: Renames | None = None, *, read_only: bool = False) -> StateStore:
    """The state, opened with its lock file."""
    return place.open(lock_file=lock_of(place), renames=moved or Renames(), read_only=read_only)


def rows_of(store: StateStore) -> dict[str, Job]:
    """Every row by id; each id has one."""
    rows = list(store.all_rows())
    assert len({row.id for row in rows}) == len(rows)
    return {row.id: row for row in rows}


def lines(place: Place) -> list[dict[str, Any]]:
    """The lock file's lines."""
    return [json.loads(line) for line in lock_of(place).path.read_text(encoding="ascii").splitlines()]


async def told(place: Place, **jobs: Sequence[Event]) -> None:
    """Live through these stories and write the lock file; two underscores in a name stand for a slash."""
    with opened(place) as store:
        for name, story in jobs.items():
            await live(store, pending(name.replace("__", "/")), *story)
        store.write_lock_file()


def forget(place: Place) -> None:
    """Delete the whole state, its witness too: what a fresh checkout has."""
    for path in place.folder.iterdir():
        path.unlink()


async def test_a_line_says_what_was_paid_and_holds_no_address(place: Place) -> None:
    """One line a finished job, sorted by id, with path below the manifest's folder and without signed addresses."""
    await told(place, welcome__2=WHOLE, welcome__10=WHOLE, anna=WHOLE, open_one=(intent(), accepted()))
    assert [line["id"] for line in lines(place)] == ["anna", "welcome/10", "welcome/2"]
    assert lines(place)[0] == {
        "id": "anna",
        "fingerprint": "f1",
        "uses": "digital-human/avatar",
        "operation": "digital-human/avatar",
        "task_id": "t-1",
        "output": {
            "path": "outputs/autumn/eu/1.mp4",
            "sha256": "ab" * 32,
            "size_bytes": 1234,
            "media_type": "video/mp4",
            "duration_s": 2.5,
            "width": 64,
            "height": 36,
        },
        "outputs": {"duration_s": 2.5},
        "done_at": "2023-11-14T22:14:30Z",
    }


async def test_a_fresh_checkout_knows_what_was_paid(place: Place) -> None:
    """Without any state, the lock file's jobs have succeeded, with task, file and time; looking only shows the same and writes nothing."""
    await told(place, welcome__1=WHOLE)
    forget(place)
    with opened(place, read_only=True) as store:
        assert rows_of(store)["welcome/1"].state is State.SUCCEEDED
    assert not list(place.folder.iterdir())
    with opened(place) as store:
        assert store.taken_over.from_lock == 1
        row = rows_of(store)["welcome/1"]
    assert (row.state, row.task_id, row.done_at, row.uses) == (
        State.SUCCEEDED,
        "t-1",
        NOON + 70,
        "digital-human/avatar",
    )
    assert row.output == replace(FILE, mtime_ns=99)
    assert row.outputs == {"duration_s": 2.5}


async def test_reading_it_twice_changes_nothing(place: Place) -> None:
    """What was taken over is taken over once, and the file is not even read again while it stays the same."""
    await told(place, welcome__1=WHOLE)
    forget(place)
    opened(place).close()
    with opened(place) as store:
        assert not store.taken_over
        store.write_lock_file()
    assert len(lines(place)) == 1


async def test_writing_it_again_leaves_the_file_alone(place: Place) -> None:
    """A state in which nothing happened does not touch the file: git sees no change, not even in time."""
    await told(place, welcome__1=WHOLE)
    before = lock_of(place).path.stat().st_mtime_ns
    with opened(place) as store:
        store.write_lock_file()
    assert lock_of(place).path.stat().st_mtime_ns == before
    assert not list(place.base.glob(".*.part"))


async def test_a_deleted_file_is_written_again(place: Place) -> None:
    """The state tells it all once more."""
    await told(place, welcome__1=WHOLE)
    lock_of(place).path.unlink()
    with opened(place) as store:
        store.write_lock_file()
    assert [line["id"] for line in lines(place)] == ["welcome/1"]


async def test_nothing_paid_makes_no_file(place: Place) -> None:
    """A state without finished jobs writes none."""
    await told(place, welcome__1=(intent(),))
    assert not lock_of(place).path.exists()


GENERATION = events.TaskFailed(at=NOON + 4, failure=replace(REFUSED, cause=events.Cause.GENERATION))
GONE = events.DeliveryFailed(at=NOON + 90, failure=replace(REFUSED, cause=events.Cause.EXPIRED))


@pytest.mark.parametrize(
    ("story", "state", "task_id", "attempt"),
    [
        ((), State.SUCCEEDED, "t-1", 1),
        ((intent(), events.NotSent(at=NOON, reason="no")), State.SUCCEEDED, "t-1", 1),
        ((intent(), events.Refused(at=NOON, failure=REFUSED)), State.SUCCEEDED, "t-1", 1),
        ((events.Skipped(at=NOON, failure=REFUSED),), State.SUCCEEDED, "t-1", 1),
        ((intent(), accepted("t-9"), GENERATION), State.SUCCEEDED, "t-1", 2),
        ((intent(), accepted("t-1"), GENERATION), State.FAILED, "t-1", 1),
        ((intent(), accepted("t-1")), State.SUCCEEDED, "t-1", 1),
        ((intent(), accepted("t-1"), ready()), State.SUCCEEDED, "t-1", 1),
        ((intent(), accepted("t-9")), State.RUNNING, "t-9", 1),
        ((intent(),), State.SUBMITTING, None, 1),
        ((intent(), events.SubmitLost(at=NOON, failure=LOST)), State.IN_DOUBT, None, 1),
        ((intent(), accepted("t-9"), ready(), delivered()), State.SUCCEEDED, "t-9", 1),
        ((intent(), accepted("t-9"), ready(), GONE), State.FAILED, "t-9", 1),
    ],
)
async def test_what_a_state_takes_from_a_receipt(
    place: Place, story: Sequence[Event], state: State, task_id: str | None, attempt: int
) -> None:
    """A receipt never undoes what the state knows itself, and ends every wait for something that is paid already."""
    await told(place, welcome__1=WHOLE)
    receipt = lock_of(place).path.read_bytes()
    lock_of(place).path.unlink()
    forget(place)
    with opened(place) as store:
        await live(store, pending(), *story)
    lock_of(place).path.write_bytes(receipt)
    with opened(place) as store:
        row = rows_of(store)["welcome/1"]
    assert (row.state, row.task_id, row.attempt) == (state, task_id, attempt)


async def test_other_inputs_are_another_job(place: Place) -> None:
    """A receipt of other inputs stands beside the job as history, and the job itself stays unpaid."""
    await told(place, welcome__1=WHOLE)
    forget(place)
    with opened(place) as store:
        await live(store, pending(fingerprint="f2"), intent())
        states = {row.fingerprint: row.state for row in store.all_rows()}
    assert states == {"f1": State.SUCCEEDED, "f2": State.SUBMITTING}


async def test_the_last_delivery_of_an_id_is_told(place: Place) -> None:
    """When the inputs changed and the new job is home, the line is the new one's: a changed job is one changed line."""
    await told(place, welcome__1=WHOLE)
    with opened(place) as store:
        later = (intent(NOON + 100), accepted("t-2"), ready(NOON + 160), delivered(NOON + 170))
        await live(store, pending(fingerprint="f2"), *later)
        store.write_lock_file()
    assert [(line["fingerprint"], line["task_id"]) for line in lines(place)] == [("f2", "t-2")]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("<<<<<<< HEAD", "merge"),
        ("not json", "JSON"),
        ("[1]", "JSON"),
        ('{"id": "a"}', "fingerprint"),
        ("[" * 100_000, "JSON"),
    ],
)
async def test_a_broken_line_stops_everything(place: Place, line: str, word: str) -> None:
    """A line that cannot be read would be paid for again: the finding names file and line, and says what to do."""
    await told(place, welcome__1=WHOLE)
    path = lock_of(place).path
    path.write_text(path.read_text(encoding="ascii") + line + "\n", encoding="ascii")
    with pytest.raises(ManifestInvalid) as refused:
        opened(place).close()
    finding = refused.value.diagnostics[0]
    assert (finding.code, str(finding.span)) == ("M520", "autumn.lock.jsonl:2:1")
    assert word in " ".join((finding.message, *finding.notes))


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b.mp4", "a\\b.mp4", "a//b.mp4", ""])
async def test_a_path_that_leads_out_is_refused(place: Place, path: str) -> None:
    """A lock file comes from git and may be hostile: no path of it leads out of the output folder."""
    await told(place, welcome__1=WHOLE)
    line = lines(place)[0]
    line["output"]["path"] = path
    lock_of(place).path.write_text(json.dumps(line) + "\n", encoding="ascii")
    with pytest.raises(ManifestInvalid):
        opened(place).close()


# --- renames ----------------------------------------------------------------------------------------------------------


async def test_a_rename_carries_everything_over(place: Place) -> None:
    """Rows, history and task go with the new id; looking only shows it and writes nothing; a second time there is nothing to do."""
    await told(place, welcome__1=WHOLE, welcome__2=(intent(), accepted("t-2")), welcomes=WHOLE)
    moved = renames(welcome="greeting")
    before = place.database.read_bytes()
    with opened(place, moved, read_only=True) as store:
        assert sorted(rows_of(store)) == ["greeting/1", "greeting/2", "welcomes"]
    assert place.database.read_bytes() == before
    with opened(place, moved) as store:
        assert store.taken_over.renamed == {"greeting/1": "welcome/1", "greeting/2": "welcome/2"}
        assert rows_of(store)["greeting/2"].task_id == "t-2"
        assert [event.type for event in store.events("greeting/1")][-1] == "Renamed"
    with opened(place, moved) as store:
        assert not store.taken_over


@pytest.mark.parametrize(
    ("moved", "ids"),
    [
        ({"welcome__1": "greeting__1"}, ["greeting/1", "welcome/2"]),
        ({"welcome": "greeting", "welcome__1": "first"}, ["first", "greeting/2"]),
        ({"welcome": "hello", "hello": "greeting"}, ["greeting/1", "greeting/2"]),
        ({"hello": "greeting", "welcome": "hello"}, ["greeting/1", "greeting/2"]),
        ({"welcom": "greeting"}, ["welcome/1", "welcome/2"]),
    ],
)
async def test_which_ids_a_rename_is_about(place: Place, moved: dict[str, str], ids: list[str]) -> None:
    """An id and all below it; the longest entry counts; two renames in a row arrive at the last name."""
    await told(place, welcome__1=WHOLE, welcome__2=WHOLE)
    with opened(place, renames(**moved)) as store:
        assert sorted(rows_of(store)) == ids


async def test_a_job_of_the_new_id_stays(place: Place) -> None:
    """Where the new id has a job of the same inputs, that one is the job, and the old one is left in peace."""
    await told(place, old=WHOLE, new=(intent(), accepted("t-9")))
    with opened(place, renames(old="new")) as store:
        assert {row.id: row.task_id for row in store.all_rows()} == {"old": "t-1", "new": "t-9"}


async def test_the_witness_knows_the_new_id(place: Place) -> None:
    """A lost database comes back from the witness under the new id, also when `moved:` is gone from the manifest by then."""
    await told(place, welcome__1=(intent(), accepted()))
    opened(place, renames(welcome="greeting")).close()
    for path in place.folder.glob("state.db*"):
        path.unlink()
    with opened(place) as store:
        assert {row.id: row.state for row in store.all_rows()} == {"greeting/1": State.RUNNING}


async def test_a_restored_backup_learns_the_rename(place: Place) -> None:
    """A database from before the rename gets the new id from the witness: the job is not taken for a new one."""
    await told(place, welcome__1=(intent(), accepted()))
    backup = place.database.read_bytes()
    with opened(place, renames(welcome="greeting")) as store:
        await live(store, rows_of(store)["greeting/1"], ready(), delivered())
    place.database.write_bytes(backup)
    with opened(place, read_only=True) as store:
        assert list(rows_of(store)) == ["greeting/1"]
    with opened(place) as store:
        assert list(rows_of(store)) == ["greeting/1"]
        assert rows_of(store)["greeting/1"].task_id == "t-1"


async def test_a_rename_that_the_witness_missed_is_told_to_it(place: Place) -> None:
    """A kill between the commit and the witness's line: the next opening appends the line."""
    await told(place, welcome__1=(intent(), accepted()))
    before = place.witness.read_bytes()
    store = opened(place, renames(welcome="greeting"))
    copy = {path.name: path.read_bytes() for path in place.folder.iterdir()}
    store.close()
    for name, content in copy.items():
        (place.folder / name).write_bytes(content)
    place.witness.write_bytes(before)
    opened(place).close()
    kinds = [json.loads(line)["kind"] for line in place.witness.read_text(encoding="ascii").splitlines()]
    assert kinds.count("renamed") == 1


async def test_the_lock_file_follows_a_rename(place: Place) -> None:
    """A fresh checkout whose lock file has the old ids knows them under the new ones, and writes them so."""
    await told(place, welcome__1=WHOLE)
    forget(place)
    with opened(place, renames(welcome="greeting")) as store:
        assert list(rows_of(store)) == ["greeting/1"]
        store.write_lock_file()
    assert [line["id"] for line in lines(place)] == ["greeting/1"]


def test_many_renames() -> None:
    """Ten thousand entries cost no more for each id than one."""
    many = Renames(Rename(f"old/{number}", f"new/{number}", SPAN) for number in range(10_000))
    assert [many.new_id(f"old/{number}/en") for number in (0, 9_999)] == ["new/0/en", "new/9999/en"]
    assert many.new_id("other/1") is None
