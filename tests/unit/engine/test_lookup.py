"""An API that knows our own ids leaves no doubt: what was lost is found, or never arrived and is sent again with the same id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.identity import external_id
from runner.core.job import Job, State
from runner.core.spec import Limits, Timeouts
from runner.engine.lookup import spread
from tests.unit.engine.api import LOST, NEVER, TAKES_AND_DIES, reply, unsent
from tests.unit.engine.own_ids import DUPLICATE, SURE_DUPLICATE, InList, KnowingApi, knowing
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import spec, specs, usd

if TYPE_CHECKING:
    from runner.core.answers import Reply
    from runner.core.events import Event
    from tests.unit.engine.world import World

NOON = 1_700_000_000.0
ANNA = external_id("spring", "anna", "f1", 1)
QUICK = Timeouts(submit_s=20.0, lookup_s=(2.0, 4.0))


@pytest.fixture
def world(world: World) -> World:
    """One whose API knows own ids."""
    world.api = KnowingApi(world.say)
    world.apis = dict.fromkeys(world.accounts, world.api)
    world.operations = knowing()
    world.change(timeouts=QUICK)
    return world


def api(world: World) -> KnowingApi:
    """Its API."""
    assert isinstance(world.api, KnowingApi)
    return world.api


def pending(job_id: str = "anna") -> Job:
    """A row before anything happened."""
    return Job(id=job_id, fingerprint="f1", uses="digital-human/avatar", operation="digital-human/avatar")


def stored(body: Reply) -> Event:
    """A raw reply was stored."""
    return events.ReplyReceived(at=NOON + 6, reply=body)


def intent(own_id: str = ANNA, at: float = NOON) -> Event:
    """A submission began."""
    return events.SubmitStarted(
        at=at, external_id=own_id, request_sha256="00", request=b"{}", reserved=usd("0.20"), output_stem="anna"
    )


LOST_EVENT = events.SubmitLost(at=NOON, failure=events.Failure(cause=None, code="P601", message="lost"))


@pytest.mark.parametrize("lost", [TAKES_AND_DIES, reply(500), reply(504), reply(502, b"<html>"), reply(200, b"{")])
def test_a_lost_reply_of_a_job_that_was_taken_is_found(world: World, lost: object) -> None:
    """The task is adopted within the run: no doubt, no second create, and the money counts once."""
    world.price("0.20")
    if lost == TAKES_AND_DIES:
        world.api.posts_script["anna"] = [TAKES_AND_DIES]
    else:  # taken, but the reply says something else
        world.api.posts_script["anna"] = [lost]  # type: ignore[list-item]
        world.api.tasks["t-anna-9"] = ("anna", 0.0, 60.0)
        api(world).lookups_script = [reply(404)]  # before it is sent the first time
        api(world).own[ANNA] = ("t-anna-9", 0.0)
        api(world).refuses_known = False
    outcome = world.run([spec("anna")], budget="0.20")
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 1}, 1)
    assert "SubmitLost" not in world.story("anna")
    assert (world.story("anna")[-3:], world.spent()) == (["TaskFound", "TaskReady", "Delivered"], "0.20")


def test_a_lost_submission_that_never_arrived_is_sent_again_with_the_same_id_and_bytes(world: World) -> None:
    """Only when the API has denied it after the POST's hard limit and after each of the waits."""
    world.api.posts_script["anna"] = [LOST]
    outcome = world.run([spec("anna")])
    first, second = world.api.posts
    assert outcome.states == {State.SUCCEEDED: 1}
    assert first.body == second.body
    assert json.loads(first.body)["own"] == ANNA
    asked = [round(at - first.began, 1) for at, _ in api(world).lookups[1:]]
    assert asked == pytest.approx([0.25, 2.25, 6.25, 20.0, 22.0, 26.0], abs=0.4)
    assert second.began - first.began >= QUICK.submit_s + sum(QUICK.lookup_s)
    assert world.story("anna")[:3] == ["SubmitStarted", "NotFound", "SubmitStarted"]


def test_a_look_up_that_lags_still_finds(world: World) -> None:
    """The API shows a task some seconds after it has taken it."""
    api(world).lag_s = 21.0
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.api.posts)) == ({State.SUCCEEDED: 1}, 1)


def test_an_api_that_cannot_be_asked_leaves_a_doubt(world: World) -> None:
    """Nothing is sent again on the strength of no answer."""
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    api(world).lookups_script = [reply(404), *[reply(500)] * 100]
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.api.posts)) == ({State.IN_DOUBT: 1}, 1)


