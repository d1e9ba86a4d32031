"""`kling/avatar`: a picture and a recording become a talking video (`api-facts.md` sections 1.3 and 1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.core.answers import Request
from runner.core.ports import Traits
from runner.providers.json_request import json_post
from runner.providers.kling import replies
from runner.providers.kling.own_ids import ExternalTaskIds
from runner.providers.kling.task import RESULT_LIFETIME_S, Result, address_of, first_of, known, name_of, seconds_of
from runner.providers.kling.task_list import Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList

_PATH: Final = "/v1/videos/avatar/image2video"
_FIELDS: Final = ("image", "audio_id", "sound_file", "prompt", "mode", "watermark_info", "callback_url")
"""The documented fields in the order they are sent."""
_TRAITS: Final = Traits(expects_audio=True, result_lifetime_s=RESULT_LIFETIME_S, charges_failures=False)


def _read_result(results: Mapping[str, Any]) -> Result:
    video = first_of(results, "videos")
    address = address_of(video, "url")
    facts = {
        "video_url": address,
        "watermark_url": address_of(video, "watermark_url"),
        "video_id": name_of(video, "id"),
        "duration_s": seconds_of(video),
    }
    return Result(address, known(facts))


_OWN_IDS: Final = ExternalTaskIds(_PATH)
_TASK_LIST: Final = Tasks(_PATH, page_size=500, read_result=_read_result)


@dataclass(frozen=True, slots=True)
class Avatar:
    """`POST /v1/videos/avatar/image2video`, and `GET` of the same with `/{id}` or as a list."""

    name: str = "kling/avatar"
    traits: Traits = _TRAITS
    own_ids: OwnIds | None = _OWN_IDS
    task_list: TaskList | None = _TASK_LIST

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The POST for these inputs: the documented fields in documented order, then our own id.

        Args:
            inputs: Files as raw base64, without a `data:` prefix.
            external_id: Our id of the attempt.
        """
        fields = {name: inputs[name] for name in _FIELDS if name in inputs}
        return json_post(_PATH, {**fields, "external_task_id": external_id})

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 2xx that says success and names a task."""
        return replies.read_submission(reply, has_own_id=True)

    def query(self, task_id: str) -> Request:
        """`GET /v1/videos/avatar/image2video/{task_id}`."""
        return Request("GET", f"{_PATH}/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means."""
        return replies.read_query(reply, inputs, _read_result)
