"""Kling through the real command line: avatars, speech that an avatar speaks, voices, failures, units, key pairs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.kling_replies import refusal
from tests.fakeapi.script import ACCEPT, GENERATION_FAILED, accepted, always, by_operation, by_turn, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

PAIR = {"access_key": {"env": "KLING_ACCESS"}, "secret_key": {"env": "KLING_SECRET"}}


@pytest.fixture
def kling(make_stage: Callable[..., Stage]) -> Stage:
    """Four avatars of Kling, five at a time, a server that takes everything."""
    return make_stage(provider="kling")


def test_avatars(kling: Stage) -> None:
    """Each row makes one create with an id of our own, and one file; a second run asks nobody anything."""
    kling.run()
    assert kling.reported() == {"succeeded": 4}
    assert len({create.external_id for create in kling.ledger.creates}) == len(kling.ledger.accepted) == 4
    assert len(kling.places.delivered()) == 4
    asked = len(kling.ledger.polls) + len(kling.ledger.lookups) + len(kling.ledger.lists)
    kling.run()
    assert len(kling.ledger.polls) + len(kling.ledger.lookups) + len(kling.ledger.lists) == asked


def test_units_are_reported(kling: Stage) -> None:
    """What Kling deducts stands in the report, and settles the price by the unit."""
    kling.campaign.manifest["prices"] = {"kling/avatar": {"per_unit": "0.10"}}
    kling.campaign.write()
    kling.script(always(accepted(units="4.5")))
    kling.run()
    costs = [job["cost"] for job in kling.report()["jobs"]]
    assert {cost["units"] for cost in costs} == {"4.5"}
    assert {Decimal(cost["actual"]) for cost in costs} == {Decimal("0.45")}


def test_failed_generation_costs_nothing(kling: Stage) -> None:
    """A task that ends as failed shows Kling's own words, is owed nothing, and is made again only with `--retry-failed`."""
    kling.campaign.manifest["prices"] = {"kling/avatar": {"per_job": "0.30"}}
    kling.campaign.write()
    failing = accepted(ending=GENERATION_FAILED, reason="Image pixel is invalid")
    kling.script(by_turn({1: failing}, ACCEPT))
    kling.run(code=1)
    kling.run(code=1)
    assert len(kling.ledger.creates) == 4
    [failed] = [job for job in kling.report()["jobs"] if job["state"] == "failed"]
    assert "Image pixel is invalid" in failed["error"]["message"]
    assert Decimal(failed["cost"]["actual"]) == 0
    kling.run("--retry-failed")
    assert len({create.external_id for create in kling.ledger.creates}) == 5


def test_speech_then_avatar(make_stage: Callable[..., Stage]) -> None:
    """Speech is made, its sound is delivered, and its id goes into the avatar that speaks it."""
    stage = make_stage(provider="kling", jobs=1)
    speak_with(stage, "Hello from the speech.")
    stage.script(by_operation({"kling/tts": SPEECH}, ACCEPT))
    stage.run()
    speech, avatar = stage.ledger.creates
    assert (speech.operation, speech.external_id) == ("kling/tts", None)
    assert avatar.fields["audio_id"] == f"a-{speech.task_id}"
    assert stage.file_of("line").with_suffix(".mp3").exists()


def test_speech_that_takes_its_time(make_stage: Callable[..., Stage]) -> None:
    """Where a reseller makes speech in its own time, it is asked for until it is there."""
    stage = make_stage(provider="kling", jobs=1)
    speak_with(stage, "Hello from the slow speech.")
    stage.server.kling.speaks_at_once = False
    stage.script(by_operation({"kling/tts": SPEECH}, ACCEPT))
    stage.run()
    assert stage.reported() == {"succeeded": 2}


