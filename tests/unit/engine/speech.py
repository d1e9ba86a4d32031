"""A chain as an API might offer it: a recording that is made once, and avatars that speak it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.core.answers import Accepted, Ready
from runner.core.ports import Traits
from runner.core.references import OutputRef, marker
from runner.providers.digital_human import Avatar
from tests.unit.engine.world import spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.spec import JobSpec
    from tests.unit.engine.world import World

DAY_S = 86_400.0
MONTH_S = 30 * DAY_S
SPEECH = "digital-human/speech"


@dataclass(frozen=True, slots=True)
class Speech(Avatar):
    """The digital human, if it made recordings too: each task gives one that is named after the task.

    Args:
        lasts_s: Seconds that the recordings last; None when the API does not say.
        is_immediate: Whether the reply to the submission has the result.
    """

    name: str = SPEECH
    traits: Traits = field(default_factory=lambda: Traits(delivers_file=False, media=None))
    lasts_s: float | None = 12.0
    is_immediate: bool = False

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """The real answer, with the recording when it comes at once."""
        answer = Avatar.read_submission(self, reply)
        return (
            replace(answer, ready=self._ready(answer.task_id))
            if isinstance(answer, Accepted) and self.is_immediate
            else answer
        )

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with the recording when it is there."""
        answer = Avatar.read_query(self, reply, inputs)
        return self._ready(str(answer.address).rpartition("/")[2]) if isinstance(answer, Ready) else answer

    def _ready(self, name: str) -> Ready:
        length = {} if self.lasts_s is None else {"duration_s": self.lasts_s}
        address = f"https://cdn.example.com/{name}" if self.traits.delivers_file else None
        return Ready(address, outputs={"audio_id": f"sound-{name}", **length})


def speech(job_id: str = "voice", **fields: Any) -> JobSpec:
    """A job that makes a recording."""
    return spec(job_id, uses=SPEECH, operation=SPEECH, **fields)


def speaking(job_id: str, voice: str = "voice", **fields: Any) -> JobSpec:
    """A job that speaks a recording which must not be older than a month and lasts 2 to 300 seconds."""
    facts: dict[str, Any] = {
        "inputs": {**spec(job_id).inputs, "audio_url": marker(OutputRef(voice, "audio_id"))},
        "needs": (voice,),
        "lasts_as": voice,
        "ageing": ((voice, MONTH_S),),
        "lengths": ((voice, 2.0, 300.0),),
        "content": b'{"audio_url":{"job":"f1","output":"audio_id"}}',
    }
    return spec(job_id, **(facts | fields))


def with_speech(world: World, **facts: Any) -> None:
    """Let the API make recordings, which age."""
    world.operations = {**world.operations, SPEECH: Speech(**facts)}
    world.ageing = {SPEECH: MONTH_S}


def sounds(world: World) -> dict[str, str]:
    """What was sent last as the sound of each job that speaks a recording."""
    sent = {post.job: str(json.loads(post.body)["audio_url"]) for post in world.api.posts}
    return {job: sound for job, sound in sent.items() if not sound.startswith("https:")}