def test_the_next_run_asks_for_a_doubt_again(world: World) -> None:
    """What is found goes on; what is not found stays in doubt and is never sent again by itself."""
    world.live(pending("anna"), intent(), LOST_EVENT)
    world.live(pending("bert"), intent("cs-bert"), LOST_EVENT)
    world.api.tasks["t-old"] = ("anna", -10.0, 0.0)
    api(world).own[ANNA] = ("t-old", -10.0)
    outcome = world.run([spec("anna"), spec("bert")])
    assert outcome.states == {State.SUCCEEDED: 1, State.IN_DOUBT: 1}
    assert world.api.posts == []
    assert outcome.unfinished == 0


@pytest.mark.parametrize("taken", [True, False])
def test_a_submission_that_a_crash_cut_off_is_looked_up(world: World, *, taken: bool) -> None:
    """Found: it goes on. Never arrived: it is sent, with the id of then."""
    world.live(pending(), intent())
    if taken:
        world.api.tasks["t-old"] = ("anna", -10.0, 0.0)
        api(world).own[ANNA] = ("t-old", -10.0)
    outcome = world.run([spec("anna")])
    assert outcome.states == {State.SUCCEEDED: 1}
    assert [json.loads(post.body)["own"] for post in world.api.posts] == ([] if taken else [ANNA])


def test_a_job_that_this_state_never_sent_is_looked_up_first(world: World) -> None:
    """A state that was lost does not pay again: the task of then is found, and counts as spent."""
    world.price("0.20")
    world.api.tasks["t-old"] = ("anna", -10.0, 0.0)
    api(world).own[ANNA] = ("t-old", -10.0)
    outcome = world.run([spec("anna"), spec("bert")])
    assert outcome.states == {State.SUCCEEDED: 2}
    assert [post.job for post in world.api.posts] == ["bert"]
    assert (world.story("anna")[:2], world.spent()) == (["SubmitStarted", "TaskFound"], "0.40")
    assert outcome.submitted == 1


def test_a_list_stands_for_look_ups_that_a_gateway_does_not_pass_on(world: World) -> None:
    """It is read once for all jobs, and when it was read to its end, what it does not show was never sent."""
    world.operations = knowing(InList())
    world.api.tasks["t-old"] = ("hello/001", -10.0, 0.0)
    own = external_id("spring", "hello/001", "f1", 1)
    api(world).own |= {own: ("t-old", -10.0), "of-a-stranger": ("t-x", -10.0), "of-another": ("t-y", -10.0)}
    api(world).lookups_script = [reply(501)] * 100
    outcome = world.run(specs(3))
    assert outcome.states == {State.SUCCEEDED: 3}
    assert sorted(post.job for post in world.api.posts) == ["hello/000", "hello/002"]
    assert api(world).pages == 2


@pytest.mark.parametrize("own", ["of-another", external_id("spring", "anna", "f1", 1)])
def test_a_list_with_an_entry_that_names_no_task_stands_for_nothing(world: World, own: str) -> None:
    """The entry may be the job's own task; what names one is found all the same."""
    world.operations = knowing(InList())
    world.api.tasks["t-old"] = ("anna", -10.0, 0.0)
    api(world).own |= {"of-a-stranger": ("", -10.0), own: ("t-old", -10.0), "of-one-more": ("t-x", -10.0)}
    api(world).lookups_script = [reply(501)] * 100
    outcome = world.run([spec("anna")])
    assert (world.api.posts, outcome.unfinished) == ([], int(own == "of-another"))


def test_without_an_answer_nothing_is_sent(world: World) -> None:
    """The operation stops, and no other of the account; the jobs wait for a next run."""
    api(world).lookups_script = [reply(500)] * 100
    outcome = world.run(specs(3))
    assert world.api.posts == []
    assert "lookup: false" in outcome.account_stops["digital-human: digital-human/avatar"].message
    assert outcome.unfinished == 3


def test_a_busy_api_is_waited_for(world: World) -> None:
    """A question that is told "not now" is asked again: the submissions would meet the same."""
    api(world).lookups_script = [reply(429, {"code": "too many"})] * 30
    outcome = world.run(specs(2))
    assert outcome.states == {State.SUCCEEDED: 2}
    assert world.now > 300.0


def test_one_failed_question_does_not_stand_for_a_denial(world: World) -> None:
    """However complete a list was: what it does not show may be there all the same, and is asked for until the API answers."""
    world.operations = knowing(InList())
    world.api.tasks["t-old"] = ("anna", -10.0, 0.0)
    api(world).own |= {"of-a-stranger": ("t-x", -10.0)}
    api(world).lookups_script = [reply(502), reply(502), reply(200, {"task": "t-old"})]
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert world.api.posts == []


def test_an_account_without_look_ups_is_never_asked(world: World) -> None:
    """`lookup: false`: a lost reply is a doubt, and nobody asks before the first submission."""
    world.change(looks_up=False)
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    assert world.run([spec("anna")]).states == {State.IN_DOUBT: 1}
    assert api(world).lookups == []