def test_voice_has_no_file(make_stage: Callable[..., Stage]) -> None:
    """A voice of one's own succeeds without a file, and its id goes into the speech that uses it."""
    stage = make_stage(provider="kling", jobs=1)
    voice = {"voice_name": "Anna", "voice_url": "https://sounds.example.com/anna.wav"}
    stage.campaign.add_job("anna", "kling/voice", voice, "Anna")
    speak_with(stage, "Hello from Anna.", "{{ jobs['anna'].outputs.voice_id }}")
    stage.script(by_operation({"kling/tts": SPEECH}, ACCEPT))
    stage.run()
    rows = stage.rows()
    assert rows["anna"]["output"] is None
    [speech] = [create for create in stage.ledger.creates if create.operation == "kling/tts"]
    assert speech.fields["voice_id"] == f"voice-{rows['anna']['task_id']}"


SPEECH = accepted(seconds=0.2, duration="3.2")
"""Long enough for an avatar."""


def speak_with(stage: Stage, text: str, voice_id: str = "oversea_male1") -> None:
    """A text that is spoken first, and the rows' avatars that speak it."""
    speech = {"text": text, "voice_id": voice_id, "voice_language": "en"}
    stage.campaign.add_job("line", "kling/tts", speech, text)
    inputs = stage.campaign.job["with"]
    del inputs["sound_file"]
    inputs["audio_id"] = "{{ jobs['line'].outputs.audio_id }}"
    stage.campaign.write()


@pytest.mark.parametrize("stopped", ["kling/avatar", "kling/tts"])
def test_operation_without_permission_stops_alone(make_stage: Callable[..., Stage], stopped: str) -> None:
    """1103 stops one operation: the other one of the same account goes on, and with permission the next run finishes."""
    stage = make_stage(provider="kling", jobs=6, in_flight=2)
    for number in (1, 2, 3):
        text = f"Line number {number}."
        speech = {"text": text, "voice_id": "oversea_male1", "voice_language": "en"}
        stage.campaign.add_job(f"line{number}", "kling/tts", speech, text)
    stage.campaign.write()
    stage.script(by_operation({stopped: refused(refusal(1103))}, ACCEPT))
    stage.run(code=5)
    tried = [create for create in stage.ledger.creates if create.operation == stopped]
    assert 1 <= len(tried) <= 2
    left = 6 if stopped == "kling/avatar" else 3
    assert stage.reported() == {"pending": left, "succeeded": 9 - left}
    stage.script(always(ACCEPT))
    stage.run()


# --- key pairs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead_s", [0, 3600, -3600])
def test_key_pair(kling: Stage, ahead_s: int) -> None:
    """Requests are signed; a clock that differs by an hour from the server's costs one refusal at most for each of ours, and no job."""
    kling.campaign.account["credential"] = PAIR
    kling.campaign.write()
    kling.server.keys.ahead_s = ahead_s
    kling.run()
    assert kling.reported() == {"succeeded": 4}
    assert kling.server.keys.signed
    assert len(kling.ledger.creates) <= 4 + 1
    assert {row["attempts"] for row in kling.report()["jobs"]} == {1}


def test_wrong_secret_stops_the_account(kling: Stage) -> None:
    """A pair whose signature is not right is refused once, not tried again and again."""
    kling.campaign.account["credential"] = {
        "access_key": {"env": "KLING_ACCESS"},
        "secret_key": {"env": "KLING_API_KEY"},
    }
    kling.campaign.account["lookup"] = False
    kling.campaign.write()
    finished = kling.run(code=5)
    assert not kling.ledger.accepted
    assert 1 <= len(kling.ledger.creates) <= 5
    assert "1000" in finished.stdout + finished.stderr
    kling.ledger.creates.clear()  # they came without the right secret, as this test wants


def test_voices_are_listed(kling: Stage) -> None:
    """`voices` prints the preset voices and those of one's own."""
    voice = {"voice_name": "Anna", "voice_url": "https://sounds.example.com/anna.wav"}
    kling.campaign.add_job("anna", "kling/voice", voice, "Anna")
    kling.campaign.write()
    kling.run()
    printed = kling.callsheet("voices", "campaign.yaml", "kling").expect(0).stdout
    assert "oversea_male1" in printed
    assert f"voice-{kling.rows()['anna']['task_id']}" in printed
