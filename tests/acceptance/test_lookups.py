"""Kling knows our own ids: whatever happens to a reply, its task is found and adopted, and nothing is paid twice."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.kling_replies import LOST, refusal
from tests.fakeapi.script import ACCEPT, Answer, Break, accepted_but, always, by_turn, first_time, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stage import Stage

KINDS: dict[str, tuple[Answer | Break, ...]] = {
    "no reply": tuple(Break),
    "errors": tuple(LOST[kind] for kind in ("500", "5000", "504", "5002", "502 page")),
    "hollow successes": (
        *(LOST[kind] for kind in ("empty 200", "200 without a task", "200 that ends early")),
        Answer(307, headers={"Location": "/v1/videos/avatar/image2video"}),
    ),
}


def kling_stage(make_stage: Callable[..., Stage], **options: object) -> Stage:
    """Some avatars, two at a time, and little patience."""
    stage = make_stage(provider="kling", **{"in_flight": 2, **options})
    stage.campaign.account["timeouts"] |= {"submit_s": 1, "lookup_s": [0.3, 0.3]}
    stage.campaign.write()
    return stage


@pytest.mark.parametrize("replies", KINDS.values(), ids=KINDS)
def test_lost_replies(make_stage: Callable[..., Stage], replies: tuple[Answer | Break, ...]) -> None:
    """The tasks that were made are adopted; what never arrived is sent again with the same id and bytes; no doubt is left."""
    stage = kling_stage(make_stage, jobs=2 * len(replies) + 1)
    reactions = [reaction for reply in replies for reaction in (accepted_but(reply), refused(reply))]
    lost = dict(zip(stage.campaign.rows.values(), reactions, strict=False))
    stage.script(first_time(lost, ACCEPT))
    stage.run()
    assert stage.reported() == {"succeeded": len(stage.campaign.rows)}
    assert {row["attempts"] for row in stage.report()["jobs"]} == {1}
    sent = Counter(create.body for create in stage.ledger.creates)
    again = {create.speech for create in stage.ledger.creates if sent[create.body] == 2}
    assert again == {speech for speech, reaction in lost.items() if reaction.task is None}
    assert sorted(sent.values()) == [1] * (len(replies) + 1) + [2] * len(replies)


@pytest.mark.parametrize("reply", [Break.RESET, LOST["5000"]], ids=["reset", "5000"])
def test_every_reply_is_lost(make_stage: Callable[..., Stage], reply: Answer | Break) -> None:
    """Doubts that a look-up settles do not stop the account, however many there are."""
    stage = kling_stage(make_stage, jobs=8)
    stage.script(always(accepted_but(reply)))
    stage.run()
    assert stage.reported() == {"succeeded": 8}
    assert len(stage.ledger.creates) == 8


def test_nothing_arrives(make_stage: Callable[..., Stage]) -> None:
    """A host that swallows everything is left alone after a few submissions: no doubt, and the next run sends them again."""
    stage = kling_stage(make_stage, jobs=8)
    stage.script(always(refused(Break.END_OF_STREAM)))
    stage.run(code=5)
    assert len(stage.ledger.creates) <= 6
    assert "in_doubt" not in stage.reported()
    stage.script(always(ACCEPT))
    stage.run()
    assert stage.reported() == {"succeeded": 8}
    assert {row["attempts"] for row in stage.report()["jobs"]} == {1}


def test_lagging_look_up(make_stage: Callable[..., Stage]) -> None:
    """A task that is found only after a while is waited for, not sent again."""
    stage = kling_stage(make_stage, jobs=3)
    stage.server.kling.shown_after_s = 0.9
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 3}


def test_look_up_that_lags_behind_every_wait(make_stage: Callable[..., Stage]) -> None:
    """A task that the API denies for too long is sent again, refused as a duplicate, and in the end adopted: never paid twice or given up."""
    stage = kling_stage(make_stage, jobs=2)
    stage.server.kling.shown_after_s = 2.5
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    stage.callsheet("run", "campaign.yaml")
    assert not stage.reported().keys() & {"failed", "skipped"}
    stage.run()
    assert stage.reported() == {"succeeded": 2}
    assert len(stage.ledger.accepted) == 2


def test_ailing_look_ups(make_stage: Callable[..., Stage]) -> None:
    """A look-up that is itself lost, refused for now or answered with nonsense is tried again."""
    stage = kling_stage(make_stage, jobs=1)
    stage.run()
    stage = stage_with_another_job(stage)
    stage.server.kling.lookup_answers = [refusal(1203), LOST["5000"], Break.RESET, refusal(1302), Answer(200, b"[]")]
    stage.script(always(accepted_but(Break.RESET)))
    stage.run()
    assert len(stage.ledger.creates) == 2


def stage_with_another_job(stage: Stage) -> Stage:
    """One more row."""
    stage.campaign.rows["p99"] = "One more, please."
    stage.campaign.write()
    return stage


# --- 1201 -------------------------------------------------------------------------------------------------------------


def test_duplicate_is_adopted(make_stage: Callable[..., Stage]) -> None:
    """An id that the API has seen leads to a look-up, and the task that has it is the job's."""
    stage = kling_stage(make_stage, jobs=2)
    stage.run()
    forget(stage)
    stage.server.kling.lookup_answers = [refusal(1203)] * 2
    stage.server.kling.list_answers = [refusal(1203)] * 2
    stage.run()
    assert len(stage.ledger.accepted) == 2
    assert len(stage.ledger.creates) == 4
    assert stage.reported() == {"succeeded": 2}


