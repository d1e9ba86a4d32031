"""Jobs that build on others: one recording for many, made again when it is too old, refused unsent when its length does not fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import Job, State
from runner.core.plan import Action, FileState
from runner.core.ports import Traits
from runner.core.references import OutputRef, marker
from runner.core.spec import Limits
from runner.engine.reasons import explained
from runner.engine.survey import Scope, survey
from tests.unit.engine.api import TAKES, Forever, complaint, reply
from tests.unit.engine.speech import DAY_S, MONTH_S, SPEECH, sounds, speaking, speech, with_speech
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import Sheet, World, spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.plan import Decision
    from runner.core.spec import JobSpec

WITH_FILE = Traits(media="audio")


def decided(world: World, jobs: Sequence[JobSpec], *, retry_failed: bool = False) -> dict[str, Decision]:
    """What a run would do now."""
    sheet = Sheet(jobs, world.accounts, str(world.folder), ageing=world.ageing)
    with world.open() as store:
        scope = Scope(now=EPOCH + world.now, retry_failed=retry_failed, traits=world.traits)
        entries = explained(survey(sheet, store, world.home, scope, lambda _: None), sheet, store)
        return {entry.spec.id: entry.decision for entry in entries}


@pytest.fixture
def aged(world: World) -> World:
    """A recording and an avatar that speaks it, both delivered 31 days ago."""
    with_speech(world, is_immediate=True)
    world.run([speech(), speaking("anna")])
    world.now += 31 * DAY_S
    return world


# --- one for many -----------------------------------------------------------------------------------------------------


def test_one_recording_serves_many(world: World) -> None:
    """It is made once, all speak it, and while it is made it holds no slot but its own."""
    with_speech(world)
    world.change(limits=Limits(in_flight=50, submits_per_minute=60_000.0))
    jobs = [*(speaking(f"anna/{number:04d}") for number in range(300)), speech()]
    assert world.run(jobs).states == {State.SUCCEEDED: 301}
    made = Counter(post.job for post in world.api.posts)
    assert (made["voice"], made.total(), set(sounds(world).values())) == (1, 301, {"sound-voice.mp4"})
    assert world.api.posts[0].job == "voice"


def test_who_waits_holds_no_slot(world: World) -> None:
    """With room for two, an independent job is made beside the recording that others wait for."""
    with_speech(world)
    world.change(limits=Limits(in_flight=2, submits_per_minute=60.0))
    world.run([speech(), *(speaking(f"anna/{number}") for number in range(3)), spec("ben")])
    assert [post.job for post in world.api.posts][:2] == ["voice", "ben"]


@pytest.mark.parametrize("is_immediate", [False, True])
@pytest.mark.parametrize("traits", [Traits(delivers_file=False, media=None), WITH_FILE])
def test_every_form_of_a_recording_serves(world: World, traits: Traits, *, is_immediate: bool) -> None:
    """With a file and without one, in the reply or from a task: it is done, and its outputs go on."""
    with_speech(world, traits=traits, is_immediate=is_immediate)
    assert world.run([speech(), speaking("anna")]).states == {State.SUCCEEDED: 2}
    row = world.rows()["voice"]
    assert (row.output is not None, row.outputs["duration_s"]) == (traits.delivers_file, 12.0)
    assert sounds(world)["anna"] == row.outputs["audio_id"]
    assert world.story("voice") == [
        "SubmitStarted", "ReplyReceived", "Accepted", "TaskReady", "Delivered",
    ]  # fmt: skip


def test_a_recording_that_failed_skips_all_who_need_it(world: World) -> None:
    """Each says which job did not succeed, and none is sent."""
    with_speech(world)
    world.api.posts_script["voice"] = [complaint(400)]
    world.run([speech(), speaking("anna"), speaking("ben")])
    rows = world.rows()
    assert {rows[name].state for name in ("anna", "ben")} == {State.SKIPPED}
    assert "voice" in str(rows["anna"].failure)
    assert len(world.api.posts) == 1


# --- age --------------------------------------------------------------------------------------------------------------


def test_what_is_too_old_is_made_again_for_who_will_be_submitted(aged: World) -> None:
    """The recording is made anew, the new avatar speaks the new one, and the delivered avatar is left alone."""
    before = aged.rows()["voice"].task_id
    assert aged.run([speech(), speaking("anna"), speaking("ben")]).states == {State.SUCCEEDED: 3}
    assert aged.story("voice")[5:] == [
        "Renewed", "SubmitStarted", "ReplyReceived", "Accepted", "TaskReady", "Delivered",
    ]  # fmt: skip
    row = aged.rows()["voice"]
    assert (row.attempt, row.task_id, before) == (2, "t-voice-2", "t-voice-1")
    assert sounds(aged) == {"anna": "sound-t-voice-1", "ben": "sound-t-voice-2"}
    assert [post.job for post in aged.api.posts] == ["voice", "anna", "voice", "ben"]


def test_the_plan_shows_it_as_work_and_says_why(aged: World) -> None:
    """It is to be made again although nothing changed in what it asks for."""
    plan = decided(aged, [speech(), speaking("anna"), speaking("ben")])
    assert plan["voice"].action is Action.RECREATE
    assert plan["voice"].reason == "its outputs are 31 days old, and `ben` takes none older than 30 days"
    assert (plan["voice"].changes, plan["anna"].action) == ((), Action.UP_TO_DATE)


@pytest.mark.parametrize("jobs", [[speech(), speaking("anna")], [speech()], [speech(), spec("ben", needs=("voice",))]])
def test_what_nobody_needs_young_stays_however_old(aged: World, jobs: list[JobSpec]) -> None:
    """Nobody is submitted, or only jobs that take it at any age."""
    assert decided(aged, jobs)["voice"].action is Action.UP_TO_DATE


@pytest.mark.parametrize(("age_d", "action"), [(29.0, Action.UP_TO_DATE), (29.8, Action.RECREATE)])
def test_some_hours_are_left_for_the_run(world: World, age_d: float, action: Action) -> None:
    """Shortly before its end it is made again rather than found too old in the middle of the night."""
    with_speech(world)
    world.run([speech()])
    world.now = age_d * DAY_S
    assert decided(world, [speech(), speaking("ben")])["voice"].action is action


@pytest.mark.parametrize(("age_d", "action"), [(31, Action.RECREATE), (10, Action.UP_TO_DATE)])
def test_a_recording_of_the_lock_file_counts_from_its_receipt(world: World, age_d: int, action: Action) -> None:
    """The submission is not known there; the result came minutes after it."""
    with_speech(world)
    told = events.Recorded(at=EPOCH - age_d * DAY_S, task_id="t-9", output=None, outputs={"audio_id": "old"})
    world.live(Job(id="voice", fingerprint="f1", uses=SPEECH, operation=SPEECH), told)
    assert decided(world, [speech(), speaking("ben")])["voice"].action is action


def test_who_is_made_again_may_need_another_young(world: World) -> None:
    """A whole chain that has grown old is made anew from its beginning."""
    with_speech(world)
    second = speaking("second", uses=SPEECH, operation=SPEECH)
    world.run([second, speech()])
    world.now += 31 * DAY_S
    jobs = [second, speech(), speaking("ben", "second")]
    assert {job: it.action for job, it in decided(world, jobs).items()} == {
        "second": Action.RECREATE, "voice": Action.RECREATE, "ben": Action.CREATE,
    }  # fmt: skip
    world.run(jobs)
    assert [post.job for post in world.api.posts][2:] == ["voice", "second", "ben"]


def test_what_grows_too_old_during_a_run_is_not_sent(world: World) -> None:
    """The job fails unsent, and the next run makes the recording again before it tries again."""
    with_speech(world)
    world.ageing = {SPEECH: 3600.0}
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.api.task_s = lambda job: 4000.0 if job == "ben" else 10.0
    young = speaking("anna", ageing=(("voice", 3600.0),))
    world.run([speech()])
    world.run([spec("ben"), speech(), young])
    row = world.rows()["anna"]
    assert row.failure is not None
    assert (row.state, row.failure.cause, row.failure.code) == (State.FAILED, Cause.NOT_ACCEPTED, Code.OUTPUT_TOO_OLD)
    assert "anna" not in [post.job for post in world.api.posts]
    world.run([spec("ben"), speech(), young])
    assert [post.job for post in world.api.posts] == ["voice", "ben", "voice", "anna"]
    assert set(world.states().values()) == {"succeeded"}


def test_the_old_file_stays_until_the_new_one_is_there(world: World) -> None:
    """A run that is stopped while the new recording is made leaves the row with the file that stands on the disk."""
    with_speech(world, traits=WITH_FILE)
    world.run([speech()])
    before = world.rows()["voice"].output
    world.now += 31 * DAY_S
    world.stop_at(10.0)
    world.run([speech(), speaking("ben")])
    row = world.rows()["voice"]
    assert (row.state, row.output) == (State.RUNNING, before)
    assert before is not None


def test_a_renewal_that_is_refused_skips_who_needs_it(aged: World) -> None:
    """Nothing is spoken that the provider has forgotten."""
    aged.api.posts_script["voice"] = [complaint(400), TAKES]
    aged.run([speech(), speaking("ben")])
    assert (aged.states()["voice"], aged.states()["ben"]) == ("failed", "skipped")


# --- length -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lasts_s", "bounds", "words"),
    [
        (1.5, (2.0, 300.0), "lasts 1.5 s, and 2 to 300 s is taken"),
        (301.0, (2.0, 300.0), "lasts 301 s, and 2 to 300 s is taken"),
        (301.0, (None, 300.0), "lasts 301 s, and at most 300 s is taken"),
        (1.0, (2.0, None), "lasts 1 s, and 2 s and more is taken"),
    ],
)
def test_a_recording_of_the_wrong_length_is_not_sent(
    world: World, lasts_s: float, bounds: tuple[float | None, float | None], words: str
) -> None:
    """The job fails unsent with the limit and the found value, and stays so until the recording is another one."""
    with_speech(world, lasts_s=lasts_s)
    jobs = [speech(), speaking("anna", lengths=(("voice", *bounds),))]
    world.run(jobs)
    failure = world.rows()["anna"].failure
    assert failure is not None
    assert (failure.cause, failure.code) == (Cause.REFUSED, Code.OUTPUT_LENGTH)
    assert words in failure.message
    assert [post.job for post in world.api.posts] == ["voice"]
    assert decided(world, jobs)["anna"].action is Action.BLOCKED
    assert decided(world, jobs, retry_failed=True)["anna"].action is Action.CREATE


@pytest.mark.parametrize("lasts_s", [2.0, 300.0, None])
def test_a_recording_within_the_bounds_or_of_unknown_length_is_sent(world: World, lasts_s: float | None) -> None:
    """The bounds are among what is taken, and what nobody knows is left to the provider."""
    with_speech(world, lasts_s=lasts_s)
    assert world.run([speech(), speaking("anna")]).states == {State.SUCCEEDED: 2}


def test_the_age_of_a_month_is_the_providers() -> None:
    """The tests' month is the one that the schema of `kling/avatar` gives to a recording."""
    assert MONTH_S == 2_592_000


