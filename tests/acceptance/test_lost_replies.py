"""A reply that is lost after the server accepted: never a second create, and a person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, Answer, Break, Reaction, TaskPlan, accepted_but, always, by_turn, refused
from tests.fakeapi.shapes import BAD_GATEWAY, NOT_JSON, SERVER_ERROR, SUCCESS_WITHOUT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

LOST: dict[str, Answer | Break] = {
    "reset": Break.RESET,
    "end of stream": Break.END_OF_STREAM,
    "silence": Break.SILENCE,
    "garbage": Break.GARBAGE,
    "cut body": Break.CUT_BODY,
    "500": SERVER_ERROR,
    "502 page": BAD_GATEWAY,
    "504 empty": Answer(504),
    "200 without an id": SUCCESS_WITHOUT_ID,
    "200 that is no JSON": NOT_JSON,
    "307": Answer(307, headers={"Location": "/avatar/generation"}),
}


def _stage_with_doubt(make_stage: Callable[..., Stage], lost: Answer | Break) -> Stage:
    """Three jobs, of which the first one's reply was lost; one run was made."""
    stage = make_stage(jobs=3)
    stage.campaign.account["timeouts"]["submit_s"] = 1
    stage.campaign.write()
    stage.script(by_turn({1: accepted_but(lost)}, ACCEPT))
    stage.run(code=6)
    assert stage.reported() == {"in_doubt": 1, "succeeded": 2}
    return stage


def _doubtful(stage: Stage) -> str:
    [job_id] = [str(row["id"]) for row in stage.report()["jobs"] if row["state"] == "in_doubt"]
    return job_id


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_lost_reply_is_a_doubt(make_stage: Callable[..., Stage], lost: Answer | Break) -> None:
    """The job is in doubt, the others go on, and no later run submits it again."""
    stage = _stage_with_doubt(make_stage, lost)
    stage.run(code=6)
    assert len(stage.ledger.creates) == 3


def test_adopted_doubt(make_stage: Callable[..., Stage]) -> None:
    """`resolve --adopt` takes the task that was found, and the next run brings its video home without a create."""
    stage = _stage_with_doubt(make_stage, Break.RESET)
    job_id = _doubtful(stage)
    [task] = stage.ledger.tasks_of(stage.campaign.speech_of(job_id))
    stage.adopt(job_id, task.id)
    stage.run()
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 3}


def test_resubmitted_doubt(make_stage: Callable[..., Stage]) -> None:
    """`resolve --resubmit` allows exactly one more create."""
    stage = _stage_with_doubt(make_stage, Break.END_OF_STREAM)
    job_id = _doubtful(stage)
    stage.resubmit(job_id)
    assert len(stage.ledger.creates) == 3, "resolve only records"
    stage.run()
    assert [create.speech for create in stage.ledger.creates[3:]] == [stage.campaign.speech_of(job_id)]
    assert stage.reported() == {"succeeded": 3}


def test_abandoned_doubt(make_stage: Callable[..., Stage]) -> None:
    """`resolve --abandon` gives the job up: it stays cancelled and does not count in the exit code."""
    stage = _stage_with_doubt(make_stage, SERVER_ERROR)
    stage.abandon(_doubtful(stage))
    stage.run()
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 2, "cancelled": 1}


def test_only_a_doubt_can_be_resolved(stage: Stage) -> None:
    """A decision about a job that is not in doubt is refused and changes nothing."""
    stage.run()
    assert stage.callsheet("resolve", "campaign.yaml", "hello/p01", "--resubmit").code not in (0, 70)
    assert stage.callsheet("resolve", "campaign.yaml", "hello/none", "--abandon").code not in (0, 70)
    assert stage.reported() == {"succeeded": 4}


def test_two_doubts_in_a_row_stop_submissions(make_stage: Callable[..., Stage]) -> None:
    """A sick gateway makes two doubts, not ten."""
    stage = make_stage(jobs=10)
    stage.campaign.account["limits"]["submits_per_minute"] = 300
    stage.campaign.write()
    stage.script(always(accepted_but(Break.RESET)))
    stage.run(code=6)
    assert len(stage.ledger.creates) == 2
    assert stage.reported() == {"in_doubt": 2, "pending": 8}
    stage.campaign.account["limits"]["submits_per_minute"] = 6000
    stage.campaign.write()
    stage.script(always(ACCEPT))
    stage.recover()
    assert len(stage.ledger.creates) == 10


def test_doubts_between_successes_do_not_stop(make_stage: Callable[..., Stage]) -> None:
    """Doubts that are not in a row leave the account going."""
    stage = make_stage(jobs=6)
    stage.campaign.account["limits"]["submits_per_minute"] = 300
    stage.campaign.write()
    lost = accepted_but(Break.RESET)
    stage.script(by_turn({1: lost, 3: lost}, ACCEPT))
    stage.run(code=6)
    assert stage.reported() == {"in_doubt": 2, "succeeded": 4}


def test_refused_connection_is_sent_again(make_stage: Callable[..., Stage]) -> None:
    """A server that starts late gets every job once: nothing was sent before, so nothing is in doubt."""
    stage = make_stage(is_open=False)
    started = stage.start()
    started.wait_for_words("pending")
    assert not stage.ledger.creates
    stage.server.open()
    started.wait().expect(0)
    assert len(stage.ledger.creates) == 4
    assert {row["attempts"] for row in stage.report()["jobs"]} == {1}


def test_late_reply_is_no_doubt(make_stage: Callable[..., Stage]) -> None:
    """A reply that takes long, but less than `submit_s`, is waited for."""
    stage = make_stage(jobs=2)
    stage.script(always(Reaction(task=TaskPlan(), reply_after_s=1.2)))
    stage.run()
    assert len(stage.ledger.creates) == 2


def test_reset_before_acceptance_is_a_doubt_too(make_stage: Callable[..., Stage]) -> None:
    """The client cannot know that a reset came before acceptance: in doubt, and `resolve --resubmit` makes it once."""
    stage = make_stage(jobs=1)
    stage.script(always(refused(Break.RESET)))
    stage.run(code=6)
    stage.script(always(ACCEPT))
    stage.recover()
    assert len(stage.ledger.accepted) == 1
