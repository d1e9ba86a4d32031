"""Jobs that need others: held, released with what those gave, or skipped with the reason."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from runner.core.job import State
from runner.core.references import OutputRef, marker
from runner.core.selection import Selection
from tests.unit.engine.api import LOST, complaint, done
from tests.unit.engine.world import spec, specs

if TYPE_CHECKING:
    from runner.core.spec import JobSpec
    from tests.unit.engine.world import World

VOICE = json.dumps({"pt_infos": [{"voice_engine_id": "v-7", "audio_id": "a-9"}]})


def reason(world: World, job_id: str) -> str:
    """Why a job was skipped."""
    job = world.rows()[job_id]
    assert (job.state, job.failure is not None and job.failure.code) == (State.SKIPPED, "P601")
    assert job.failure is not None
    return job.failure.message


def test_a_dependant_waits_for_what_it_needs(world: World) -> None:
    """It is submitted after the needed file is home, although a slot was free, and wherever it stands in the manifest."""
    world.run([spec("after", needs=["before"]), spec("before")])
    posted = [about for what, about in world.log if what == "post"]
    assert posted == ["before", "after"]
    assert world.log.index(("commit", "before: Delivered")) < world.log.index(("post", "after"))


def test_a_reference_becomes_the_needed_jobs_output(world: World) -> None:
    """The body holds what the needed task gave."""
    world.api.results["voice"] = done("voice", animate_params_str=VOICE)
    inputs = {
        **{name: value for name, value in spec("after").inputs.items() if name == "avatar_url"},
        "use_voice": {
            "voice_engine_id": marker(OutputRef("voice", "voice_engine_id")),
            "audio_id": marker(OutputRef("voice", "audio_id")),
            "language": "en",
            "text": "Hi",
        },
    }
    world.run([spec("voice"), spec("after", needs=["voice"], inputs=inputs)])
    body = json.loads(world.api.posts[1].body)
    assert (body["use_voice"]["voice_engine_id"], body["use_voice"]["audio_id"]) == ("v-7", "a-9")


def test_an_output_that_never_came_skips_the_dependant(world: World) -> None:
    """Nothing is sent, no money stays reserved, the reason names job and output, and the slot is free."""
    world.price("0.20")
    inputs = {**spec("after").inputs, "audio_url": marker(OutputRef("voice", "audio_id"))}
    jobs = [spec("voice"), spec("after", needs=["voice"], inputs=inputs)]
    outcome = world.run(jobs, budget="0.40")
    assert "`voice`" in reason(world, "after")
    assert "`audio_id`" in reason(world, "after")
    assert (len(world.api.posts), world.spent(), outcome.unfinished) == (1, "0.20", 0)


def test_a_failure_is_passed_on_to_all_that_need_it(world: World) -> None:
    """Skips cascade, each with the need that failed; what needs nothing of it goes on."""
    world.api.posts_script["a"] = [complaint(400)]
    outcome = world.run([spec("a"), spec("b", needs=["a"]), spec("c", needs=["b"]), spec("d")])
    assert world.states() == {"a": "failed", "b": "skipped", "c": "skipped", "d": "succeeded"}
    assert ("`a`" in reason(world, "b"), "`b`" in reason(world, "c")) == (True, True)
    assert outcome.unfinished == 0


def test_a_doubt_skips_its_dependants(world: World) -> None:
    """What needs a job in doubt is not bought blindly."""
    world.api.posts_script["a"] = [LOST]
    world.run([spec("a"), spec("b", needs=["a"])])
    assert world.states() == {"a": "in_doubt", "b": "skipped"}


def test_a_long_chain_is_skipped_whole(world: World) -> None:
    """The cascade has no depth limit."""
    world.api.posts_script["link/000"] = [complaint(400)]
    chain = specs(600, "link")
    chain = [chain[0], *(spec(job.id, needs=[before.id]) for before, job in pairwise(chain))]
    outcome = world.run(chain)
    assert outcome.fatal is None
    assert outcome.states == {State.FAILED: 1, State.SKIPPED: 599}


def test_all_of_many_must_succeed(world: World) -> None:
    """`name/*` waits for every job of that name."""
    jobs = [*specs(3, "many"), spec("after", needs=["many/*"])]
    world.api.task_s = lambda job: 500.0 if job == "many/002" else 10.0
    assert world.run(jobs).states == {State.SUCCEEDED: 4}
    assert world.log.index(("commit", "many/002: Delivered")) < world.log.index(("post", "after"))


def test_one_failure_of_many_skips_what_needs_all(world: World) -> None:
    """The skip comes with the first failure and names the block."""
    world.api.posts_script["many/001"] = [complaint(400)]
    world.run([*specs(3, "many"), spec("after", needs=["many/*"])])
    assert "`many`" in reason(world, "after")


def test_one_of_many_can_be_needed_by_its_id(world: World) -> None:
    """The others of its name are not waited for."""
    world.api.task_s = lambda job: 5000.0 if job == "many/002" else 10.0
    world.run([*specs(3, "many"), spec("after", needs=["many/001"])])
    log = world.log
    assert log.index(("commit", "many/001: Delivered")) < log.index(("post", "after"))
    assert log.index(("post", "after")) < log.index(("commit", "many/002: Delivered"))


def test_what_is_done_already_holds_nobody(world: World) -> None:
    """A need that an earlier run met is met."""
    world.run([spec("a")])
    assert world.run([spec("a"), spec("b", needs=["a"])]).states == {State.SUCCEEDED: 2}
    assert len(world.api.posts) == 2


def test_a_need_that_failed_before_skips_at_once_and_again_later(world: World) -> None:
    """The skip is renewed as long as the need stays failed, and ends once it is made."""
    world.api.posts_script["a"] = [complaint(400)]
    jobs = [spec("a"), spec("b", needs=["a"])]
    world.run(jobs)
    assert world.run(jobs).states == {State.FAILED: 1, State.SKIPPED: 1}
    assert "`a`" in reason(world, "b")
    assert world.run(jobs, retry_failed=True).states == {State.SUCCEEDED: 2}


def test_a_failed_dependant_stays_failed_when_its_need_fails(world: World) -> None:
    """A job that may be tried again but whose need now fails keeps the failure it has."""
    world.api.posts_script["b"] = [complaint(400)]
    jobs = [spec("a"), spec("b", needs=["a"])]
    world.run(jobs)
    changed = [spec("a", fingerprint="f2"), spec("b", needs=["a"])]
    world.api.posts_script["a"] = [complaint(400)]
    outcome = world.run(changed, retry_failed=True)
    assert outcome.states == {State.FAILED: 2}


def test_what_a_selected_job_needs_is_selected_with_it(world: World) -> None:
    """A selection brings the needs of its jobs along, and theirs."""
    jobs = [spec("a"), spec("b", needs=["a"]), spec("c", needs=["b"]), spec("d")]
    world.run(jobs, selection=Selection(select=((("id", "c"),),)))
    assert world.states() == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def limited(world: World, jobs: list[JobSpec]) -> list[str]:
    """The submissions of a run with `--limit 1`."""
    world.api.posts.clear()
    world.run(jobs, limit=1)
    return [post.job for post in world.api.posts]


def test_a_limit_bounds_submissions(world: World) -> None:
    """`--limit 1` makes one job, the next time one more; what is left is not unfinished."""
    jobs = specs(3)
    assert limited(world, jobs) == ["hello/000"]
    assert limited(world, jobs) == ["hello/001"]
    assert world.run(jobs, limit=1).unfinished == 0
    assert world.run(jobs, limit=0).submitted == 0


def test_a_limit_gets_on_although_a_dependant_stands_first(world: World) -> None:
    """A job that waits for another does not use the limit up."""
    jobs = [spec("after", needs=["before"]), spec("before")]
    assert limited(world, jobs) == ["before"]
    assert limited(world, jobs) == ["after"]
