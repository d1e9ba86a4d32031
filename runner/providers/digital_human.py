"""V-API digital human: a face and a voice become a talking video.

Documentation: the user's two pages (`POST /avatar/generation`, `GET /avatar/task/{task_id}`) and https://gpt.morphogen.top/en/video/digital-human/,
read 2026-11-20. The API is a fork of one-api in front of DreamFace, so its errors are those of `runner.providers.gateway`.

Credential: `Authorization: Bearer`. Limits are not documented; DreamFace's own site admits about ten tasks at a time. There is no id of our own,
no list and no cancel: a lost submission cannot be looked up. How long results stay is not documented: they are fetched at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.core.answers import AskAgain, Request
from runner.core.ports import Operation, ProviderDefaults, Traits, Voice
from runner.providers import gateway
from runner.providers.creation import read_creation
from runner.providers.digital_human_task import read_task
from runner.providers.json_body import Unreadable, mapping, read_object, text
from runner.providers.json_request import json_post
from runner.providers.task_ids import find_task_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList

LANGUAGES: Final = ("zh", "en")

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "avatar_url": (),
    "audio_url": (),
    "create_voice": ("audio_url", "language", "text"),
    "use_voice": ("voice_engine_id", "audio_id", "language", "text"),
    "no_watermark": (),
}
"""The documented fields in the order they are sent; of an object, its fields."""

_DEFAULTS: Final = ProviderDefaults(base_url="https://api.gpt.ge", credential_env="DIGITAL_HUMAN_TOKEN", in_flight=8)
_TRAITS: Final = Traits(expects_audio=True)


@dataclass(frozen=True, slots=True)
class Avatar:
    """`digital-human/avatar`: `POST /avatar/generation`, `GET /avatar/task/{task_id}`."""

    name: str = "digital-human/avatar"
    traits: Traits = _TRAITS
    own_ids: OwnIds | None = None
    task_list: TaskList | None = None

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:  # noqa: ARG002  the API takes no id of ours
        """The POST for these inputs: the documented fields alone, in documented order, as compact UTF-8 JSON."""
        body = {name: _only(parts, inputs[name]) for name, parts in _FIELDS.items() if name in inputs}
        return json_post("/avatar/generation", body)

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 2xx that says success (or has no code) and names a task; everything else by the gateway's tables."""
        return read_creation(
            reply, find_id=find_task_id, says_success=_claims_success, goes_on=gateway.has_success_code
        )

    def query(self, task_id: str) -> Request:
        """`GET /avatar/task/{task_id}`."""
        return Request("GET", f"/avatar/task/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means, in all three shapes that are documented."""
        body = read_object(reply)
        complaint = gateway.read_complaint(reply, body)
        if 200 <= reply.status < 300:
            if isinstance(body, Unreadable):
                return AskAgain(f"HTTP {reply.status}, and {body.reason}")
            answer = read_task(body, inputs, request_id=complaint.request_id)
            if answer is not None:
                return answer
        return gateway.read_failed_query(reply, complaint)


def _only(parts: tuple[str, ...], value: Any) -> Any:
    return {part: value[part] for part in parts if part in value} if parts else value


def _claims_success(body: Mapping[str, Any]) -> bool:
    """Whether nothing speaks against it: `code` is success, or there is neither code nor words (the flat form of the user's table)."""
    if body.get("error") or body.get("success") is False:
        return False
    code, message = text(body.get("code")).lower(), text(body.get("message")).lower()
    return code == gateway.SUCCESS or (body.get("code") in (None, "") and message in ("", gateway.SUCCESS))


@dataclass(frozen=True, slots=True)
class DigitalHuman:
    """The provider `digital-human`."""

    type: str = "digital-human"
    operations: Mapping[str, Operation] = field(default_factory=lambda: {"avatar": Avatar()})
    styles: Mapping[str, Mapping[str, Operation]] = field(default_factory=dict)
    defaults: ProviderDefaults = _DEFAULTS

    def voices(self, language: str | None) -> Sequence[Request]:
        """`GET /avatar/voice?language=…`, one request a language; all languages when None."""
        languages = LANGUAGES if language is None else (language,)
        return [Request("GET", f"/avatar/voice?language={quote(code, safe='')}") for code in languages]

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:
        """The voices of one reply; entries without both ids cannot be named in a job and are left out."""
        body = read_object(reply)
        complaint = gateway.read_complaint(reply, body)
        if isinstance(body, Unreadable):
            return f"{complaint}, and {body.reason}"
        if not 200 <= reply.status < 300:
            return str(complaint)
        entries = mapping(body.get("data")).get("audio_list")
        if not isinstance(entries, list):
            return f"{complaint}: there is no list of voices in the answer"
        voices = (_voice(mapping(entry)) for entry in entries)
        return [voice for voice in voices if voice is not None]


def _voice(entry: Mapping[str, Any]) -> Voice | None:
    inputs = {name: text(entry.get(name)) for name in ("voice_engine_id", "audio_id")}
    if not all(inputs.values()):
        return None
    labels = entry.get("labels")
    return Voice(
        inputs=inputs,
        name=text(entry.get("name")),
        language=text(entry.get("language")),
        labels=tuple(filter(None, map(text, labels))) if isinstance(labels, list) else (),
    )


DIGITAL_HUMAN: Final = DigitalHuman()
