"""What grew too old and is made again: under an id that finds no old task, and without losing what was delivered when nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.identity import external_id
from runner.core.job import Job, OutputFile, State
from runner.core.ports import Traits
from runner.core.spec import FileInput
from runner.engine.submit import own_id_of
from tests.unit.engine.api import complaint
from tests.unit.engine.own_ids import KnowingApi, knowing
from tests.unit.engine.speech import DAY_S, MONTH_S, speaking, speech, with_speech
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import USES, World, spec

if TYPE_CHECKING:
    from runner.core.spec import JobSpec

VIDEO = OutputFile(path="clip.mp4", sha256="ab" * 32, size_bytes=1000, mtime_ns=1, media_type="video/mp4")
GONE = FileInput(at=("audio_url",), written="a.mp3", path="/nonexistent/a.mp3", sha256="00", size_bytes=3)
PAID = events.Recorded(at=EPOCH - 35 * DAY_S, task_id="t-2", output=VIDEO, outputs={"video_id": "v"})


def clip() -> Job:
    """A row before anything happened."""
    return Job(id="clip", fingerprint="f1", uses=USES, operation=USES)


@pytest.fixture
def aged(world: World) -> World:
    """A recording with a file that was delivered 31 days ago."""
    with_speech(world, traits=Traits(media="audio"))
    world.run([speech()])
    world.now += 31 * DAY_S
    return world


# --- whose task it is -------------------------------------------------------------------------------------------------


def test_a_renewal_does_not_find_the_task_that_it_replaces(world: World) -> None:
    """The state was built from the lock file, so this is attempt 2 for it; the provider's attempt 2 is the very task that grew old."""
    api = world.api = KnowingApi(world.say)
    world.apis = dict.fromkeys(world.accounts, api)
    world.operations = knowing()
    world.ageing = {USES: MONTH_S}
    for number, age_d in ((1, 70.0), (2, 35.0)):
        api.tasks[f"t-{number}"] = ("clip", -age_d * DAY_S, 60.0 - age_d * DAY_S)
        api.own[external_id("spring", "clip", "f1", number)] = (f"t-{number}", -age_d * DAY_S)
    world.live(clip(), PAID)
    world.run([spec("clip"), speaking("user", "clip", inputs=spec("user").inputs)])
    row = world.rows()["clip"]
    assert [post.job for post in api.posts] == ["clip", "user"]
    assert (row.task_id in ("t-1", "t-2"), row.external_id) == (
        False,
        external_id("spring", "clip", "f1", 2, replaces="t-2"),
    )


EXPIRED = Failure(cause=Cause.EXPIRED, code=Code.RESULT_EXPIRED, message="kept no longer")
NO_FACE = Failure(cause=Cause.GENERATION, code=Code.GENERATION_FAILED, message="no face")


def test_an_attempt_that_replaces_a_result_is_named_after_it(world: World) -> None:
    """Too old, or kept no longer; after one that failed without a result, the number names the next."""
    again = events.Reopened(at=EPOCH, reason="missing")
    world.live(clip(), PAID)
    assert own_id_of("spring", world.rows()["clip"]) == (external_id("spring", "clip", "f1", 2, replaces="t-2"), False)
    world.live(world.rows()["clip"], again, events.DeliveryFailed(at=EPOCH, failure=EXPIRED))
    assert own_id_of("spring", world.rows()["clip"]) == (external_id("spring", "clip", "f1", 9, replaces="t-2"), False)
    begun = events.SubmitStarted(
        at=EPOCH, external_id="own-1", request_sha256="", request=None, reserved=None, output_stem="ben"
    )
    world.live(
        Job(id="ben", fingerprint="f1", uses=USES, operation=USES),
        begun,
        events.Accepted(at=EPOCH, task_id="t-1"),
        events.TaskFailed(at=EPOCH, failure=NO_FACE),
    )
    assert own_id_of("spring", world.rows()["ben"]) == (external_id("spring", "ben", "f1", 2), False)


# --- what is not sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("voice", "why"),
    [
        (speech(files=(GONE,)), "a.mp3"),
        (speech(needs=("base",)), "`base` did not succeed"),
        (speech(needs=("base",), ageing=(("base", 1.0),)), "`base` did not succeed"),
    ],
)
def test_a_renewal_that_is_not_sent_leaves_what_was_delivered(aged: World, voice: JobSpec, why: str) -> None:
    """Its row and its receipt stay; who needs it young fails unsent with the reason, who takes it at any age is made."""
    before = aged.rows()["voice"]
    aged.api.posts_script["base"] = [complaint(400)]
    base = [spec("base")] if voice.needs else []
    aged.run([*base, voice, speaking("ben"), speaking("old", ageing=())])
    rows = aged.rows()
    assert rows["voice"] == before
    assert (rows["ben"].state, rows["old"].state) == (State.FAILED, State.SUCCEEDED)
    failure = rows["ben"].failure
    assert failure is not None
    assert (failure.cause, failure.code) == (Cause.NOT_ACCEPTED, Code.OUTPUT_TOO_OLD)
    assert "it could not be made again" in failure.message
    assert why in failure.message


def test_a_renewal_on_an_account_that_takes_nothing_waits_as_it_was(aged: World) -> None:
    """Stopped before it was sent, it is delivered as before, and nobody is told that it failed."""
    before = aged.rows()["voice"]
    aged.api.posts_script["first"] = [complaint(402)]
    outcome = aged.run([spec("first"), speech(), speaking("ben")])
    assert aged.rows()["voice"] == before
    assert list(outcome.account_stops) == ["digital-human"]
    assert "ben" not in aged.rows()


def test_a_renewal_that_is_not_sent_leaves_a_task_whose_file_could_not_be_fetched(aged: World) -> None:
    """It is paid, and a later run may fetch it."""
    unplayable = Failure(cause=Cause.FETCH, code=Code.RESULT_DAMAGED, message="no picture")
    again = (events.Reopened(at=EPOCH, reason="missing"), events.DeliveryFailed(at=EPOCH, failure=unplayable))
    aged.live(aged.rows()["voice"], *again)
    before = aged.rows()["voice"]
    aged.run([speech(files=(GONE,)), speaking("ben")])
    assert aged.rows()["voice"] == before