# --- files that are gone ----------------------------------------------------------------------------------------------

GONE = reply(400, {"code": "task_not_exist", "message": "no such task", "data": None})


def lost(world: World, **traits: Any) -> None:
    """A recording with a file, delivered, whose file is missing now."""
    with_speech(world, traits=replace(WITH_FILE, **traits), is_immediate=True)
    world.run([speech()])
    world.home.lost["voice.mp4"] = FileState.MISSING


def test_who_needs_a_delivered_job_does_not_wait_for_its_file(world: World) -> None:
    """The file is fetched again beside it, and counts as work of its own."""
    lost(world)
    world.home.transfer_s = 500.0
    outcome = world.run([speech(), speaking("anna")])
    assert outcome.states == {State.SUCCEEDED: 2}
    log = world.log
    assert log.index(("post", "anna")) < len(log) - 1 - log[::-1].index(("commit", "voice: Delivered"))


def test_a_file_that_is_not_to_be_had_stops_nobody(world: World) -> None:
    """The recording fails, what it gave is spoken all the same, in this run and in the next."""
    lost(world)
    world.api.gets_script["voice"] = Forever([GONE])
    world.run([speech(), speaking("anna")])
    assert (world.states()["voice"], world.states()["anna"]) == ("failed", "succeeded")
    world.run([speech(), speaking("anna"), speaking("ben")])
    assert world.states()["ben"] == "succeeded"
    assert set(sounds(world).values()) == {"sound-t-voice-1"}


