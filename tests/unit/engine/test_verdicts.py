"""What an answer to a POST means for the job, its slot, its money and its account: delivery.md section 3, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core.answers import Fault, NoReply, SignAgain
from runner.core.job import State
from runner.providers.registry import PROVIDERS
from tests.unit.engine.api import LOST, TAKES, complaint, reply, unsent
from tests.unit.engine.world import specs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import Exchange, QueryAnswer, Reply, Request, SubmitAnswer
    from runner.core.ports import Operation, OwnIds, TaskList, Traits
    from tests.unit.engine.world import World

DOUBTS: dict[str, Exchange] = {
    "500 that calls itself saturated": complaint(500, message="当前分组上游负载已饱和，请稍后再试"),
    "reset or end of stream after sending began": LOST,
    "read time-out": NoReply(Fault.CONNECTION, sent=True, message="no reply within 180 s"),
    "bytes that are no HTTP": NoReply(Fault.UNREADABLE, sent=True, message="garbage"),
    "certificate fault after sending began": NoReply(Fault.CERTIFICATE, sent=True, message="odd"),
    "200 that is cut off": reply(200, b'{"code":"success","da'),
    "200 without an id": reply(200, {"code": "success", "data": None}),
    "200 with an unknown code": reply(200, {"code": "who_knows", "message": "?"}),
    "200 that is empty": reply(200, b""),
    **{f"{status} without a known code": complaint(status) for status in (302, 307, 408, 409, 499, 500, 502, 503, 504)},
    **{f"{status} of a proxy": reply(status, b"<html>oops</html>") for status in (520, 522, 524, 527)},
    "a status that no table lists": complaint(418),
    "500 in which the gateway lost its own request": complaint(500, "do_request_failed"),
}

REFUSALS: dict[str, tuple[Exchange, str]] = {
    **{f"{status}": (complaint(status), "P201") for status in (400, 415, 422)},
    **{f"{status}": (complaint(status), "P204") for status in (413, 414, 431)},
    "a known refusal code behind 500": (complaint(500, "sensitive_words_detected"), "P202"),
    "a known refusal code behind 200": (reply(200, {"code": "invalid_request", "message": "no"}), "P201"),
}

NOT_NOW: dict[str, Exchange] = {
    "425": complaint(425),
    "429": complaint(429),
    "429 with a wish": complaint(429, retry_after="7"),
    "429 of a full token": complaint(429, "token_concurrency_limit_reached"),
    "503 without a channel": complaint(503, "model_not_found"),
}

ACCOUNT_STOPS: dict[str, tuple[Exchange, str]] = {
    "401": (complaint(401), "P211"),
    "402": (complaint(402), "P212"),
    "403": (complaint(403), "P203"),
    "403 with a quota code": (complaint(403, "insufficient_user_quota"), "P212"),
    "429 with a quota code": (complaint(429, "1102"), "P212"),
    "200 that says in Chinese that there is no money": (reply(200, {"code": "1", "message": "用户余额不足"}), "P212"),
    "400 that says so": (complaint(400, message="预扣费额度失败"), "P212"),
    "404": (reply(404, b"not here"), "P215"),
    "405": (complaint(405), "P215"),
    "a certificate that does not hold": (unsent(Fault.CERTIFICATE), "P214"),
}


def by_name(table: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Parametrises over a table, its keys as names."""
    return pytest.mark.parametrize("case", list(table), ids=[name.replace(" ", "-") for name in table])


@pytest.mark.parametrize("form", ["data", "data.task_id", "flat"])
def test_a_2xx_with_an_id_is_accepted(world: World, form: str) -> None:
    """A reply that names a task moves the job on to its file, and its price stays spent."""
    bodies = {
        "data": {"code": "success", "data": "t-1"},
        "data.task_id": {"code": "success", "data": {"task_id": "t-1"}},
        "flat": {"task_id": "t-1"},
    }
    world.price("0.20")
    world.api.posts_script["hello/000"] = [reply(200, bodies[form])]
    outcome = world.run(specs(1), budget="1.00")
    assert world.rows()["hello/000"].state is State.SUCCEEDED
    assert world.rows()["hello/000"].task_id == "t-1"
    assert (outcome.unfinished, outcome.fatal, world.spent()) == (0, None, "0.20")


@by_name(DOUBTS)
def test_what_no_table_lists_is_in_doubt(world: World, case: str) -> None:
    """Nobody knows: the job waits for a decision, its slot and its money stay taken, it is never sent again."""
    world.price("0.20")
    world.api.posts_script["hello/000"] = [DOUBTS[case]]
    outcome = world.run(specs(8), budget="1.40")
    assert world.rows()["hello/000"].state is State.IN_DOUBT
    assert outcome.states[State.IN_DOUBT] == 1
    assert [post.job for post in world.api.posts].count("hello/000") == 1
    assert world.api.most_open() == 3, "the doubt holds one of the four slots"
    assert world.spent() == "1.40", "the doubt counts in full: of eight jobs six fit beside it"


@by_name(REFUSALS)
def test_a_refusal_ends_its_job_alone(world: World, case: str) -> None:
    """The job fails for good, its slot and its money are free again, the others go on."""
    answer, code = REFUSALS[case]
    world.price("0.20")
    world.api.posts_script["hello/000"] = [answer]
    outcome = world.run(specs(8), budget="1.40")
    job = world.rows()["hello/000"]
    assert (job.state, job.failure.code if job.failure else None) == (State.FAILED, code)
    assert outcome.states == {State.FAILED: 1, State.SUCCEEDED: 7}
    assert (world.api.most_open(), world.spent(), outcome.unfinished) == (4, "1.40", 0)


