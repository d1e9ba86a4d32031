"""What a state learns when it is opened: from the lock file, and from renames in the manifest."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.diagnostics import Span
from runner.core.errors import ManifestInvalid, StorageFailed
from runner.core.job import State
from runner.core.renames import Rename, Renames
from runner.store.lock_file import LockFile
from runner.store.receipts import decode_receipt
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
        store.write_lock_file({})


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
        "done_at": "2023-11-14T22:14:20Z",
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
        NOON + 60,
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
        store.write_lock_file({})
    assert len(lines(place)) == 1


async def test_writing_it_again_leaves_the_file_alone(place: Place) -> None:
    """A state in which nothing happened does not touch the file: git sees no change, not even in time."""
    await told(place, welcome__1=WHOLE)
    before = lock_of(place).path.stat().st_mtime_ns
    with opened(place) as store:
        store.write_lock_file({})
    assert lock_of(place).path.stat().st_mtime_ns == before
    assert not list(place.base.glob(".*.part"))


async def test_a_deleted_file_is_written_again(place: Place) -> None:
    """The state tells it all once more."""
    await told(place, welcome__1=WHOLE)
    lock_of(place).path.unlink()
    with opened(place) as store:
        store.write_lock_file({})
    assert [line["id"] for line in lines(place)] == ["welcome/1"]


async def test_a_file_that_is_fetched_again_is_no_younger(place: Place) -> None:
    """The line stays as it was: how old a result is counts from when it was seen first."""
    again = (events.Reopened(at=NOON + 9e5, reason="missing"), ready(at=NOON + 9e5), delivered(at=NOON + 9e5))
    await told(place, once=WHOLE, twice=(*WHOLE, *again))
    assert len({line["done_at"] for line in lines(place)}) == 1


async def test_another_machine_s_delivery_has_its_own_age(place: Place) -> None:
    """A submission of ours that was not accepted, long before it, says nothing about how old the result is."""
    await told(place, anna=WHOLE)
    forget(place)
    with place.open() as store:
        await live(store, pending("anna"), intent(at=NOON - 9e6), events.NotSent(at=NOON - 9e6, reason="no"))
    with opened(place) as store:
        row = rows_of(store)["anna"]
    assert (row.task_id, row.submitted_at, row.accepted_at, row.ready_at) == ("t-1", None, None, NOON + 60)


async def test_nothing_paid_makes_no_file(place: Place) -> None:
    """A state without finished jobs writes none."""
    await told(place, welcome__1=(intent(),))
    assert not lock_of(place).path.exists()


GENERATION = events.TaskFailed(at=NOON + 4, failure=replace(REFUSED, cause=events.Cause.GENERATION))
RETRIED = events.Retried(at=NOON + 200)
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
        ((intent(), accepted("t-9"), ready(), GONE), State.SUCCEEDED, "t-1", 2),
        ((intent(), accepted("t-1"), ready(), GONE), State.SUCCEEDED, "t-1", 1),
        ((*WHOLE, events.Reopened(at=NOON, reason="missing"), GONE), State.FAILED, "t-1", 1),
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
    """When the inputs changed long ago and the new job is home, the line is the new one's: a changed job is one changed line."""
    await told(place, welcome__1=WHOLE)
    with opened(place) as store:
        later = (intent(NOON + 100), accepted("t-2"), ready(NOON + 160), delivered(NOON + 170))
        await live(store, pending(fingerprint="f2"), *later)
        store.write_lock_file({})
    assert [(line["fingerprint"], line["task_id"]) for line in lines(place)] == [("f2", "t-2")]


GOOD: dict[str, Any] = {
    "id": "a",
    "fingerprint": "ab" * 32,
    "uses": "digital-human/avatar",
    "operation": "digital-human/avatar",
    "task_id": "t-1",
    "output": {"path": "outputs/autumn/a.mp4", "sha256": "ab" * 32, "size_bytes": 1, "media_type": "video/mp4"},
    "outputs": {},
    "done_at": "2026-11-20T02:14:09Z",
}


