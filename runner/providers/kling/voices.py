"""Lists the voices that a job can name: Kling's own and those of the account (`api-facts.md` sections 1.2 and 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import AskAgain, Request, UnknownTask
from runner.core.ports import Voice
from runner.providers.json_body import mapping, text
from runner.providers.kling import voice
from runner.providers.kling.replies import read_envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.core.answers import Reply

_PRESETS_PATH: Final = "/v1/general/presets-voices"
_KLINGS_OWN: Final = "kling"

REQUESTS: Final = (
    Request("GET", _PRESETS_PATH),
    # One page, the largest there is: a request cannot depend on the reply before it.
    Request("GET", f"{voice.PATH}?pageNum=1&pageSize={voice.PAGE_SIZE}"),
)
"""The presets, then the account's own."""


def read_voices(reply: Reply) -> Sequence[Voice] | str:
    """The voices of one reply, or why there are none.

    Documented is a list of tasks, each with its voices under `task_result`; a plain list of voices is read as well, since no page shows that
    of the presets.
    """
    body = read_envelope(reply)
    if isinstance(body, AskAgain | UnknownTask):
        return body.reason
    if "data" not in body:
        return f"HTTP {reply.status}: there is no list of voices in the answer"
    found = (_voice(entry) for entry in _entries(body["data"]))
    return [it for it in found if it is not None]


def _entries(data: Any) -> Iterator[Mapping[str, Any]]:
    levels = data if isinstance(data, list) else [data]
    for level in map(mapping, levels):
        voices = mapping(level.get("task_result")).get("voices") or level.get("voices")
        yield from map(mapping, voices) if isinstance(voices, list) else (level,)


def _voice(entry: Mapping[str, Any]) -> Voice | None:
    voice_id = text(entry.get("voice_id"))
    if not voice_id:
        return None
    language = text(entry.get("voice_language")) or text(entry.get("language"))
    owner = text(entry.get("owned_by"))
    return Voice(
        inputs={"voice_id": voice_id, **({"voice_language": language} if language else {})},
        name=text(entry.get("voice_name")) or voice_id,
        language=language,
        labels=(("preset",) if owner == _KLINGS_OWN else ("own",)) if owner else (),
    )
