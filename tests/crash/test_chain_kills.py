"""kill -9 while one voice is made and a crowd waits for it: the voice is paid once.

`CALLSHEET_CHAIN` sets how many jobs wait: 1000 is what the product promises, a smaller crowd shows the same in less time.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.api import Moment
from tests.fakeapi.script import ACCEPT, Reaction, TaskPlan, accepted, by_operation, by_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

CROWD = int(os.environ.get("CALLSHEET_CHAIN", "100"))
VOICE = "This is the voice of all."


def kling_chain(stage: Stage) -> None:
    """One speech of Kling, whose sound every row's avatar speaks."""
    speech = {"text": VOICE, "voice_id": "oversea_male1", "voice_language": "en"}
    stage.campaign.add_job("voice", "kling/tts", speech, VOICE)
    inputs = stage.campaign.job["with"]
    del inputs["sound_file"]
    inputs["audio_id"] = "{{ jobs['voice'].outputs.audio_id }}"
    stage.campaign.write()
    speaks = Reaction(task=TaskPlan(seconds=0.0, duration="3.2"), reply_after_s=0.05)
    stage.script(by_operation({"kling/tts": speaks}, ACCEPT))


def human_chain(stage: Stage) -> None:
    """One voice of a digital human, which every row's avatar uses."""
    sound = {"audio_url": "https://sounds.example.com/ann.mp3", "language": "en", "text": VOICE}
    inputs = {"avatar_url": "https://pictures.example.com/a.png", "create_voice": sound}
    stage.campaign.add_job("voice", "digital-human/avatar", inputs, VOICE)
    outputs = "{{{{ jobs['voice'].outputs.{} }}}}".format
    names = {name: outputs(name) for name in ("voice_engine_id", "audio_id")}
    row = stage.campaign.job["with"]
    del row["create_voice"]
    row["use_voice"] = {**names, "language": "en", "text": "{{ row.text }}"}
    stage.campaign.write()
    stage.script(by_word({VOICE: accepted(seconds=0.3)}, ACCEPT))


CHAINS = {"kling": kling_chain, "digital-human": human_chain}


@pytest.mark.parametrize("provider", CHAINS)
@pytest.mark.parametrize("moment", [Moment.CREATE_ACCEPTED, Moment.CREATE_REPLIED])
def test_kill_while_the_voice_is_made(make_stage: Callable[..., Stage], provider: str, moment: Moment) -> None:
    """Killed at the voice's create, and decided as its provider's list would tell: one voice, and all who need it speak with it."""
    stage = make_stage(provider=provider, jobs=3)
    CHAINS[provider](stage)
    running = stage.start()
    stage.server.strike_at(moment, 1, running.kill)
    running.wait().expect(-signal.SIGKILL)
    stage.recover()
    assert [create.speech for create in stage.ledger.accepted].count(VOICE) == 1


@pytest.mark.parametrize("provider", CHAINS)
def test_kills_while_a_crowd_waits(make_stage: Callable[..., Stage], provider: str) -> None:
    """Killed again and again while the crowd is made: one create for the voice, one for each who needs it."""
    stage = make_stage(provider=provider, jobs=CROWD, in_flight=25, watches_intents=False)
    stage.campaign.account["limits"]["submits_per_minute"] = 60_000
    stage.campaign.account["timeouts"] |= {"submit_s": 1, "lookup_s": [0.2, 0.2]}
    CHAINS[provider](stage)
    pace = random.Random(CROWD)
    for _ in range(2):
        running = stage.start()
        time.sleep(pace.uniform(1.0, 1.6))
        running.kill()
        running.wait()
        stage.settle_doubts()
    finished = stage.callsheet("run", "campaign.yaml", seconds=280)
    if finished.code == 6:
        stage.settle_doubts()
        finished = stage.callsheet("run", "campaign.yaml", seconds=280)
    finished.expect(0)
    made = [create.speech for create in stage.ledger.accepted]
    assert made.count(VOICE) == 1
    assert len(made) == CROWD + 1
