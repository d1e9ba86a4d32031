"""What a new run finds: paid tasks go on for free, cut-off submissions are settled, paid tasks of others keep their slots."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.identity import external_id
from runner.core.job import Job, State
from runner.core.selection import Selection
from runner.core.spec import Limits
from tests.unit.engine.api import LOST, complaint, done, failed, reply
from tests.unit.engine.world import spec, specs, usd

if TYPE_CHECKING:
    from runner.core.answers import Reply
    from runner.core.events import Event
    from runner.core.spec import JobSpec
    from tests.unit.engine.world import World

NOON = 1_700_000_000.0


def pending(job: JobSpec) -> Job:
    """Its row before anything happened."""
    return Job(id=job.id, fingerprint=job.fingerprint, uses=job.uses, operation=job.operation, output_stem=job.output)


def intent(price: str | None = "0.20") -> Event:
    """Its submission began."""
    return events.SubmitStarted(
        at=NOON,
        external_id="cs-1",
        request_sha256="00",
        request=b"{}",
        reserved=usd(price) if price else None,
        output_stem="x",
    )


def stored(body: Reply) -> Event:
    """Its raw reply was stored."""
    return events.ReplyReceived(at=NOON, reply=body)


ACCEPTED = events.Accepted(at=NOON, task_id="t-old")


def old_task(world: World, job_id: str, ends: float = 0.0) -> None:
    """The API knows the task of an earlier run."""
    world.api.tasks["t-old"] = (job_id, -10.0, ends)


def test_a_running_task_goes_on(world: World) -> None:
    """It is asked for at once and brought home; nothing is sent."""
    old_task(world, "anna", ends=30.0)
    world.live(pending(spec("anna")), intent(), stored(reply(200)), ACCEPTED)
    outcome = world.run([spec("anna")])
    assert (outcome.states, outcome.submitted, world.api.gets[0][0]) == ({State.SUCCEEDED: 1}, 0, 0.0)


def test_a_result_that_waited_is_fetched(world: World) -> None:
    """A downloading job needs no query, only its file."""
    world.live(
        pending(spec("anna")), intent(), stored(reply(200)), ACCEPTED, events.TaskReady(at=NOON, address="https://x/a")
    )
    outcome = world.run([spec("anna")])
    assert (outcome.states, world.api.gets) == ({State.SUCCEEDED: 1}, [])
    assert world.home.orders[0].address == "https://x/a"


def test_a_stored_reply_is_read(world: World) -> None:
    """A crash between reply and verdict: the task id is in the stored reply."""
    old_task(world, "anna")
    world.live(pending(spec("anna")), intent(), stored(reply(200, {"code": "success", "data": "t-old"})))
    outcome = world.run([spec("anna")])
    assert (outcome.states, outcome.submitted) == ({State.SUCCEEDED: 1}, 0)
    assert world.rows()["anna"].task_id == "t-old"


@pytest.mark.parametrize(
    ("body", "state", "submitted"),
    [
        (complaint(400), State.FAILED, 0),
        (complaint(429), State.SUCCEEDED, 1),
        (complaint(500), State.IN_DOUBT, 0),
    ],
    ids=["refused", "not-now", "in-doubt"],
)
def test_a_stored_reply_is_judged_like_a_fresh_one(world: World, body: Reply, state: State, submitted: int) -> None:
    """The verdict comes from the same table, and the money follows it."""
    world.price("0.20")
    world.live(pending(spec("anna")), intent(), stored(body))
    outcome = world.run([spec("anna"), spec("ben")], budget="0.40")
    assert world.rows()["anna"].state is state
    assert outcome.submitted == submitted + 1
    assert Decimal(world.spent()) == (Decimal("0.20") if state is State.FAILED else Decimal("0.40"))


def test_a_submission_without_a_reply_is_in_doubt(world: World) -> None:
    """Nobody can ask this API: the job is held for a decision, keeps its slot, and is never sent again by itself."""
    world.change(limits=Limits(in_flight=2, submits_per_minute=60.0))
    world.live(pending(spec("anna")), intent())
    outcome = world.run([spec("anna"), *specs(4)])
    assert outcome.states == {State.IN_DOUBT: 1, State.SUCCEEDED: 4}
    assert world.api.most_open() == 1
    again = world.run([spec("anna"), *specs(4)])
    assert (again.states[State.IN_DOUBT], again.submitted) == (1, 0)


def test_doubts_of_an_earlier_run_do_not_stop_the_account(world: World) -> None:
    """Three cut-off submissions say nothing about how the API is today; one fresh doubt is not two in a row."""
    world.change(limits=Limits(in_flight=6, submits_per_minute=60.0))
    for name in ("a", "b", "c"):
        world.live(pending(spec(name)), intent())
    world.api.posts_script["hello/000"] = [LOST]
    outcome = world.run([spec("a"), spec("b"), spec("c"), *specs(4)])
    assert outcome.states == {State.IN_DOUBT: 4, State.SUCCEEDED: 3}
    assert not outcome.account_stops


def test_resuming_comes_before_submitting(world: World) -> None:
    """No submission before every paid task of an earlier run is taken up."""
    old_task(world, "hello/001", ends=500.0)
    world.live(pending(spec("hello/001")), intent(), stored(reply(200)), ACCEPTED)
    world.run(specs(2))
    assert world.log.index(("get", "hello/001")) < world.log.index(("post", "hello/000"))


def test_a_task_of_a_job_that_is_not_selected_holds_its_slot(world: World) -> None:
    """With one slot, a selected job waits until the task that runs for another one has ended."""
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    old_task(world, "other", ends=200.0)
    world.live(pending(spec("other")), intent(), stored(reply(200)), ACCEPTED)
    outcome = world.run([spec("other"), spec("anna")], selection=Selection(select=((("id", "anna"),),)))
    assert outcome.states == {State.SUCCEEDED: 1}
    assert outcome.unfinished == 0
    assert world.api.posts[0].began >= 200.0
    assert world.rows()["other"].state is State.DOWNLOADING, "its result is noted for a run that is about it"
    assert world.run([spec("other"), spec("anna")]).states == {State.SUCCEEDED: 2}


def test_a_task_of_a_superseded_job_holds_its_slot(world: World) -> None:
    """The inputs changed while the old task runs: the new submission waits for the slot."""
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    old_task(world, "anna", ends=200.0)
    world.live(pending(spec("anna")), intent(), stored(reply(200)), ACCEPTED)
    outcome = world.run([spec("anna", fingerprint="f2")])
    assert (outcome.states, outcome.unfinished) == ({State.SUCCEEDED: 1}, 0)
    assert world.api.posts[0].began >= 200.0


def test_nobody_waits_for_a_watched_task_when_nothing_needs_its_slot(world: World) -> None:
    """The run ends with its own jobs."""
    old_task(world, "other", ends=5000.0)
    world.live(pending(spec("other")), intent(), stored(reply(200)), ACCEPTED)
    world.run([spec("other"), spec("anna")], selection=Selection(select=((("id", "anna"),),)))
    assert world.now < 1000.0
    assert world.rows()["other"].state is State.RUNNING


def test_a_watched_task_gives_its_money_back_or_keeps_it(world: World) -> None:
    """A watched submission that turns out refused frees slot and money for the selected job."""
    world.price("0.20")
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.live(pending(spec("other")), intent(), stored(complaint(400)))
    outcome = world.run([spec("other"), spec("anna")], selection=Selection(select=((("id", "anna"),),)), budget="0.20")
    assert outcome.states == {State.SUCCEEDED: 1}


def test_a_watched_task_that_fails_frees_its_slot(world: World) -> None:
    """The end of a task is its end, whoever watches."""
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    old_task(world, "other", ends=50.0)
    world.api.results["other"] = failed()
    world.live(pending(spec("other")), intent(), stored(reply(200)), ACCEPTED)
    outcome = world.run([spec("other"), spec("anna")], selection=Selection(select=((("id", "anna"),),)))
    assert outcome.states == {State.SUCCEEDED: 1}
    assert world.rows()["other"].state is State.FAILED


def test_a_watched_job_gets_the_result_that_it_asked_for(world: World) -> None:
    """A run that is about other jobs notes the address without watermark for a job that paid for one."""
    inputs = {**spec("other").inputs, "no_watermark": True}
    other, anna = spec("other", inputs=inputs), spec("anna")
    world.change(limits=Limits(in_flight=1, submits_per_minute=60.0))
    world.stop_at(30.0)
    world.run([other])
    world.on_start = lambda _run: None
    world.api.results["other"] = done("other", no_wm_work_video_path="https://cdn.example.com/clean.mp4")
    world.run([other, anna], selection=Selection(select=((("id", "anna"),),)))
    world.run([other, anna])
    assert [order.address for order in world.home.orders if order.job_id == "other"] == [
        "https://cdn.example.com/clean.mp4"
    ]


def test_a_changed_job_is_made_anew_and_the_old_one_stays_in_the_history(world: World) -> None:
    """A new fingerprint is a new job; the state keeps both."""
    world.run([spec("anna")])
    world.run([spec("anna", fingerprint="f2")])
    with world.open() as store:
        rows = store.rows(["anna"])["anna"]
    assert [(row.fingerprint, row.state) for row in rows] == [("f1", State.SUCCEEDED), ("f2", State.SUCCEEDED)]
    assert world.run([spec("anna", fingerprint="f2")]).submitted == 0


def test_a_second_run_sends_nothing(world: World) -> None:
    """All is up to date."""
    world.run(specs(5))
    world.api.gets.clear()
    outcome = world.run(specs(5))
    assert (outcome.states, outcome.submitted, world.api.gets) == ({State.SUCCEEDED: 5}, 0, [])


def test_a_decision_to_resubmit_is_carried_out_once(world: World) -> None:
    """The next run sends the job again under its next attempt; its first submission stays counted."""
    world.price("0.20")
    world.api.posts_script["anna"] = [LOST]
    world.run([spec("anna")], budget="1.00")
    world.live(world.rows()["anna"], events.Resubmitted(at=NOON, who="me@here", why="not in the console"))
    outcome = world.run([spec("anna")], budget="1.00")
    job = world.rows()["anna"]
    assert (outcome.states, job.attempt, world.spent()) == ({State.SUCCEEDED: 1}, 2, "0.40")


def test_an_adopted_task_goes_on(world: World) -> None:
    """A person named the task: it is polled and brought home."""
    old_task(world, "anna")
    world.api.posts_script["anna"] = [LOST]
    world.run([spec("anna")])
    world.live(world.rows()["anna"], events.Adopted(at=NOON, who="me@here", why="", task_id="t-old"))
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert len(world.api.posts) == 1


def test_an_abandoned_job_stays(world: World) -> None:
    """It is neither sent nor unfinished."""
    world.api.posts_script["anna"] = [LOST]
    world.run([spec("anna")])
    world.live(world.rows()["anna"], events.Abandoned(at=NOON, who="me@here", why=""))
    outcome = world.run([spec("anna")])
    assert (outcome.states, outcome.submitted, outcome.unfinished) == ({State.CANCELLED: 1}, 0, 0)


def test_a_file_whose_path_changed_is_not_made_again(world: World) -> None:
    """Only the place changed: the file is put there, nothing is asked or paid."""
    world.run([spec("anna")])
    world.api.gets.clear()
    outcome = world.run([spec("anna", output="eu/anna")])
    output = world.rows()["anna"].output
    assert output is not None
    assert (outcome.states, output.path, world.api.gets) == ({State.SUCCEEDED: 1}, "eu/anna.mp4", [])


def test_an_attempt_keeps_its_id_under_another_name(world: World) -> None:
    """A job that was renamed before it was taken is sent with the id that it was sent with first; another attempt has its own."""
    world.live(pending(spec("anna")), intent(), events.NotSent(at=NOON, reason="later"))
    world.api.posts_script["anna"] = [complaint(400)]
    world.run([spec("anna")])
    assert (world.rows()["anna"].external_id, world.states()["anna"]) == ("cs-1", "failed")
    world.run([spec("anna")], retry_failed=True)
    assert world.rows()["anna"].external_id == external_id("spring", "anna", "f1", 2)
