"""The unified style: `POST /v1/video/create` and `GET /v1/video/query?id=`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner.core.answers import Request
from runner.core.ports import Traits
from runner.providers.json_request import json_post
from runner.providers.video import replies
from runner.providers.video.fields import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.core.ports import OwnIds, TaskList


@dataclass(frozen=True, slots=True)
class Generate:
    """`video/generate`, the way in which most gateways speak it."""

    name: str = "video/generate"
    traits: Traits = field(default_factory=Traits)
    own_ids: OwnIds | None = None
    task_list: TaskList | None = None

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:  # noqa: ARG002  the API takes no id of ours
        """The POST for these inputs, as compact UTF-8 JSON."""
        return json_post("/v1/video/create", fields(inputs))

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """As `replies.read_submission`."""
        return replies.read_submission(reply)

    def query(self, task_id: str) -> Request:
        """`GET /v1/video/query?id=…`; ids hold colons, so all of them is encoded."""
        return Request("GET", f"/v1/video/query?id={quote(task_id, safe='')}")

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """As `replies.read_query`."""
        return replies.read_query(reply, inputs)
