"""`acme/clip`: `POST /clips`, `GET /clips/{id}`, `GET /clips?reference=…`, `GET /clips?page=…&size=…`.

A clip is `{"id", "reference", "state", "seconds", "url", "reason"}`. Its `reference` is our own id: Acme takes each only once and can be asked for it, so
that a lost submission is found again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from callsheet_acme.errors import kind_of, read_failed_query, read_rejection, words_of
from runner.core.answers import Accepted, AskAgain, Ended, InDoubt, Ready, Request, Running
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.identity import is_task_id
from runner.core.ports import ListedTask, ListPage, OwnIds, TaskList, Traits
from runner.providers.json_body import Unreadable, http_address, mapping, number, read_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer

_TRAITS: Final = Traits(expects_audio=True, result_lifetime_s=86_400.0, charges_failures=False)
_RUNNING: Final = frozenset({"queued", "filming"})


@dataclass(frozen=True, slots=True)
class References:
    """Acme's tasks by our own id (`runner.core.ports.OwnIds`)."""

    def request(self, external_id: str) -> Request:
        """`GET /clips?reference=…`: a list with one clip, or with none."""
        return Request("GET", f"/clips?reference={quote(external_id, safe='')}")

    def read(self, reply: Reply, external_id: str) -> str | AskAgain | None:
        """The clip's id. Only an empty list says that there is no such clip: then the submission may be sent again."""
        clips = _clips(reply)
        if clips is None:
            return AskAgain(words_of(reply))
        if not clips:
            return None
        ours = [_id(clip) for clip in clips if text(clip.get("reference")) == external_id]
        return next((found for found in ours if found), None) or AskAgain("the answer shows no clip of ours")


@dataclass(frozen=True, slots=True)
class Pages:
    """Acme's list of clips (`runner.core.ports.TaskList`)."""

    page_size: int = 100

    def request(self, page: int, size: int) -> Request:
        """`GET /clips?page=1&size=100`."""
        return Request("GET", f"/clips?page={page}&size={size}")

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """The clips of a page; one without an id cannot be asked for and is left out, but counts in the page's size."""
        clips = _clips(reply)
        if clips is None:
            return AskAgain(words_of(reply))
        tasks = [
            ListedTask(task_id=_id(clip), external_id=text(clip.get("reference")) or None, body=clip)
            for clip in clips
            if _id(clip)
        ]
        return ListPage(tasks=tasks, size=len(clips))

    def read_task(self, task: ListedTask, inputs: Mapping[str, Any]) -> QueryAnswer:  # noqa: ARG002  a clip says all
        """What the list says about a clip: as much as its own query."""
        return _read_clip(task.body) or AskAgain(f"the list says nothing about clip {task.task_id}")


@dataclass(frozen=True, slots=True)
class Clip:
    """The operation `acme/clip` (`runner.core.ports.Operation`)."""

    name: str = "acme/clip"
    traits: Traits = _TRAITS
    own_ids: OwnIds | None = field(default_factory=References)
    task_list: TaskList | None = field(default_factory=Pages)

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The POST for these inputs. The order is fixed, so that the same inputs are the same bytes."""
        body = {name: inputs[name] for name in ("script", "actor") if name in inputs}
        body["reference"] = external_id
        return Request("POST", "/clips", json.dumps(body, ensure_ascii=False).encode())

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """Accepted by a 201 with a clip; of everything else the error says what it means, or nobody knows."""
        body = read_object(reply)
        if reply.status == 201 and not isinstance(body, Unreadable) and (task_id := _id(body)):
            return Accepted(task_id)
        # A 2xx may have been taken whatever it says: only what the table lists behind an error status is a refusal.
        return InDoubt(words_of(reply)) if 200 <= reply.status < 300 else read_rejection(reply)

    def query(self, task_id: str) -> Request:
        """`GET /clips/{id}`."""
        return Request("GET", f"/clips/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:  # noqa: ARG002  a clip says all
        """What a reply to the query means."""
        body = read_object(reply)
        if reply.status != 200 or isinstance(body, Unreadable) or kind_of(reply):
            return read_failed_query(reply)
        return _read_clip(body) or AskAgain("HTTP 200, and there is no clip in it")


def _read_clip(clip: Mapping[str, Any]) -> Running | Ready | Ended | None:
    """What a clip says about itself; None when it says nothing."""
    match text(clip.get("state")):
        case "":
            return None
        case state if state in _RUNNING:
            return Running()
        case "done":
            # Without an address the clip is not there yet: Callsheet asks a few more times.
            return Ready(http_address(text(clip.get("url"))), _outputs(clip))
        case "failed":
            message = f"the generation failed: {text(clip.get('reason')) or 'no reason given'}"[:300]
            return Ended(Failure(cause=Cause.GENERATION, code=Code.GENERATION_FAILED, message=message), charged=False)
        case state:
            return Running(unknown_status=state[:64])


def _outputs(clip: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of the schema, as far as they are there and make sense."""
    seconds = number(clip.get("seconds"))
    facts = {
        "clip_id": _id(clip) or None,
        "video_url": http_address(text(clip.get("url"))),
        "duration_s": seconds if seconds is not None and seconds >= 0 else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _clips(reply: Reply) -> list[Mapping[str, Any]] | None:
    """The clips of a list; None when the reply is none."""
    body = read_object(reply)
    clips = None if isinstance(body, Unreadable) or reply.status != 200 else body.get("clips")
    return [mapping(clip) for clip in clips] if isinstance(clips, list) else None


def _id(clip: Mapping[str, Any]) -> str:
    """A clip's id; "" when there is none that can be asked for."""
    found = text(clip.get("id"))
    return found if is_task_id(found) else ""
