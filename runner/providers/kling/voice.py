"""`kling/voice`: a recording becomes a voice of one's own; no file comes of it (`api-facts.md` section 1.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.core.answers import Request
from runner.core.ports import Traits
from runner.providers.json_request import json_post
from runner.providers.kling import replies
from runner.providers.kling.own_ids import ExternalTaskIds
from runner.providers.kling.task import Result, address_of, first_of, known, name_of
from runner.providers.kling.task_list import Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList

PATH: Final = "/v1/general/custom-voices"
PAGE_SIZE: Final = 1000
_FIELDS: Final = ("voice_name", "voice_url", "video_id", "callback_url")
"""The documented fields in the order they are sent."""
_TRAITS: Final = Traits(delivers_file=False, media=None, charges_failures=False)


def _read_result(results: Mapping[str, Any]) -> Result:
    voice = first_of(results, "voices")
    facts = {
        "voice_id": name_of(voice, "voice_id"),
        "voice_name": name_of(voice, "voice_name"),
        "trial_url": address_of(voice, "trial_url"),
    }
    # The voice's name at Kling is all that comes of this: a success that does not tell it yet is asked for again.
    return Result(None, known(facts), is_whole=bool(facts["voice_id"]))


_OWN_IDS: Final = ExternalTaskIds(PATH)
_TASK_LIST: Final = Tasks(PATH, PAGE_SIZE, _read_result)


@dataclass(frozen=True, slots=True)
class CustomVoice:
    """`POST /v1/general/custom-voices`, and `GET` of the same with `/{id}` or as a list."""

    name: str = "kling/voice"
    traits: Traits = _TRAITS
    own_ids: OwnIds | None = _OWN_IDS
    task_list: TaskList | None = _TASK_LIST

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The POST for these inputs: the documented fields in documented order, then our own id."""
        fields = {name: inputs[name] for name in _FIELDS if name in inputs}
        return json_post(PATH, {**fields, "external_task_id": external_id})

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 2xx that says success and names a task."""
        return replies.read_submission(reply, has_own_id=True)

    def query(self, task_id: str) -> Request:
        """`GET /v1/general/custom-voices/{task_id}`."""
        return Request("GET", f"{PATH}/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means."""
        return replies.read_query(reply, inputs, _read_result)
