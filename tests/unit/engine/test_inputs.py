"""What is sent for a local file: its very bytes as they were planned, or nothing."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.diagnostics import Diagnostic
from runner.core.errors import ManifestInvalid
from runner.core.job import Job, State
from runner.core.plan import Action
from runner.core.selection import Selection, parse
from runner.core.spec import FileInput
from runner.engine.inputs import FileChanged, with_files
from runner.engine.survey import Census, Scope, orphans, select, survey
from tests.unit.engine.api import LOST, TAKES, complaint
from tests.unit.engine.world import MANIFEST, USES, Sheet, World, spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = bytes(range(256)) * 300


def planned(path: Path, *at: str | int) -> FileInput:
    """The file as it is now."""
    content = path.read_bytes()
    return FileInput(
        at=at or ("audio_url",),
        written=path.name,
        path=str(path),
        sha256=sha256(content).hexdigest(),
        size_bytes=len(content),
    )


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A file of 76,800 bytes."""
    path = tmp_path / "anna.png"
    path.write_bytes(CONTENT)
    return path


def cut_short(path: Path) -> None:
    """End a byte too early."""
    path.write_bytes(CONTENT[:-1])


def grow(path: Path) -> None:
    """End a byte too late."""
    path.write_bytes(CONTENT + b"x")


def alter(path: Path) -> None:
    """As long as before, and as old."""
    facts = path.stat()
    path.write_bytes(b"?" + CONTENT[1:])
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def become_a_pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def become_a_folder(path: Path) -> None:
    """A folder."""
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Callable[[Path], None]] = {
    "gone": lambda path: path.unlink(),
    "shorter": cut_short,
    "longer": grow,
    "altered": alter,
    "pipe": become_a_pipe,
    "folder": become_a_folder,
}


async def test_bytes_go_as_raw_base64(face: Path) -> None:
    """Each file stands in its place, without a prefix; the inputs that others hold stay as they are."""
    inputs: dict[str, Any] = {"image": {"file": "anna.png"}, "faces": ["x", {"file": "anna.png"}], "mode": "std"}
    before = json.dumps(inputs)
    sent = await with_files(inputs, [planned(face, "image"), planned(face, "faces", 1)])
    assert b64decode(sent["image"], validate=True) == b64decode(sent["faces"][1], validate=True) == CONTENT
    assert (sent["faces"][0], sent["mode"]) == ("x", "std")
    assert json.dumps(inputs) == before


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    """No bytes are sent as no bytes."""
    (tmp_path / "empty").touch()
    sent = await with_files({"image": {"file": "empty"}}, [planned(tmp_path / "empty", "image")])
    assert sent == {"image": ""}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_is_another_one_now_is_not_sent(face: Path, change: str) -> None:
    """Whatever became of the file, the message names it as the manifest does."""
    file = planned(face)
    CHANGES[change](face)
    with pytest.raises(FileChanged, match=r"file anna\.png"):
        await with_files({"audio_url": {"file": "anna.png"}}, [file])


def sending(face: Path, job_id: str = "anna") -> Any:
    """A job that sends the file as it is now."""
    return spec(job_id, files=(planned(face),), inputs={**spec(job_id).inputs, "audio_url": {"file": "anna.png"}})


def test_the_intent_keeps_the_digest_and_not_the_bytes(world: World, tmp_path: Path) -> None:
    """However short a file is, its bytes stay out of the state; the digest is that of the exact request."""
    short = tmp_path / "short.mp3"
    short.write_bytes(b"hello")
    world.run([sending(short)])
    job, (post,) = world.rows()["anna"], world.api.posts
    assert json.loads(post.body)["audio_url"] == "aGVsbG8="
    assert (job.state, job.request, job.request_sha256) == (State.SUCCEEDED, None, sha256(post.body).hexdigest())


def test_a_submission_that_is_told_to_wait_reads_the_file_again(world: World, face: Path) -> None:
    """After "not now" the same bytes go out once more."""
    world.api.posts_script["anna"] = [complaint(429), TAKES]
    world.run([sending(face)])
    first, second = world.api.posts
    assert first.body == second.body
    assert world.states() == {"anna": "succeeded"}


@pytest.mark.parametrize("change", ["gone", "altered"])
def test_nothing_is_sent_for_a_changed_file(world: World, face: Path, change: str) -> None:
    """The job fails as not accepted and gives slot and money back; once the file is as it was planned, the next run sends it."""
    world.price("0.20")
    job = sending(face)
    CHANGES[change](face)
    outcome = world.run([job, spec("ben")], budget="0.20")
    assert outcome.submitted == 1
    failure = world.rows()["anna"].failure
    assert failure is not None
    assert (failure.code, failure.cause) == ("P602", "not_accepted")
    assert "nothing was sent: file anna.png" in failure.message
    assert world.states() == {"anna": "failed", "ben": "succeeded"}
    face.write_bytes(CONTENT)
    world.run([job], budget="1.00")
    assert world.states()["anna"] == "succeeded"
    assert world.story("anna") == [
        "GaveUp",
        "Requeued",
        "SubmitStarted",
        "ReplyReceived",
        "Accepted",
        "TaskReady",
        "Delivered",
    ]


MISSING = (Diagnostic(code="M501", message="file `a.png` is not there", span=MANIFEST),)


def test_a_missing_file_stops_a_run_before_anything_is_sent(world: World) -> None:
    """The finding is said once, however many jobs lack the file, and nothing of the others is sent."""
    lacking = [spec(f"ben/{number}", obstacles=MISSING, fingerprint="?") for number in range(3)]
    with pytest.raises(ManifestInvalid) as caught:
        world.run([spec("anna"), *lacking])
    assert caught.value.diagnostics == MISSING
    assert world.api.posts == []


