"""Addresses of delivered videos on a fresh checkout, where neither state nor lock file has them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


def continue_with_its_video(stage: Stage) -> None:
    """A fresh checkout, and a new job on an account of its own that shows the first video's face."""
    shutil.rmtree(stage.campaign.folder / ".callsheet")
    manifest = stage.campaign.manifest
    manifest["providers"]["second"] = {
        **stage.campaign.account,
        "type": "digital-human",
        "credential": {"env": "DIGITAL_HUMAN_TOKEN"},
    }
    voice = {"audio_url": "https://sounds.example.com/ann.mp3", "language": "en", "text": "Hello once more."}
    face = "{{ jobs['hello/p01'].outputs.video_url }}"
    manifest["jobs"]["again"] = {"uses": "second/avatar", "with": {"avatar_url": face, "create_voice": voice}}
    stage.campaign.write()


def asked(stage: Stage) -> dict[str, Any]:
    """The body of the newest submission."""
    body: dict[str, Any] = json.loads(stage.ledger.creates[-1].body)
    return body


def test_a_new_job_gets_the_address_of_a_delivered_one(make_stage: Callable[..., Stage]) -> None:
    """The old task is asked once, on an account that has no other work; one create for the new job, none for the old."""
    stage = make_stage(jobs=1)
    stage.run()
    polls, fetches = len(stage.ledger.polls), len(stage.ledger.fetches)
    (old,) = stage.ledger.tasks
    continue_with_its_video(stage)
    stage.run()
    assert len(stage.ledger.creates) == 2
    assert [task for _, task in stage.ledger.polls[polls:]].count(old) == 1
    assert len(stage.ledger.fetches) == fetches + 1
    address = asked(stage)["avatar_url"]
    assert address.startswith(f"{stage.server.cdn_origin}/files/{old}/")
    assert "?sig=" in address
    told = {job["id"]: job["state"] for job in stage.report()["jobs"]}
    assert told == {"hello/p01": "succeeded", "again": "succeeded"}


def test_without_the_old_accounts_key_the_job_is_skipped(make_stage: Callable[..., Stage]) -> None:
    """A key that only an old task needs is not asked for before the run; the job says what is missing, and the next run makes it."""
    stage = make_stage(jobs=1)
    stage.run()
    continue_with_its_video(stage)
    stage.campaign.account["credential"] = {"env": "NO_SUCH_KEY"}
    stage.campaign.write()
    stage.run(code=1)
    (told,) = (job["error"]["message"] for job in stage.report()["jobs"] if job["id"] == "again")
    assert "account `digital-human`, which has its task, cannot be asked" in told
    del stage.campaign.account["credential"]
    stage.campaign.write()
    stage.run()
    assert len(stage.ledger.creates) == 2
