"""A provider that refuses everything stops the account at once; one that says "slow down" is obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, NO_CREDITS, Answer, Break, accepted, always, by_turn, refused
from tests.fakeapi.shapes import BAD_KEY, NO_MONEY, NOT_JSON, gateway_error, relay_error, too_many_requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

WEATHER = (
    Answer(500),
    Answer(429),
    Answer(502, b"<html>", content_type="text/html"),
    relay_error(500, "fail_to_fetch_task", "upstream said nothing"),
    NOT_JSON,
    Break.RESET,
    Break.END_OF_STREAM,
    Break.GARBAGE,
    Break.CUT_BODY,
)
STOPS = {"401": BAD_KEY, "403 access_denied": gateway_error(403, "access_denied", "无权访问该分组"), **NO_MONEY}


@pytest.mark.parametrize("reply", STOPS.values(), ids=STOPS)
def test_account_stop(make_stage: Callable[..., Stage], reply: Answer) -> None:
    """At most `in_flight` creates are tried, all jobs stay pending, and the next run, with the account mended, finishes."""
    stage = make_stage(jobs=8, in_flight=3)
    stage.script(always(refused(reply)))
    stage.run(code=5)
    assert 1 <= len(stage.ledger.creates) <= 3
    assert stage.reported() == {"pending": 8}
    stage.script(always(ACCEPT))
    stage.run()
    assert len(stage.ledger.accepted) == 8


def test_tasks_that_end_for_lack_of_credit(make_stage: Callable[..., Stage]) -> None:
    """Out of money as the end of a task (`web_work_status` -3) stops the account; the next run finishes."""
    stage = make_stage(jobs=8, in_flight=3)
    stage.script(always(accepted(seconds=0.2, ending=NO_CREDITS)))
    stage.run(code=5)
    assert 1 <= len(stage.ledger.creates) <= 3
    assert stage.reported() == {"pending": 8}
    stage.script(always(ACCEPT))
    stage.run()
    assert stage.reported() == {"succeeded": 8}


def test_paid_tasks_come_home_after_a_stop(make_stage: Callable[..., Stage]) -> None:
    """When the money runs out after two jobs, those two are still polled and downloaded."""
    stage = make_stage(jobs=6, in_flight=2)
    stage.script(
        by_turn({1: accepted(seconds=0.5), 2: accepted(seconds=0.5)}, refused(NO_MONEY["402 insufficient_quota"]))
    )
    stage.run(code=5)
    assert stage.reported() == {"succeeded": 2, "pending": 4}
    stage.script(always(ACCEPT))
    stage.run()


def test_retry_after_is_honoured(make_stage: Callable[..., Stage]) -> None:
    """After a 429 nothing is sent for as long as the server asks; then the same bytes, and no attempt is used up."""
    stage = make_stage(jobs=2, in_flight=1)
    stage.script(by_turn({1: refused(too_many_requests(2))}, ACCEPT))
    stage.run()
    first, second, _ = stage.ledger.creates
    assert first.let_go_at is not None
    assert second.at - first.let_go_at >= 1.95
    assert first.body == second.body
    assert {row["attempts"] for row in stage.report()["jobs"]} == {1}


def test_saturated_upstream_is_not_now(make_stage: Callable[..., Stage]) -> None:
    """429 with the Chinese "upstream saturated", and 429 with an empty body, mean later and not never."""
    stage = make_stage(jobs=2, in_flight=1)
    saturated = refused(gateway_error(429, "rate_limit", "当前分组上游负载已饱和，请稍后再试"))
    stage.script(by_turn({1: saturated, 2: refused(Answer(429))}, ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == 4


def test_refused_item_fails_alone(make_stage: Callable[..., Stage]) -> None:
    """A refusal of one job's inputs fails that job; the others succeed, and it is not sent again by itself."""
    stage = make_stage(jobs=3)
    stage.script(by_turn({1: refused(relay_error(400, "invalid_request", "avatar_url is not an image"))}, ACCEPT))
    stage.run(code=1)
    stage.run(code=1)
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 2, "failed": 1}


def test_polls_survive_bad_weather(make_stage: Callable[..., Stage]) -> None:
    """A query that is answered with 500, 429, a page or nothing at all is asked again."""
    stage = make_stage(jobs=len(WEATHER))
    turns = {number: accepted(poll_answers=(bad,)) for number, bad in enumerate(WEATHER, 1)}
    stage.script(by_turn(turns, ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == len(WEATHER)
    assert all(task.polls >= 2 for task in stage.ledger.tasks.values())