def test_a_missing_file_of_a_job_that_was_not_chosen_stops_nothing(world: World) -> None:
    """Only what a run is about has to be there."""
    jobs = [spec("anna"), spec("ben", obstacles=MISSING, fingerprint="?")]
    world.run(jobs, selection=parse(["anna"], []))
    assert world.states() == {"anna": "succeeded"}


def test_a_job_without_its_file_is_blocked_and_keeps_its_history(world: World) -> None:
    """The plan says what is missing; what was made before stays what the job is known by."""
    world.run([spec("anna")])
    sheet = Sheet([spec("anna", obstacles=MISSING, fingerprint="?")], world.accounts, str(world.folder))
    with world.open() as store:
        (entry,) = survey(sheet, store, world.home, Scope(now=0.0), lambda _: None)
        (chosen,) = select(sheet, store, Selection(), lambda _: None)
    assert (entry.decision.action, entry.decision.reason) == (Action.BLOCKED, "file `a.png` is not there")
    assert chosen.job is not None
    assert chosen.job.state is State.SUCCEEDED


LACKING = spec("anna", obstacles=MISSING, fingerprint="?")


def begun(world: World, state: State, fingerprint: str = "f1", uses: str = USES) -> None:
    """Write a job's life so far into the state."""
    job = Job(id="anna", fingerprint=fingerprint, uses=uses, operation=USES)
    intent = events.SubmitStarted(
        at=1.0, external_id="cs-1", request_sha256="", request=None, reserved=None, output_stem="anna"
    )
    story: dict[State, tuple[events.Event, ...]] = {
        State.SUBMITTING: (),
        State.IN_DOUBT: (events.SubmitLost(at=2.0, failure=events.Failure(cause=None, code="P501", message="lost")),),
        State.RUNNING: (events.Accepted(at=2.0, task_id="t-1"),),
        State.DOWNLOADING: (
            events.Accepted(at=2.0, task_id="t-1"),
            events.TaskReady(at=3.0, address="https://cdn.example.com/x.mp4"),
        ),
        State.PENDING: (events.NotSent(at=2.0, reason="later"),),
    }
    world.live(job, intent, *story[state])


def looked_at(world: World) -> tuple[Any, list[str], bool]:
    """The decision for the job that lacks a file, the orphans, and whether a pass would look for any."""
    sheet, census = Sheet([LACKING], world.accounts, str(world.folder)), Census()
    with world.open() as store:
        (entry,) = survey(sheet, store, world.home, Scope(now=0.0), lambda _: None, census=census)
        return entry.decision, [row.id for row in orphans(sheet, store)], census.may_miss_orphans(store.count())


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.SUBMITTING, Action.REATTACH),
        (State.RUNNING, Action.REATTACH),
        (State.DOWNLOADING, Action.REATTACH),
        (State.IN_DOUBT, Action.IN_DOUBT),
        (State.PENDING, Action.BLOCKED),
    ],
)
def test_what_is_paid_is_the_job_although_its_file_is_gone(world: World, state: State, action: Action) -> None:
    """A task that may run at the provider is the job itself, not an orphan; what was never taken is blocked."""
    begun(world, state)
    decision, strangers, may_have_strangers = looked_at(world)
    assert (decision.action, strangers, may_have_strangers) == (action, [], False)
    assert ("file `a.png` is not there" in decision.reason) == (action is not Action.IN_DOUBT)


def test_an_earlier_task_stays_an_orphan(world: World) -> None:
    """Only the newest row of an id is the job: what was submitted before other inputs were asked for is not delivered in their place."""
    begun(world, State.RUNNING)
    begun(world, State.PENDING, "f2")
    decision, strangers, may_have_strangers = looked_at(world)
    assert (decision.action, strangers, may_have_strangers) == (Action.BLOCKED, ["anna"], True)


def test_a_task_of_another_operation_is_not_the_job(world: World) -> None:
    """What the id asked for on another kind of account is none of what it asks for now."""
    begun(world, State.RUNNING, uses="digital-human/other")
    assert looked_at(world)[:2] == (looked_at(world)[0], ["anna"])
    assert looked_at(world)[0].action is Action.BLOCKED


def test_a_paid_task_comes_home_without_its_file(world: World) -> None:
    """The run follows it and sends nothing; once it is home, the missing file is a finding again."""
    world.stop_at(10.0, "deadline")
    world.run([spec("anna")])
    assert world.states() == {"anna": "running"}
    world.on_start = lambda _run: None
    outcome = world.run([LACKING])
    assert (outcome.submitted, outcome.states, len(world.api.posts)) == (0, {State.SUCCEEDED: 1}, 1)
    with pytest.raises(ManifestInvalid):
        world.run([LACKING])


def test_what_was_not_taken_is_not_sent_without_its_file(world: World) -> None:
    """A run that died with "not now" in its hands leaves a job that would be sent again: not without its file."""
    begun(world, State.SUBMITTING)
    with world.open() as store:
        (row,) = store.all_rows()
    world.live(row, events.ReplyReceived(at=2.0, reply=complaint(429)))
    world.run([LACKING])
    failure = world.rows()["anna"].failure
    assert failure is not None
    assert (failure.code, failure.message) == ("P602", "nothing was sent: file `a.png` is not there")
    assert world.api.posts == []


def test_a_doubt_without_its_file_stops_no_run(world: World) -> None:
    """The others are made, and the doubt is left as it was."""
    world.api.posts_script["anna"] = [LOST]
    world.run([spec("anna")])
    world.run([LACKING, spec("ben")])
    assert world.states() == {"anna": "in_doubt", "ben": "succeeded"}
