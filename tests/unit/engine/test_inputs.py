"""What is sent for a local file: its very bytes as they were planned, or nothing."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.diagnostics import Diagnostic
from runner.core.errors import ManifestInvalid
from runner.core.job import State
from runner.core.plan import Action
from runner.core.selection import Selection, parse
from runner.core.spec import FileInput
from runner.engine.inputs import FileChanged, with_files
from runner.engine.survey import Scope, select, survey
from tests.unit.engine.api import TAKES, complaint
from tests.unit.engine.world import MANIFEST, Sheet, World, spec

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
        (entry,) = survey(sheet, store, world.home, Scope(), lambda _: None)
        (chosen,) = select(sheet, store, Selection(), lambda _: None)
    assert (entry.decision.action, entry.decision.reason) == (Action.BLOCKED, "file `a.png` is not there")
    assert chosen.job is not None
    assert chosen.job.state is State.SUCCEEDED
