"""Kling AI, open platform: a picture and a recording become a talking video.

Documentation: the user's page "Kling Avatar" and, by mirrors, the official pages "avatar", "authentication", "error-codes" and
"concurrency-rules" of https://kling.ai/document-api, read 2026-11-20 (`api-facts.md` section 1). The same paths stand behind the prefix of
several resellers, so errors may also be those of `runner.providers.gateway`.

Credential: an API key as `Authorization: Bearer`; a key of one region does not work in the other. What is limited is the number of tasks in
flight, queries aside, and the number depends on the account's resource packs. Each create carries an id of our own. Results are kept
for 30 days; failed tasks are not charged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.core.answers import Accepted, AskAgain, InDoubt, Request
from runner.core.ports import Operation, Traits
from runner.providers import gateway, kling_codes
from runner.providers.built_in import ProviderDefaults
from runner.providers.json_body import Unreadable, read_object, text
from runner.providers.kling_task import read_task
from runner.providers.task_ids import find_task_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList, Voice

_AVATAR_PATH: Final = "/v1/videos/avatar/image2video"
_AVATAR_FIELDS: Final = ("image", "audio_id", "sound_file", "prompt", "mode", "watermark_info", "callback_url")
"""The documented fields in the order they are sent."""

_DEFAULTS: Final = ProviderDefaults(
    base_url="https://api-singapore.klingai.com", credential_env="KLING_API_KEY", in_flight=3
)
_AVATAR_TRAITS: Final = Traits(expects_audio=True, result_lifetime_s=30 * 86_400.0, charges_failures=False)


@dataclass(frozen=True, slots=True)
class Avatar:
    """`kling/avatar`: `POST /v1/videos/avatar/image2video` and `GET` of the same with `/{id}`."""

    name: str = "kling/avatar"
    traits: Traits = _AVATAR_TRAITS
    own_ids: OwnIds | None = None
    task_list: TaskList | None = None

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The POST for these inputs: the documented fields in documented order, then our own id, as compact UTF-8 JSON.

        Args:
            inputs: Files as raw base64, without a `data:` prefix.
            external_id: Our id of the attempt.
        """
        body = {name: inputs[name] for name in _AVATAR_FIELDS if name in inputs}
        body["external_task_id"] = external_id
        encoded = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return Request("POST", _AVATAR_PATH, encoded)

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 2xx that says success and names a task; everything else by Kling's codes, then by the gateway's tables."""
        body = read_object(reply)
        complaint = kling_codes.read_complaint(reply, body)
        is_2xx = 200 <= reply.status < 300
        if isinstance(body, Unreadable):
            if is_2xx:
                return InDoubt(f"HTTP {reply.status}, and {body.reason}", complaint.request_id)
            return kling_codes.read_rejection(reply, complaint)
        task_id = find_task_id(body)
        says_success = _says_success(body)
        if is_2xx and task_id is not None and says_success:
            return Accepted(task_id)
        if task_id is not None and (is_2xx or says_success):
            words = (
                f"the reply names the task {task_id} without saying success; adopt it if Kling shows it: {complaint}"
            )
            return InDoubt(gateway.shortened(words), complaint.request_id)
        return kling_codes.read_rejection(reply, complaint)

    def query(self, task_id: str) -> Request:
        """`GET /v1/videos/avatar/image2video/{task_id}`."""
        return Request("GET", f"{_AVATAR_PATH}/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means. A failed task comes with HTTP 200 and code 0."""
        body = read_object(reply)
        complaint = kling_codes.read_complaint(reply, body)
        if 200 <= reply.status < 300:
            if isinstance(body, Unreadable):
                return AskAgain(f"HTTP {reply.status}, and {body.reason}")
            answer = read_task(body, inputs, request_id=complaint.request_id) if _says_success(body) else None
            if answer is not None:
                return answer
        return kling_codes.read_failed_query(reply, complaint)


def _says_success(body: Mapping[str, Any]) -> bool:
    """Whether the call worked. A gateway's own error object speaks against it, whatever the code."""
    return not body.get("error") and text(body.get("code")).lower() in kling_codes.SUCCESS


@dataclass(frozen=True, slots=True)
class Kling:
    """The provider `kling`."""

    type: str = "kling"
    operations: Mapping[str, Operation] = field(default_factory=lambda: {"avatar": Avatar()})
    styles: Mapping[str, Mapping[str, Operation]] = field(default_factory=dict)
    defaults: ProviderDefaults = _DEFAULTS

    def voices(self, language: str | None) -> Sequence[Request]:  # noqa: ARG002  there is nothing to choose from
        """None: an avatar speaks a recording, and no job can name a voice."""
        return ()

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:  # noqa: ARG002  there is no such reply
        """Why there are none."""
        return "no operation of `kling` takes a voice"


KLING: Final = Kling()