def changed(**fields: Any) -> str:
    """A good line with other values; what begins with `output_` is meant within `output`."""
    output = GOOD["output"] | {
        name.removeprefix("output_"): it for name, it in fields.items() if name.startswith("output_")
    }
    return json.dumps(GOOD | {"output": output} | {n: it for n, it in fields.items() if not n.startswith("output_")})


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("<<<<<<< HEAD", "merge"),
        ("not json", "JSON"),
        ("[1]", "JSON"),
        ('{"id": "a"}', "task_id"),
        ("[" * 100_000, "JSON"),
        ("{" + " " * 300_000 + "}", "JSON"),
        (changed(output_duration_s=float("nan")), "JSON"),
        (changed(output_duration_s=1).replace('"duration_s": 1', '"duration_s": 1e999'), "JSON"),
        (changed(output_duration_s=10**400), "duration_s"),
        (changed(output_duration_s="1"), "duration_s"),
        (changed(output_duration_s=-1), "duration_s"),
        (changed(output_width=True), "width"),
        (changed(output_height=-5), "height"),
        (changed(output_size_bytes=10**30), "size_bytes"),
        (changed(output_sha256="xyz"), "sha256"),
        (changed(output_media_type="video"), "media_type"),
        (changed(output_path=["a"]), "path"),
        (changed(output_path="a\ud800.mp4"), "JSON"),
        (changed(output_path="a\x1b[31m.mp4"), "path"),
        (changed(id="\ud800"), "JSON"),
        (changed(id="a\x1bb"), "id"),
        (changed(id="A/1"), "id"),
        (changed(task_id=".."), "task_id"),
        (changed(task_id="t 1"), "task_id"),
        (changed(task_id="t\n1"), "task_id"),
        (changed(task_id=17), "task_id"),
        (changed(uses="x"), "uses"),
        (changed(operation="x/y/z"), "operation"),
        (changed(fingerprint="F1"), "fingerprint"),
        (changed(done_at="9999-12-31T23:59:59-14:00"), "done_at"),
        (changed(done_at="0001-01-01T00:00:00Z"), "done_at"),
        (changed(done_at="2026-11-20T02:14:09"), "done_at"),
        (changed(done_at="2026-13-20T02:14:09Z"), "done_at"),
        (changed(outputs=[]), "outputs"),
        (changed(output=[]), "output"),
    ],
)
async def test_a_broken_line_stops_everything(place: Place, line: str, word: str) -> None:
    """A line that cannot be read would be paid for again, and one that we would never write is not ours: file, line and what to do."""
    await told(place, welcome__1=WHOLE)
    path = lock_of(place).path
    path.write_text(path.read_text(encoding="ascii") + line + "\n", encoding="ascii")
    with pytest.raises(ManifestInvalid) as refused:
        opened(place).close()
    finding = refused.value.diagnostics[0]
    assert (finding.code, str(finding.span)) == ("M520", "autumn.lock.jsonl:2:1")
    assert word in " ".join((finding.message, *finding.notes))


def test_the_line_that_the_others_are_made_of_is_good() -> None:
    """So each of them is refused for what it says it is."""
    assert decode_receipt(changed().encode(), "outputs/autumn").id == "a"


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b.mp4", "a\\b.mp4", "a//b.mp4", ""])
async def test_a_path_that_leads_out_is_refused(place: Place, path: str) -> None:
    """A lock file comes from git and may be hostile: no path of it leads out of the output folder."""
    await told(place, welcome__1=WHOLE)
    line = lines(place)[0]
    line["output"]["path"] = path
    lock_of(place).path.write_text(json.dumps(line) + "\n", encoding="ascii")
    with pytest.raises(ManifestInvalid):
        opened(place).close()


async def test_a_job_whose_file_is_fetched_again_keeps_its_line(place: Place) -> None:
    """Of two deliveries of one id the later stands, also when its file is gone and could not be fetched again."""
    await told(place, a=WHOLE)
    with opened(place) as store:
        later = (intent(NOON + 100), accepted("t-2"), ready(NOON + 160), delivered(NOON + 170))
        lost = (events.Reopened(at=NOON + 200, reason="missing"), events.DeliveryFailed(at=NOON + 300, failure=REFUSED))
        await live(store, pending("a", fingerprint="f2"), *later, *lost)
        store.write_lock_file({})
    assert [(line["fingerprint"], line["task_id"]) for line in lines(place)] == [("f2", "t-2")]


