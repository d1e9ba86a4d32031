"""Kling refuses an account as a whole: it stops at once, and the other accounts of the same run finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.kling_replies import STOPS
from tests.fakeapi.script import ACCEPT, always, by_operation, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakeapi.script import Answer
    from tests.stage import Stage


@pytest.mark.parametrize("reply", STOPS.values(), ids=STOPS)
def test_account_stops_alone(make_stage: Callable[..., Stage], reply: Answer) -> None:
    """At most `in_flight` creates are tried; the other account's jobs succeed; exit 5; the next run, with the account mended, finishes."""
    stage = make_stage(provider="kling", jobs=8, in_flight=3)
    stage.campaign.add_account("digital-human", "digital-human")
    for number in (1, 2):
        text = f"Good evening, number {number}."
        voice = {"audio_url": "https://sounds.example.com/ann.mp3", "language": "en", "text": text}
        face = {"avatar_url": "https://pictures.example.com/a.png", "create_voice": voice}
        stage.campaign.add_job(f"evening{number}", "digital-human/avatar", face, text)
    stage.campaign.write()
    stage.script(by_operation({"kling/avatar": refused(reply)}, ACCEPT))
    stage.run(code=5)
    tried = [create for create in stage.ledger.creates if create.operation == "kling/avatar"]
    assert 1 <= len(tried) <= 3
    assert stage.reported() == {"pending": 8, "succeeded": 2}
    stage.script(always(ACCEPT))
    stage.run()
    assert stage.reported() == {"succeeded": 10}