@pytest.mark.parametrize(
    ("answer", "taken", "state"),
    [
        (DUPLICATE, True, State.SUCCEEDED),
        (DUPLICATE, False, State.FAILED),
        (SURE_DUPLICATE, True, State.SUCCEEDED),
        (SURE_DUPLICATE, False, State.IN_DOUBT),
    ],
)
def test_a_duplicate_leads_to_a_look_up(world: World, answer: object, state: State, *, taken: bool) -> None:
    """Found: adopted. Not found: the refusal stands, unless its words leave no doubt that it has our id."""
    world.api.posts_script["anna"] = [answer]  # type: ignore[list-item]
    if taken:
        api(world).lookups_script = [reply(404)]
        api(world).refuses_known = False
        world.api.tasks["t-old"] = ("anna", 0.0, 10.0)
        api(world).own[ANNA] = ("t-old", 0.0)
    outcome = world.run([spec("anna")])
    assert (outcome.states, len(world.api.posts)) == ({state: 1}, 1)


def test_a_duplicate_of_what_was_sent_again_is_no_refusal(world: World) -> None:
    """The API showed nothing for longer than it was asked, and refuses the second submission: the first has arrived after all."""
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    api(world).lag_s = 90.0
    assert world.run([spec("anna")]).states == {State.IN_DOUBT: 1}
    world.now += 60.0
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert world.api.taken["anna"] == 1


def test_the_next_run_knows_that_a_submission_was_sent_again(world: World) -> None:
    """The doubt is in the state: a run that is killed after the refusal takes nothing for refused that may have arrived."""
    world.live(pending(), intent(), events.NotFound(at=NOON), intent(at=NOON + 5), stored(DUPLICATE))
    assert world.run([spec("anna")]).states == {State.IN_DOUBT: 1}


def test_an_api_that_was_away_may_have_taken_it(world: World) -> None:
    """Maintenance most likely means "not taken"; when the next submission is refused for its id, that was wrong."""
    away = events.NotSent(at=NOON, reason="away", may_have_arrived=True)
    world.live(pending(), intent(), away, intent(at=NOON + 5), stored(DUPLICATE))
    assert world.run([spec("anna")]).states == {State.IN_DOUBT: 1}


def test_what_was_turned_away_for_certain_is_refused_as_ever(world: World) -> None:
    """A slot that was not free says nothing about the id."""
    world.live(pending(), intent(), events.NotSent(at=NOON, reason="no slot"), intent(at=NOON + 5), stored(DUPLICATE))
    assert world.run([spec("anna")]).states == {State.FAILED: 1}


def test_a_bad_parameter_is_refused_within_seconds(world: World) -> None:
    """It does not wait for the hard limit of a POST that was answered."""
    world.api.posts_script["anna"] = [DUPLICATE]
    world.run([spec("anna")])
    assert world.now <= 1.0 + QUICK.lookup_s[0]


def test_a_sick_gateway_waits_for_what_it_has_lost(world: World) -> None:
    """Two lost in a row hold further submissions back until they are found; then it goes on, and no job is paid twice."""
    world.api.posts_script["*"] = [TAKES_AND_DIES] * 8
    api(world).lag_s = 5.0
    outcome = world.run(specs(8))
    assert outcome.states == {State.SUCCEEDED: 8}
    assert max(world.api.taken.values()) == 1
    first, second, third, *_ = [post.began for post in world.api.posts]
    assert third - second > second - first


def test_a_gateway_that_takes_nothing_is_given_up(world: World) -> None:
    """After three lost submissions that never arrived the account stops; everything is left for the next run."""
    world.api.posts_script["*"] = [LOST] * 100
    outcome = world.run(specs(5))
    assert len(world.api.posts) <= 6
    assert "digital-human" in outcome.account_stops
    assert outcome.states[State.IN_DOUBT] == 0
    world.api.posts_script.clear()
    assert world.run(specs(5)).states == {State.SUCCEEDED: 5}


@pytest.mark.parametrize("left", [3, 8])
def test_what_a_killed_run_has_lost_says_nothing_about_the_api(world: World, left: int) -> None:
    """However many were cut off and never arrived: all are sent, and new ones do not wait for them."""
    for number in range(left):
        job = Job(
            id=f"hello/{number:03d}", fingerprint="f1", uses="digital-human/avatar", operation="digital-human/avatar"
        )
        world.live(job, intent(f"cs-{number}", at=EPOCH))
    world.change(limits=Limits(in_flight=left + 2, submits_per_minute=600.0))
    outcome = world.run(specs(left + 2))
    assert (outcome.states, outcome.account_stops) == ({State.SUCCEEDED: left + 2}, {})
    assert min(post.began for post in world.api.posts) < 2.0


