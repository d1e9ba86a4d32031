"""`kling/tts`: a text becomes a sound file, in the reply to the create itself (`api-facts.md` section 1.8).

The API takes no id of ours and documents no query: a lost reply leaves a doubt. Some resellers answer with a task that must be asked for,
so both forms are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.core.answers import Accepted, Ended, Ready, Request, UnknownTask
from runner.core.ports import Traits
from runner.providers.json_request import json_post
from runner.providers.kling import replies
from runner.providers.kling.task import RESULT_LIFETIME_S, Result, address_of, first_of, known, name_of, seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList

_PATH: Final = "/v1/audio/tts"
_FIELDS: Final = ("text", "voice_id", "voice_language", "voice_speed")
"""The documented fields in the order they are sent."""
_TRAITS: Final = Traits(
    media="audio",
    expects_audio=True,
    result_lifetime_s=RESULT_LIFETIME_S,
    charges_failures=False,
    can_be_asked=False,
)


def _read_result(results: Mapping[str, Any]) -> Result:
    audio = first_of(results, "audios")
    address = address_of(audio, "url")
    facts = {"audio_id": name_of(audio, "id"), "audio_url": address, "duration_s": seconds_of(audio)}
    return Result(address, known(facts))


@dataclass(frozen=True, slots=True)
class Speech:
    """`POST /v1/audio/tts`, and `GET` of the same with `/{id}` where a host has it."""

    name: str = "kling/tts"
    traits: Traits = _TRAITS
    own_ids: OwnIds | None = None
    task_list: TaskList | None = None

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:  # noqa: ARG002  the API takes no id of ours
        """The POST for these inputs: the documented fields in documented order."""
        return json_post(_PATH, {name: inputs[name] for name in _FIELDS if name in inputs})

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 2xx that says success and names a task, with the sound when it is there.

        A task that has failed in its own reply was taken all the same, and may have been charged. Its reason may quote the job's text, which
        is not known here, so that it speaks of this task alone.
        """
        answer = replies.read_submission(reply, has_own_id=False)
        if not isinstance(answer, Accepted):
            return answer
        match replies.read_query(reply, None, _read_result):
            case Ready(address=str()) as ready:
                return Accepted(answer.task_id, ready)
            case Ended() as ended:
                return Accepted(answer.task_id, ended=ended)
            case _:
                return answer

    def query(self, task_id: str) -> Request:
        """`GET /v1/audio/tts/{task_id}`."""
        return Request("GET", f"{_PATH}/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means; any 404 is that of a host which has no such query."""
        if reply.status == 404 and not reply.truncated:
            return UnknownTask("HTTP 404: this host cannot be asked for a sound that it has made before")
        return replies.read_query(reply, inputs, _read_result)
