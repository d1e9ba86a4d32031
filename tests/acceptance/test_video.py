"""Unified video through the real command line: both styles, and the places where hosts put a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, GENERATION_FAILED, Break, FilePlan, accepted, accepted_but, always, by_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


@pytest.fixture
def video(make_stage: Callable[..., Stage]) -> Stage:
    """Four videos, five at a time, a server that takes everything."""
    return make_stage(provider="video")


@pytest.fixture
def openai(video: Stage) -> Stage:
    """The same on a host of the OpenAI style."""
    video.campaign.account["style"] = "openai"
    video.campaign.job["with"] = {"model": "sora-2", "prompt": "{{ row.text }}", "seconds": "4", "size": "720x1280"}
    video.campaign.write()
    return video


def test_videos(video: Stage) -> None:
    """Ids with colons are asked for as they are, and that another id comes back does no harm."""
    video.run()
    assert video.reported() == {"succeeded": 4}
    assert all(":" in task_id for _, task_id in video.ledger.polls)
    assert {row["task_id"] for row in video.rows().values()} == set(video.ledger.tasks)
    video.run()
    assert len(video.ledger.creates) == 4


@pytest.mark.parametrize(
    "habit",
    [
        pytest.param({"address_at": ("url",)}, id="url"),
        pytest.param({"address_at": ("data", "result_url")}, id="data.result_url"),
        pytest.param({"address_at": ("detail", "video_url")}, id="detail.video_url"),
        pytest.param({"wraps": True}, id="wrapped create"),
        pytest.param({"running": "image_downloading", "done": "video_upsampling_completed"}, id="upsampling"),
        pytest.param({"running": "IN_PROGRESS", "done": "SUCCESS"}, id="capitals"),
        pytest.param({"running": "never heard of"}, id="unknown status"),
    ],
)
def test_hosts(make_stage: Callable[..., Stage], habit: dict[str, object]) -> None:
    """Whatever words a host has and wherever it puts the address, the video comes home."""
    stage = make_stage(provider="video", jobs=1)
    for name, value in habit.items():
        setattr(stage.server.video, name, value)
    stage.script(always(accepted(seconds=0.3)))
    stage.run()
    assert stage.reported() == {"succeeded": 1}


@pytest.mark.parametrize("style", ["unified", "openai"])
def test_failed_video(make_stage: Callable[..., Stage], style: str) -> None:
    """A failed task shows the host's words and is not made again by itself."""
    stage = make_stage(provider="video", jobs=2)
    if style == "openai":
        stage.campaign.account["style"] = "openai"
        stage.campaign.job["with"] = {"model": "sora-2", "prompt": "{{ row.text }}", "seconds": "4"}
        stage.campaign.write()
    stage.script(by_turn({1: accepted(ending=GENERATION_FAILED, reason="output_moderation")}, ACCEPT))
    stage.run(code=1)
    stage.run(code=1)
    assert len(stage.ledger.creates) == 2
    [failed] = [job for job in stage.report()["jobs"] if job["state"] == "failed"]
    assert "output_moderation" in failed["error"]["message"]


def test_lost_reply_is_a_doubt(video: Stage) -> None:
    """The API cannot be asked for our ids: a lost reply stays a doubt, and an adopted task comes home."""
    video.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    video.run(code=6)
    assert video.settle_doubts() == 1
    video.run()
    assert len(video.ledger.creates) == 4


def test_content_with_the_credential(openai: Stage) -> None:
    """The bytes of the OpenAI style come from the API's own host, with the credential."""
    openai.run()
    assert openai.reported() == {"succeeded": 4}
    assert {fetch.status for fetch in openai.ledger.contents} == {200}
    assert not openai.ledger.fetches


def test_content_is_continued(openai: Stage) -> None:
    """A body that is cut goes on from where it ended, with the credential."""
    openai.script(always(accepted(file=FilePlan(padding_bytes=100_000, cuts=(50_000,)))))
    openai.run()
    assert {fetch.status for fetch in openai.ledger.contents} == {200, 206}


def test_credential_does_not_follow_a_redirect(openai: Stage) -> None:
    """Where the API sends the client on to a CDN, the credential stays behind."""
    openai.server.video.redirects = True
    openai.run()
    assert openai.reported() == {"succeeded": 4}
    assert len(openai.ledger.fetches) == len(openai.ledger.contents) == 4
    assert not any("authorization" in map(str.lower, fetch.headers) for fetch in openai.ledger.fetches)


def test_direct_address_needs_no_credential(openai: Stage) -> None:
    """Where the reply has a direct address too, the bytes are fetched from there, without the credential."""
    openai.server.video.shows_address = True
    openai.run()
    assert len(openai.ledger.fetches) == 4
    assert not openai.ledger.contents
