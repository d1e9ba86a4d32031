"""Outputs of delivered jobs that the state does not have: the paid task is asked once more, and nothing else is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.core import events
from runner.core.answers import Ready
from runner.core.job import Job, OutputFile
from runner.core.references import OutputRef, marker
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import Forever, complaint, done, failed, reply, still_running
from tests.unit.engine.world import USES, World, spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply
    from runner.core.spec import JobSpec

ADDRESS = "https://cdn.example.com/t-9.mp4"
UNKNOWN = reply(400, {"code": "task_not_exist", "message": "no such task", "data": None})


def recorded(world: World, uses: str = USES, **outputs: Any) -> None:
    """A delivered job as the lock file tells of it: without addresses."""
    file = OutputFile(path="voice.mp4", sha256="ab" * 32, size_bytes=9, mtime_ns=1, media_type="video/mp4")
    job = Job(id="voice", fingerprint="f1", uses=uses, operation=USES)
    world.live(job, events.Recorded(at=1.0, task_id="t-9", output=file, outputs=outputs))


def taking(job_id: str, output: str = "video_url") -> JobSpec:
    """A job that takes an output of the delivered one as its sound."""
    inputs = {**spec(job_id).inputs, "audio_url": marker(OutputRef("voice", output))}
    return spec(job_id, inputs=inputs, needs=("voice",))


def sounds(world: World) -> dict[str, str]:
    """What was sent as the sound, by job."""
    return {post.job: json.loads(post.body)["audio_url"] for post in world.api.posts}


def test_many_dependants_share_one_question(world: World) -> None:
    """The delivered job's task is asked once, its answer is sent, and nothing is stored for it."""
    recorded(world)
    before = world.story("voice")
    jobs = [spec("voice"), *(taking(f"anna/{number}") for number in range(4))]
    world.run(jobs)
    assert sounds(world) == {f"anna/{number}": ADDRESS for number in range(4)}
    assert [job for _, job in world.api.gets].count("t-9") == 1
    assert world.story("voice") == before
    assert set(world.states().values()) == {"succeeded"}


def test_what_the_state_has_is_not_asked_for(world: World) -> None:
    """An output that stands in the state is taken from there."""
    recorded(world, audio_id="aid-1")
    world.run([spec("voice"), taking("anna", "audio_id")])
    assert sounds(world) == {"anna": "aid-1"}
    assert "t-9" not in [job for _, job in world.api.gets]


def test_the_needed_jobs_own_inputs_choose_the_result(world: World) -> None:
    """Who asked for a video without watermark gives the address of that one."""
    recorded(world)
    world.api.results["t-9"] = done("t-9", no_wm_work_video_path="https://cdn.example.com/clean.mp4")
    clean = spec("voice", inputs={**spec("voice").inputs, "no_watermark": True})
    world.run([clean, taking("anna")])
    assert sounds(world) == {"anna": "https://cdn.example.com/clean.mp4"}


def test_a_question_is_asked_again_when_it_fails(world: World) -> None:
    """Trouble on the way is waited out, and the job that waits says so."""
    recorded(world)
    world.api.gets_script["t-9"] = [complaint(503), still_running(), done("t-9")]
    world.run([spec("voice"), taking("anna")])
    assert world.states()["anna"] == "succeeded"
    assert len([job for _, job in world.api.gets if job == "t-9"]) == 3


@pytest.mark.parametrize(
    ("answer", "words", "code", "most"),
    [
        (UNKNOWN, "nothing was sent: `voice` does not give its output `video_url` any more (its task t-9", "P606", 6),
        (failed(), "nothing was sent: `voice` does not give its output `video_url` any more (its task t-9", "P606", 1),
        (complaint(503), "outputs of `voice` are not in the lock file, and its task t-9", "P601", 6),
    ],
)
def test_a_task_that_tells_nothing_is_asked_a_few_times(
    world: World, answer: Any, words: str, code: str, most: int
) -> None:
    """What is gone for good fails its dependants, what is away skips them: nothing is sent, and slots and money come back."""
    world.price("0.20")
    recorded(world)
    world.api.gets_script["t-9"] = Forever([answer])
    world.run([spec("voice"), *(taking(f"anna/{number}") for number in range(5)), spec("ben")], budget="1.20")
    told = world.rows()["anna/0"].failure
    assert told is not None
    assert (told.code, words in told.message) == (code, True)
    assert [job for _, job in world.api.gets].count("t-9") == most
    assert world.spent() == "0.20"
    assert world.states()["ben"] == "succeeded"


def test_an_output_that_the_task_does_not_name_skips_the_job(world: World) -> None:
    """It answers, but with nothing of that name."""
    recorded(world)
    world.run([spec("voice"), taking("anna", "voice_engine_id")])
    told = world.rows()["anna"].failure
    assert told is not None
    assert told.message == "skipped: job `voice` gave no output `voice_engine_id`"


class Locked(Avatar):
    """An operation whose results have no address but one at the API itself."""

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """As ever, without the address."""
        answer = super().read_query(reply, inputs)
        return Ready("/v1/videos/t-9/content") if isinstance(answer, Ready) else answer


def test_an_output_behind_the_accounts_key_says_so(world: World) -> None:
    """Nobody else could fetch it, so there is no address to send."""
    recorded(world)
    world.operations[USES] = Locked()
    world.run([spec("voice"), taking("anna")])
    told = world.rows()["anna"].failure
    assert told is not None
    assert told.message == (
        "skipped: job `voice` gave no output `video_url`: only the account's key can fetch its file, which has no public address"
    )


def test_an_account_that_cannot_be_asked_is_named(world: World) -> None:
    """Its task lies on an account that the run has no way to."""
    recorded(world, uses="elsewhere/avatar")
    world.run([spec("voice"), taking("anna")])
    told = world.rows()["anna"].failure
    assert told is not None
    assert "account `elsewhere`, which has its task, cannot be asked" in told.message


def test_a_job_that_somebody_needs_by_id_is_remembered(world: World) -> None:
    """One of many delivered jobs knows its own inputs, too."""
    file = OutputFile(path="many/1.mp4", sha256="ab" * 32, size_bytes=9, mtime_ns=1, media_type="video/mp4")
    job = Job(id="many/1", fingerprint="f1", uses=USES, operation=USES)
    world.live(job, events.Recorded(at=1.0, task_id="t-9", output=file))
    world.api.results["t-9"] = done("t-9", no_wm_work_video_path="https://cdn.example.com/clean.mp4")
    clean = spec("many/1", output="many/1", inputs={**spec("many/1").inputs, "no_watermark": True})
    inputs = {**spec("anna").inputs, "audio_url": marker(OutputRef("many/1", "video_url"))}
    world.run([spec("anna", inputs=inputs, needs=("many/1",)), clean])
    assert sounds(world) == {"anna": "https://cdn.example.com/clean.mp4"}
