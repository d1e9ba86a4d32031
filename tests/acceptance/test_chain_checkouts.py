"""Chains on a fresh checkout and after a long time: what was paid is used, what is not to be had is made again, and the plan says so first."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.campaign import speeches
from tests.fakeapi.script import ACCEPT, GENERATION_FAILED, accepted, by_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakeapi.ledger import Create
    from tests.stage import Stage

SPEECH = accepted(seconds=0.2, duration="25.0")
"""Long enough for an avatar, and for a sample of a voice."""
DAY_S = 86_400.0
LINE = "This is line {}."


@pytest.fixture
def chain(make_stage: Callable[..., Stage]) -> Stage:
    """A voice, two lines that it speaks, an avatar for each of them, and a video of another API that takes a line by its address: all made.

    As at Kling itself, a sound cannot be asked for again.
    """
    stage = make_stage(provider="kling", jobs=2)
    stage.server.kling.tells_speech = False
    stage.script(by_operation({"kling/tts": SPEECH}, ACCEPT))
    campaign = stage.campaign
    campaign.add_account("digital-human", "digital-human")
    hello = campaign.manifest["jobs"].pop("hello")
    del hello["with"]["sound_file"]
    hello["with"]["audio_id"] = "{{ jobs['line/' ~ row.key].outputs.audio_id }}"
    campaign.add_job(
        "anna", "kling/voice", {"voice_name": "Anna", "voice_url": "https://sounds.example.com/a.mp3"}, "Anna"
    )
    line = {
        "text": LINE.format("{{ row.key }}"),
        "voice_id": "{{ jobs['anna'].outputs.voice_id }}",
        "voice_language": "en",
    }
    campaign.add_job("line", "kling/tts", line, "", foreach=hello["foreach"])
    del campaign.others["line"]
    campaign.others |= {f"line/{key}": LINE.format(key) for key in campaign.rows}
    campaign.manifest["jobs"]["hello"] = hello
    speak_elsewhere(stage, "Good morning.")
    campaign.manifest["prices"] = {"kling/tts": {"per_job": "0.01"}, "kling/avatar": {"per_second": "0.05"}}
    campaign.write()
    stage.run()
    return stage


def check_out(stage: Stage, *, with_outputs: bool) -> None:
    """A fresh clone, which has the lock file and perhaps the videos."""
    shutil.rmtree(stage.campaign.folder / ".callsheet")
    if not with_outputs:
        shutil.rmtree(stage.places.outputs)


def speak_elsewhere(stage: Stage, text: str) -> None:
    """The video of the other API, which copies the voice of a line by its address."""
    sample = "{{ jobs['line/p01'].outputs.audio_url }}"
    voice = {"audio_url": sample, "language": "en", "text": text}
    inputs = {"avatar_url": "https://pictures.example.com/anna.png", "create_voice": voice}
    stage.campaign.add_job("elsewhere", "digital-human/avatar", inputs, text)


def ask_for_more(stage: Stage, job: str) -> None:
    """Change what a job asks for, so that it is made again, from what it needs as before."""
    if job == "hello":
        stage.campaign.rows = speeches(2, "friend")
    else:
        speak_elsewhere(stage, "Good evening.")
    stage.campaign.write()


def make_anew(stage: Stage, *jobs: str) -> None:
    """Do as the run advises about files that are missing."""
    for job in jobs:
        stage.allow_again(job)
    stage.run("--retry-failed")


def turn_back(stage: Stage, days: float) -> None:
    """Let everything in the state have happened so long ago."""
    with closing(sqlite3.connect(stage.places.state)) as state, state:
        for column in ("submitted_at", "accepted_at", "ready_at", "done_at"):
            state.execute(f"UPDATE jobs SET {column} = {column} - ?", (days * DAY_S,))


def planned(stage: Stage) -> dict[str, dict[str, Any]]:
    """The jobs of `plan --json`, by id."""
    told = json.loads(stage.callsheet("plan", "campaign.yaml", "--json").expect(0).stdout)
    return {job["id"]: job for job in told["jobs"]}


def made(stage: Stage, since: int) -> list[str]:
    """The operations that were submitted since so many submissions, in order."""
    return [create.operation for create in stage.ledger.creates[since:]]


def last(stage: Stage, operation: str) -> Create:
    """The newest submission of an operation."""
    return [create for create in stage.ledger.creates if create.operation == operation][-1]


# --- a fresh checkout -------------------------------------------------------------------------------------------------


def test_avatars_speak_what_the_lock_file_names(chain: Stage) -> None:
    """New avatars are sent at once with the recordings that are paid, whose files are missing and cannot be had again; nobody is asked."""
    check_out(chain, with_outputs=False)
    ask_for_more(chain, "hello")
    plan = planned(chain)
    assert {job: plan[job]["action"] for job in ("line/p01", "line/p02", "hello/p01", "hello/p02")} == {
        "line/p01": "blocked",
        "line/p02": "blocked",
        "hello/p01": "recreate",
        "hello/p02": "recreate",
    }
    assert plan["line/p01"]["reason"] == (
        "its file is missing, and its API cannot be asked for it again; --retry-failed makes it anew"
    )
    before, sounds, began = len(chain.ledger.creates), [f"a-{task.id}" for task in tasks(chain)], time.monotonic()
    chain.run(code=1)
    assert time.monotonic() - began < 20
    assert made(chain, before) == ["kling/avatar", "kling/avatar"]
    assert sorted(create.fields["audio_id"] for create in chain.ledger.creates[before:]) == sorted(sounds)
    assert not {task.id for task in tasks(chain)} & {asked for _, asked in chain.ledger.polls}
    rows = {job["id"]: job for job in chain.report()["jobs"]}
    assert {rows[job]["state"] for job in ("hello/p01", "hello/p02")} == {"succeeded"}
    assert "--retry-failed" in rows["line/p01"]["error"]["next"]
    make_anew(chain, "line/p01", "line/p02")
    assert made(chain, before)[2:] == ["kling/tts", "kling/tts"]


def tasks(stage: Stage) -> list[Any]:
    """The sounds that were made."""
    return [task for task in stage.ledger.tasks.values() if task.operation == "kling/tts"]


def test_files_that_are_missing_are_made_anew_only_when_asked_for(chain: Stage) -> None:
    """`--retry-failed` allows it; what was not asked for stays as it is."""
    check_out(chain, with_outputs=False)
    before = len(chain.ledger.creates)
    chain.run(code=1)
    assert made(chain, before) == []
    chain.allow_again("line/p01")
    chain.run("--retry-failed", "--select", "line/p01")
    assert made(chain, before) == ["kling/tts"]
    assert (chain.places.outputs / "line/p01.mp3").exists()
    make_anew(chain, "line/p02")
    assert made(chain, before) == ["kling/tts", "kling/tts"]


def test_a_checkout_with_its_files_has_nothing_missing(chain: Stage) -> None:
    """Only the new avatars are made."""
    check_out(chain, with_outputs=True)
    ask_for_more(chain, "hello")
    before = len(chain.ledger.creates)
    chain.run()
    assert made(chain, before) == ["kling/avatar", "kling/avatar"]


@pytest.mark.parametrize("with_outputs", [True, False])
def test_an_address_that_is_known_no_more_is_made_again(chain: Stage, *, with_outputs: bool) -> None:
    """The plan says which recording, for whom, and what it costs; the run makes that one alone, and then the video with its address."""
    check_out(chain, with_outputs=with_outputs)
    ask_for_more(chain, "elsewhere")
    plan = planned(chain)
    assert (plan["line/p01"]["action"], plan["line/p01"]["reason"]) == (
        "recreate",
        "its `audio_url` is known no more, and `elsewhere` needs it",
    )
    assert plan["line/p01"]["cost"]["estimate"] == "0.01"
    assert plan["line/p02"]["action"] == ("up-to-date" if with_outputs else "blocked")
    text = chain.callsheet("plan", "campaign.yaml").expect(0).stdout
    assert "1 changed, 1 made again" in text
    before = len(chain.ledger.creates)
    chain.allow_again("line/p01")
    chain.run(code=0 if with_outputs else 1)
    assert made(chain, before) == ["kling/tts", "digital-human/avatar"]
    assert (
        f"/{last(chain, 'kling/tts').task_id}"
        in json.loads(last(chain, "digital-human/avatar").body)["create_voice"]["audio_url"]
    )
    before = len(chain.ledger.creates)
    chain.run(code=0 if with_outputs else 1)
    assert made(chain, before) == []
    if not with_outputs:
        make_anew(chain, "line/p02")


def test_an_address_that_its_task_gives_no_more_is_made_again_by_the_next_run(chain: Stage) -> None:
    """Where the API can be asked it is; what it has forgotten is made again, after the plan has said so."""
    face = "{{ jobs['hello/p01'].outputs.video_url }}"
    sound = "https://sounds.example.com/ann.mp3"
    check_out(chain, with_outputs=True)
    voice = {"audio_url": sound, "language": "en", "text": "Hello once more."}
    inputs = {"avatar_url": face, "create_voice": voice}
    chain.campaign.add_job("again", "digital-human/avatar", inputs, "Hello once more.")
    chain.campaign.write()
    avatar = chain.ledger.tasks[chain.rows()["hello/p01"]["task_id"]]
    [job] = [job for job in planned(chain).values() if job["id"] == "hello/p01"]
    assert job["action"] == "up-to-date"
    avatar.plan = replace(avatar.plan, ending=GENERATION_FAILED, reason="the video has been removed")
    before = len(chain.ledger.creates)
    chain.run(code=1)
    error = next(job["error"] for job in chain.report()["jobs"] if job["id"] == "again")
    assert (error["code"], made(chain, before)) == ("P606", [])
    plan = planned(chain)
    assert plan["hello/p01"]["reason"] == "its `video_url` is known no more, and `again` needs it"
    chain.run()
    assert made(chain, before) == ["kling/avatar", "digital-human/avatar"]


# --- a long time ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["hello", "elsewhere"])
def test_what_kling_has_forgotten_is_made_again(chain: Stage, user: str) -> None:
    """By its name as by its address: seen in both forms of the plan, in the saved one, and in the run, which keeps to it."""
    turn_back(chain, 40)
    ask_for_more(chain, user)
    plan = planned(chain)
    who = "hello/p01" if user == "hello" else "elsewhere"
    assert (plan["line/p01"]["action"], plan["line/p01"]["reason"]) == (
        "recreate",
        f"its outputs are 40 days old, and `{who}` takes none older than 30 days",
    )
    assert plan["anna"]["action"] == "up-to-date"
    text = chain.callsheet("plan", "campaign.yaml", "-o", "plan.json").expect(0).stdout
    assert ("2 changed, 2 made again" if user == "hello" else "1 changed, 1 made again") in text
    before = len(chain.ledger.creates)
    for job in ("line/p01", "line/p02") if user == "hello" else ("line/p01",):
        chain.allow_again(job)
    chain.callsheet("run", "plan.json").expect(0)
    assert sorted(made(chain, before)) == sorted(
        ["kling/tts", "kling/avatar"] * 2 if user == "hello" else ["kling/tts", "digital-human/avatar"]
    )


def test_a_forgotten_recording_whose_file_is_lost_is_made_again_for_who_needs_it(chain: Stage) -> None:
    """A recording that failed to be fetched again gives what it gave while it is young, and is made again when that is over."""
    check_out(chain, with_outputs=False)
    chain.run(code=1)
    turn_back(chain, 31)
    ask_for_more(chain, "hello")
    plan = planned(chain)
    assert {plan[job]["action"] for job in ("line/p01", "line/p02")} == {"recreate"}
    before = len(chain.ledger.creates)
    for job in ("line/p01", "line/p02"):
        chain.allow_again(job)
    chain.run()
    assert sorted(made(chain, before)) == ["kling/avatar", "kling/avatar", "kling/tts", "kling/tts"]