def test_a_recording_that_is_too_old_and_lost_is_made_again_only_for_who_needs_it(world: World) -> None:
    """By itself a missing file makes nothing anew."""
    lost(world)
    world.api.gets_script["voice"] = Forever([GONE])
    world.run([speech()])
    world.now += 31 * DAY_S
    assert decided(world, [speech()])["voice"].action is Action.BLOCKED
    assert decided(world, [speech(), speaking("ben")])["voice"].action is Action.RECREATE
    world.run([speech(), speaking("ben")])
    assert sounds(world) == {"ben": "sound-t-voice-2"}


def test_an_api_that_cannot_be_asked_is_not_asked_for_a_lost_file(world: World) -> None:
    """The plan says so, and who needs the recording is sent at once."""
    lost(world, can_be_asked=False)
    asked = len(world.api.gets)
    assert decided(world, [speech()])["voice"].action is Action.BLOCKED
    world.run([speech(), speaking("anna")])
    assert world.states()["anna"] == "succeeded"
    assert "voice" not in [job for _, job in world.api.gets[asked:]]


@pytest.mark.parametrize(("submitted", "action"), [(False, Action.RECREATE), (True, Action.UP_TO_DATE)])
def test_only_what_the_lock_file_left_out_is_made_again(world: World, action: Action, *, submitted: bool) -> None:
    """What this state has submitted gave all that it ever gives: another one would give no more."""
    with_speech(world, traits=Traits(delivers_file=False, media=None, can_be_asked=False), is_immediate=True)
    ben = speaking("ben", inputs={**spec("ben").inputs, "audio_url": marker(OutputRef("voice", "audio_url"))})
    if submitted:
        world.run([speech()])
    else:
        told = events.Recorded(at=EPOCH, task_id="t-9", output=None, outputs={"audio_id": "old"})
        world.live(Job(id="voice", fingerprint="f1", uses=SPEECH, operation=SPEECH), told)
    assert decided(world, [speech(), ben])["voice"].action is action