def test_one_reset_that_hits_many_is_one_loss(world: World) -> None:
    """Three that went together and were lost together do not stop the account."""
    world.api.posts_script["*"] = [LOST] * 3
    world.change(limits=Limits(in_flight=4, submits_per_minute=60_000.0))
    world.api.latency_s = lambda _job: 5.0
    outcome = world.run(specs(6))
    assert (outcome.states, outcome.account_stops) == ({State.SUCCEEDED: 6}, {})


def test_what_is_found_ends_the_row_of_losses(world: World) -> None:
    """Every other lost submission had arrived: however many never did, they were not lost in a row."""
    for number in range(4):
        world.api.posts_script[f"hello/{number:03d}"] = [LOST, TAKES_AND_DIES]
    world.change(limits=Limits(in_flight=1, submits_per_minute=600.0))
    outcome = world.run(specs(4))
    assert (outcome.states, outcome.account_stops) == ({State.SUCCEEDED: 4}, {})


def test_doubts_of_an_earlier_run_do_not_stop_the_account(world: World) -> None:
    """Two cut-off submissions that cannot be asked for are doubts; other jobs go on."""
    for name in ("anna", "bert"):
        world.live(pending(name), intent(f"cs-{name}"))
    refused = {"/own/cs-anna", "/own/cs-bert"}
    api(world).deaf = refused
    outcome = world.run([spec("anna"), spec("bert"), spec("carl")])
    assert outcome.states == {State.IN_DOUBT: 2, State.SUCCEEDED: 1}
    assert outcome.account_stops == {}


def test_a_deadline_does_not_wait_for_look_ups(world: World) -> None:
    """A reply that is lost after the run was told to end is left to the next run."""
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    world.api.latency_s = lambda _job: 10.0
    world.stop_at(5.0, by="deadline")
    world.run([spec("anna")])
    assert (world.states(), world.now < 11.0) == ({"anna": "submitting"}, True)


def test_a_run_that_is_stopped_while_it_waits_leaves_no_doubt(world: World) -> None:
    """The job stays submitting, and the next run asks for it."""
    world.api.posts_script["anna"] = [TAKES_AND_DIES]
    api(world).lag_s = 15.0
    world.stop_at(5.0)
    outcome = world.run([spec("anna")])
    assert (outcome.unfinished, world.states()) == (1, {"anna": "submitting"})
    world.on_start = lambda _run: None
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert len(world.api.posts) == 1


def test_a_reply_that_a_stop_does_not_wait_for_is_looked_up_by_the_next_run(world: World) -> None:
    """A submission on the wire when patience ends is no doubt where the API can be asked."""
    world.api.posts_script["anna"] = [NEVER]
    world.stop_at(1.0)
    outcome = world.run([spec("anna")])
    assert (outcome.states[State.IN_DOUBT], world.states()) == (0, {"anna": "submitting"})
    world.on_start = lambda _run: None
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert len(world.api.posts) == 1


def test_another_attempt_is_looked_up_too(world: World) -> None:
    """The second attempt has another id, which a lost state may have sent as well."""
    refused = events.Refused(at=NOON, failure=events.Failure(cause=events.Cause.REFUSED, code="P101", message="no"))
    world.live(pending(), intent(), refused)
    second = external_id("spring", "anna", "f1", 2)
    world.api.tasks["t-2"] = ("anna", -10.0, 0.0)
    api(world).own[second] = ("t-2", -10.0)
    assert world.run([spec("anna")], retry_failed=True).states == {State.SUCCEEDED: 1}
    assert (world.api.posts, world.rows()["anna"].attempt) == ([], 2)


def test_what_was_not_sent_is_not_looked_up_again(world: World) -> None:
    """The attempt was begun by this state, so its history is known."""
    world.api.posts_script["anna"] = [unsent(), unsent()]
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}
    assert len(api(world).lookups) == 1


@pytest.mark.parametrize(
    ("limit_s", "waits", "spread_to"),
    [
        (0.0, (10.0, 30.0), [0.0, 10.0, 30.0]),
        (180.0, (10.0, 30.0), [0.0, 10.0, 30.0, 140.0, 10.0, 30.0]),
        (10.0, (10.0, 30.0), [0.0, 10.0, 10.0, 30.0]),
        (5.0, (10.0,), [0.0, 5.0, 10.0]),
    ],
)
def test_when_look_ups_are_made(limit_s: float, waits: tuple[float, ...], spread_to: list[float]) -> None:
    """At once and while the limit has not passed, to find early; at the limit and after each wait, to believe "never arrived"."""
    assert list(spread(limit_s, waits)) == spread_to