async def test_a_job_that_is_being_fetched_again_has_one_line(place: Place) -> None:
    """Its state is open, its line in the file is its own: it is not told twice."""
    await told(place, a=WHOLE)
    with opened(place) as store:
        await live(store, rows_of(store)["a"], events.Reopened(at=NOON + 200, reason="missing"))
        store.write_lock_file({})
    assert [line["id"] for line in lines(place)] == ["a"]


async def test_inputs_that_came_back_are_told(place: Place) -> None:
    """A, then B, then A again: the line is that of the inputs that the manifest asks for, although B was delivered last."""
    await told(place, a=WHOLE)
    with opened(place) as store:
        later = (intent(NOON + 100), accepted("t-2"), ready(NOON + 160), delivered(NOON + 170))
        await live(store, pending("a", fingerprint="f2"), *later)
        store.write_lock_file({"a": "f2"})
        assert [line["fingerprint"] for line in lines(place)] == ["f2"]
        store.write_lock_file({"a": "f1"})
    assert [line["fingerprint"] for line in lines(place)] == ["f1"]


async def test_inputs_that_changed_lately_are_told_too(place: Place) -> None:
    """As long as a provider may keep the result, going back to the earlier inputs costs nothing on a fresh checkout either."""
    yesterday = time.time() - 86_400
    with opened(place) as store:
        for number in (1, 2):
            story = (
                intent(yesterday),
                accepted(f"t-{number}", yesterday),
                ready(yesterday),
                delivered(yesterday + number),
            )
            await live(store, pending("a", fingerprint=f"f{3 - number}"), *story)
        store.write_lock_file({"a": "f1"})
    assert [(line["fingerprint"], line["task_id"]) for line in lines(place)] == [("f1", "t-2"), ("f2", "t-1")]


async def test_a_second_attempt_that_is_not_home_has_no_line(place: Place) -> None:
    """A line never mixes the task of one attempt with the file of another."""
    await told(place, a=(*WHOLE, events.Reopened(at=NOON + 80, reason="missing"), GONE, RETRIED))
    with opened(place) as store:
        row = rows_of(store)["a"]
        await live(store, row, intent(NOON + 300), accepted("t-2"), ready(NOON + 360))
        store.write_lock_file({})
    assert not lock_of(place).path.exists() or lines(place) == []


@pytest.mark.parametrize(
    "story",
    [
        (intent(),),
        (intent(), events.SubmitLost(at=NOON, failure=LOST)),
        (intent(), accepted("t-9")),
        (intent(), events.SubmitLost(at=NOON, failure=LOST), events.Abandoned(at=NOON, who="a@b", why="")),
    ],
)
async def test_lines_that_could_not_be_taken_over_stay(place: Place, story: Sequence[Event]) -> None:
    """What somebody else paid for is not forgotten because this state has a submission of its own under way."""
    await told(place, a=WHOLE)
    receipt = lock_of(place).path.read_bytes()
    lock_of(place).path.unlink()
    forget(place)
    with opened(place) as store:
        await live(store, pending("a"), *story)
    lock_of(place).path.write_bytes(receipt)
    with opened(place) as store:
        await live(store, pending("b"), *WHOLE)
        store.write_lock_file({})
    assert {line["id"]: line["task_id"] for line in lines(place)} == {"a": "t-1", "b": "t-1"}


async def test_lines_that_come_during_a_run_are_taken_over(place: Place) -> None:
    """A pull while the run is at work: its lines are read before the file is written, and none is lost."""
    await told(place, a=WHOLE)
    pulled = json.loads(lock_of(place).path.read_text(encoding="ascii")) | {"id": "b", "task_id": "t-b"}
    with opened(place) as store:
        await live(store, pending("c"), *WHOLE)
        with lock_of(place).path.open("a", encoding="ascii") as file:
            file.write(json.dumps(pulled) + "\n")
        store.write_lock_file({})
        assert rows_of(store)["b"].task_id == "t-b"
    assert [line["id"] for line in lines(place)] == ["a", "b", "c"]


async def test_a_merge_that_is_not_finished_when_the_run_ends_is_left_alone(place: Place) -> None:
    """Nothing is written over what cannot be read; the next run, with the file mended, tells it all."""
    await told(place, a=WHOLE)
    path = lock_of(place).path
    with opened(place) as store:
        await live(store, pending("c"), *WHOLE)
        path.write_text("<<<<<<< HEAD\n", encoding="ascii")
        with pytest.raises(StorageFailed, match=r"line 1"):
            store.write_lock_file({})
    assert path.read_text(encoding="ascii") == "<<<<<<< HEAD\n"
    path.write_text("", encoding="ascii")
    with opened(place) as store:
        store.write_lock_file({})
    assert [line["id"] for line in lines(place)] == ["a", "c"]


