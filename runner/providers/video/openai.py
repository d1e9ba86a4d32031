"""The OpenAI style: `POST /v1/videos`, `GET /v1/videos/{id}`, and the bytes at `GET /v1/videos/{id}/content`.

OpenAI itself shut this API down on 2026-09-24; gateways serve it for other models. Its own client sends JSON, and a form only when there is a file
(`src/openai/resources/videos.py` of openai-python): so it is here.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner.core.answers import Request
from runner.core.ports import Traits
from runner.providers.json_body import http_address
from runner.providers.json_request import json_post
from runner.providers.video import replies
from runner.providers.video.fields import fields
from runner.providers.video.multipart import FilePart, form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList

_PATH = "/v1/videos"
_FILE = "input_reference"


@dataclass(frozen=True, slots=True)
class OpenAIGenerate:
    """`video/generate` on an account with `style: openai`."""

    name: str = "video/generate"
    traits: Traits = field(default_factory=lambda: Traits(content_path=_PATH + "/{task_id}/content"))
    own_ids: OwnIds | None = None
    task_list: TaskList | None = None

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:  # noqa: ARG002  the API takes no id of ours
        """The POST for these inputs: a form where `input_reference` is a local file, else compact UTF-8 JSON.

        Args:
            inputs: Files as raw base64.
            external_id: Not sent.
        """
        body: dict[str, Any] = fields(inputs)
        content = _content(body.get(_FILE))
        if content is None:
            return json_post(_PATH, body)
        content_type, encoded = form(body | {_FILE: FilePart(_FILE, content)})
        return Request("POST", _PATH, encoded, content_type)

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """As `replies.read_submission`."""
        return replies.read_submission(reply)

    def query(self, task_id: str) -> Request:
        """`GET /v1/videos/{id}`."""
        return Request("GET", f"{_PATH}/{quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """As `replies.read_query`."""
        return replies.read_query(reply, inputs)


def _content(reference: str | None) -> bytes | None:
    """The bytes of a local file; None for an address, which is sent as it is, and without a reference."""
    if reference is None or http_address(reference) is not None:
        return None
    try:
        return b64decode(reference, validate=True)
    except ValueError:  # an output of another job that is no address: the API shall say what it thinks of it
        return None