@by_name(NOT_NOW)
def test_not_now_puts_the_job_back(world: World, case: str) -> None:
    """The job is pending again at the front of its queue, loses no attempt, and succeeds later with the same bytes."""
    world.price("0.20")
    world.api.posts_script["hello/000"] = [NOT_NOW[case]]
    outcome = world.run(specs(3), budget="0.60")
    first, second = (post for post in world.api.posts if post.job == "hello/000")
    assert first.body == second.body
    assert world.story("hello/000")[:4] == ["SubmitStarted", "ReplyReceived", "NotSent", "SubmitStarted"]
    assert (world.rows()["hello/000"].attempt, world.spent(), outcome.unfinished) == (1, "0.60", 0)
    assert outcome.states == {State.SUCCEEDED: 3}


@by_name(ACCOUNT_STOPS)
def test_what_is_the_accounts_fault_stops_the_account(world: World, case: str) -> None:
    """No further submission; the jobs stay pending and are made by the next run; what runs already is brought home."""
    answer, code = ACCOUNT_STOPS[case]
    world.price("0.20")
    world.api.posts_script["hello/001"] = [answer]
    world.api.latency_s = lambda _job: 2.5
    outcome = world.run(specs(8), budget="2.00")
    tried = {post.job for post in world.api.posts}
    assert "hello/001" in tried
    assert len(world.api.posts) <= 4
    assert outcome.account_stops["digital-human"].code == code
    assert outcome.states == {State.SUCCEEDED: len(tried) - 1}
    assert outcome.unfinished == 8 - (len(tried) - 1)
    assert world.rows()["hello/001"].state is State.PENDING
    assert Decimal(world.spent()) == Decimal("0.20") * (len(tried) - 1)
    assert world.run(specs(8), budget="2.00").unfinished == 0
    assert set(world.states().values()) == {"succeeded"}


def test_what_was_not_sent_is_sent_again(world: World) -> None:
    """A refused connection leaves no doubt: same job, same bytes, no attempt lost, no money spent twice."""
    world.price("0.20")
    world.api.posts_script["hello/000"] = [unsent(), unsent()]
    outcome = world.run(specs(2), budget="0.40")
    assert [post.job for post in world.api.posts].count("hello/000") == 3
    assert world.story("hello/000")[:3] == ["SubmitStarted", "NotSent", "SubmitStarted"]
    assert (outcome.states, world.spent()) == ({State.SUCCEEDED: 2}, "0.40")


@dataclass(frozen=True)
class Signed:
    """The digital human's operation, behind a gateway that wants a fresh signature (status 498)."""

    real: Operation

    @property
    def name(self) -> str:
        """The real one's."""
        return self.real.name

    @property
    def traits(self) -> Traits:
        """The real one's."""
        return self.real.traits

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The real one's."""
        return self.real.submission(inputs, external_id)

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Sign again for 498."""
        return SignAgain("the signature is too old") if reply.status == 498 else self.real.read_submission(reply)

    def query(self, task_id: str) -> Request:
        """The real one's."""
        return self.real.query(task_id)

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real one's."""
        return self.real.read_query(reply, inputs)

    @property
    def own_ids(self) -> OwnIds | None:
        """The real one's."""
        return self.real.own_ids

    @property
    def task_list(self) -> TaskList | None:
        """The real one's."""
        return self.real.task_list


@pytest.mark.parametrize(("stale", "state", "posts"), [(1, State.SUCCEEDED, 2), (2, State.PENDING, 2)])
def test_a_stale_signature_is_made_anew_once(world: World, stale: int, state: State, posts: int) -> None:
    """The first "sign again" costs a second try at once; the second one is a refused key and stops the account."""
    world.operations = {"digital-human/avatar": Signed(PROVIDERS["digital-human"].operations["avatar"])}
    world.api.posts_script["hello/000"] = [complaint(498)] * stale
    outcome = world.run(specs(1))
    assert world.rows()["hello/000"].state is state
    assert (len(world.api.posts), world.api.signatures) == (posts, stale + 1)
    assert ("digital-human" in outcome.account_stops) == (state is State.PENDING)


def test_two_doubts_in_a_row_stop_the_account(world: World) -> None:
    """A sick gateway does not turn many jobs into many doubts."""
    world.api.posts_script["*"] = [LOST] * 20
    outcome = world.run(specs(20))
    assert len(world.api.posts) == 2
    assert outcome.account_stops["digital-human"].code == "P501"
    assert (outcome.states, outcome.unfinished) == ({State.IN_DOUBT: 2}, 18)


def test_doubts_with_a_success_between_them_do_not_stop_the_account(world: World) -> None:
    """Doubts that are not in a row say that the API is well."""
    world.change(limits=world.account.limits.__class__(in_flight=8, submits_per_minute=60.0))
    world.api.posts_script["*"] = [LOST, TAKES, LOST, TAKES, LOST, TAKES]
    outcome = world.run(specs(10))
    assert outcome.states == {State.IN_DOUBT: 3, State.SUCCEEDED: 7}
    assert not outcome.account_stops


def test_doubts_in_all_slots_are_said_to_hold_them(world: World) -> None:
    """When every slot is held by a doubt, the run ends with the rest pending and says why."""
    world.change(limits=world.account.limits.__class__(in_flight=2, submits_per_minute=60.0))
    world.api.posts_script["*"] = [LOST, TAKES, LOST]
    outcome = world.run(specs(5))
    assert outcome.states == {State.IN_DOUBT: 2, State.SUCCEEDED: 1}
    assert (outcome.unfinished, outcome.account_stops["digital-human"].code) == (2, "P501")