@pytest.mark.parametrize("rest", ["", "first"])
async def test_lines_that_were_lost_are_told_again(place: Place, rest: str) -> None:
    """A lock file that was cut short by a bad merge is made whole by the next run, although nothing else happens."""
    await told(place, a=WHOLE, b=WHOLE)
    path = lock_of(place).path
    path.write_text(path.read_text(encoding="ascii").splitlines(keepends=True)[0] if rest else "", encoding="ascii")
    with opened(place) as store:
        store.write_lock_file({})
    assert [line["id"] for line in lines(place)] == ["a", "b"]


def test_the_file_is_made_anew_and_never_through_a_link(place: Place) -> None:
    """A link under the name of the unfinished file leads nowhere: what it points to is left alone."""
    victim = place.base / "victim"
    victim.write_text("precious", encoding="ascii")
    (place.base / ".autumn.lock.jsonl.part").symlink_to(victim)
    with opened(place) as store:
        store.write_lock_file({})
    assert victim.read_text(encoding="ascii") == "precious"


def test_a_pipe_is_not_waited_for(place: Place) -> None:
    """A lock file that is no file ends the opening with what is wrong."""
    os.mkfifo(lock_of(place).path)
    with pytest.raises(StorageFailed, match="regular file"):
        opened(place).close()


async def test_looking_beside_a_run_that_writes(place: Place) -> None:
    """A look that has to learn something works on a sound copy, however busy the run is."""
    await told(place, a=WHOLE)
    moved = renames(a="b")
    with opened(place) as store:
        for number in range(60):
            story = [
                live(store, pending(f"c{number}/{more}"), intent(), accepted(f"t-{number}-{more}")) for more in range(5)
            ]
            await asyncio.gather(*story)
            look = await asyncio.to_thread(opened, place, moved, read_only=True)
            assert "b" in {row.id for row in look.all_rows()}
            look.close()


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


UNPAID: list[tuple[Event, ...]] = [
    (intent(), events.NotSent(at=NOON, reason="no")),
    (intent(), events.Refused(at=NOON, failure=REFUSED)),
    (events.Skipped(at=NOON, failure=REFUSED),),
]


@pytest.mark.parametrize("story", UNPAID)
async def test_a_job_that_was_never_paid_makes_room(place: Place, story: tuple[Event, ...]) -> None:
    """Renamed first and run, `moved:` written later: the paid job gets the new id, and the two stand so in the witness too."""
    await told(place, old=WHOLE, new=story)
    with opened(place, renames(old="new")) as store:
        assert store.taken_over.renamed == {"new": "old"}
        assert {row.id: row.task_id for row in store.all_rows()} == {"new": "t-1", "old": None}
    with opened(place, renames(old="new")) as store:
        assert not store.taken_over
    for path in place.folder.glob("state.db*"):
        path.unlink()
    with opened(place) as store:
        assert rows_of(store)["new"].task_id == "t-1"


async def test_an_old_rename_does_not_take_a_new_job_along(place: Place) -> None:
    """`a` became `b` and then `c`; a new `a` was paid since. A witness from before that tells the old renames once more: it stays `a`."""
    await told(place, a=(intent(), accepted("t-1")))
    opened(place, renames(a="b")).close()
    older = place.witness.read_bytes()
    opened(place, renames(b="c")).close()
    with opened(place) as store:
        await live(store, pending("a"), intent(time.time() + 10), accepted("t-new", time.time() + 11))
    place.witness.write_bytes(older)
    with opened(place) as store:
        assert {row.id: row.task_id for row in store.all_rows()} == {"a": "t-new", "c": "t-1"}


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
        store.write_lock_file({})
    assert [line["id"] for line in lines(place)] == ["greeting/1"]


def test_many_renames() -> None:
    """Ten thousand entries cost no more for each id than one."""
    many = Renames(Rename(f"old/{number}", f"new/{number}", SPAN) for number in range(10_000))
    assert [many.new_id(f"old/{number}/en") for number in (0, 9_999)] == ["new/0/en", "new/9999/en"]
    assert many.new_id("other/1") is None