def test_bad_parameter_is_refused(make_stage: Callable[..., Stage]) -> None:
    """The same code about a picture is a refusal: the job fails with Kling's words, quickly and for good."""
    stage = kling_stage(make_stage, jobs=3)
    stage.script(by_turn({2: refused(refusal(1201, "Image ratio is invalid"))}, ACCEPT))
    stage.run(code=1)
    stage.run(code=1)
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 2, "failed": 1}
    [failed] = [job for job in stage.report()["jobs"] if job["state"] == "failed"]
    assert "Image ratio is invalid" in failed["error"]["message"]


# --- a state that does not know -----------------------------------------------------------------------------------------


def forget(stage: Stage) -> None:
    """Lose the state and the lock file: everything but the manifest and the videos."""
    shutil.rmtree(stage.places.folder / ".callsheet")
    (stage.places.folder / "campaign.lock.jsonl").unlink()


@pytest.mark.parametrize(
    "habit",
    [
        pytest.param({}, id="look-ups and lists"),
        pytest.param({"finds_own_ids": False}, id="lists alone"),
        pytest.param({"list_answers": [refusal(1203)] * 100}, id="look-ups alone"),
    ],
)
def test_lost_state(make_stage: Callable[..., Stage], habit: dict[str, object]) -> None:
    """Jobs that were paid before the state was lost are found before anything is sent."""
    stage = kling_stage(make_stage)
    stage.run()
    forget(stage)
    for name, value in habit.items():
        setattr(stage.server.kling, name, value)
    stage.run()
    assert len(stage.ledger.creates) == 4
    assert stage.reported() == {"succeeded": 4}


def test_restored_backup(make_stage: Callable[..., Stage], tmp_path: Path) -> None:
    """The same for a state that is older than what happened, with its witness."""
    stage = kling_stage(make_stage)
    stage.run("--limit", "2", code=0)
    shutil.copytree(stage.places.folder / ".callsheet", tmp_path / "backup")
    stage.run()
    forget(stage)
    shutil.copytree(tmp_path / "backup", stage.places.folder / ".callsheet")
    stage.run()
    assert len(stage.ledger.creates) == 4
    assert stage.reported() == {"succeeded": 4}


def test_account_that_cannot_be_asked(make_stage: Callable[..., Stage]) -> None:
    """With `lookup: false` nothing is looked up or listed, and a lost reply is a doubt as with any other API."""
    stage = kling_stage(make_stage, jobs=3)
    stage.campaign.account["lookup"] = False
    stage.campaign.write()
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    stage.run(code=6)
    assert not stage.ledger.lookups
    assert not stage.ledger.lists
    assert stage.reported() == {"succeeded": 2, "in_doubt": 1}
