"""What an API is to the desk: what it reads out of requests and answers to them, as values.

The desk judges and books; an API only knows its own words. A new API is a subclass of `Api` with its tables.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from aiohttp import web

from runner.sandbox.faults import TABLE, Stage
from runner.sandbox.front import PAGES
from runner.sandbox.wire import TRICKS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

_WORDLESS = frozenset({*TRICKS, *PAGES, "redirect-post", "slow", "task-s", "lasts-s"})
"""Kinds that need no words of an API: the desk plays them for all."""

Measured = Mapping[str, Mapping[str, Any]]
"""What was measured of file content in a body, by the name of the field; see `runner.sandbox.measure`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP reply as a value.

    Args:
        status: HTTP status.
        body: Bytes as they are, a text (HTML), or a JSON value.
        headers: Beyond the content type.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """The reply for aiohttp; JSON in UTF-8 without escapes, as these gateways send it."""
        if isinstance(self.body, bytes):
            return web.Response(status=self.status, body=self.body, headers=self.headers)
        if isinstance(self.body, str):
            return web.Response(status=self.status, text=self.body, content_type="text/html", headers=self.headers)
        text = json.dumps(self.body, ensure_ascii=False)
        return web.Response(status=self.status, text=text, content_type="application/json", headers=self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an API reads out of the body of a create.

    Args:
        problem: Why the inputs are refused; None when they are in order.
        unknown_fields: Fields that the documents do not list, as dotted paths.
        texts: Strings in which magic words count.
        spoken: What the video shows.
        kept: The body as task and ledger have it: with digests in the place of file content.
        own_id: The client's own name for the task; None without one.
        length_s: Seconds that the result lasts; None when nothing in the body says so.
    """

    problem: str | None
    unknown_fields: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    spoken: str = ""
    kept: Any
    own_id: str | None = None
    length_s: float | None = None


class Api(ABC):
    """The words of one operation of an API."""

    name: ClassVar[str]
    """`<provider type>/<operation>`, e.g. `kling/avatar`, or the form in the place of the operation; both parts stand in the ledger."""
    errors: ClassVar[Collection[str]]
    """The kinds that `refusal` has an error for."""
    words: ClassVar[Collection[str]]
    """The other kinds that it plays: those that change a receipt or a report."""
    answers_at_once: ClassVar[bool] = False
    """Whether the reply to a create carries the result already, unless the word `asynchronous` says otherwise."""

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """The paths of this API."""

    @abstractmethod
    def read(self, body: Any, measured: Measured) -> Reading:
        """Judge a create's parsed body.

        Args:
            body: None when it cannot be parsed; with digests in the place of file content when it comes from the ledger.
            measured: Of the fields that `contents` names.
        """

    @abstractmethod
    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """The answer for one of `errors`, and for `invalid`, `no-token`, `bad-token`, `unknown-task`.

        Args:
            kind: What is refused.
            detail: Takes the place of the usual message.
            number: Of the magic word; 0 without one.
        """

    @abstractmethod
    def receipt(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """The answer to an accepted create, with a fault of `Stage.REPLY` that changes its words, or without."""

    @abstractmethod
    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """The answer to a question about a task, with a fault of `Stage.POLL` or `Stage.RESULT`, or without."""

    def contents(self, body: Any) -> Mapping[str, str]:  # noqa: ARG002  most APIs take addresses alone
        """The fields of a body that hold file content, as base64."""
        return {}

    def task_id(self, serial: str, body: Any) -> str:  # noqa: ARG002  most APIs name tasks by a number alone
        """The provider's name for the task with this serial number (32 hexadecimal digits) and body."""
        return serial

    def token_problem(self, token: str, credential: str | None, now: float) -> str | None:  # noqa: ARG002  most tokens have no times
        """The kind of error for a Bearer token; None for a good one.

        Args:
            token: What stands behind `Bearer`.
            credential: The only one that is accepted; None accepts any.
            now: Unix seconds.
        """
        return None if credential in (None, token) else "bad-token"

    @property
    def most_parallel(self) -> int | None:
        """How many of its tasks may run at once; None for any number."""
        return None

    def plays(self, kind: str) -> bool:
        """Whether it knows a kind of fault."""
        return kind in TABLE and (
            kind in _WORDLESS or kind in self.errors or kind in self.words or TABLE[kind].stage is Stage.CDN
        )


class ListingApi(Api):
    """An API that lists its tasks."""

    @abstractmethod
    def listing(self, reports: Sequence[tuple[Task, Fault | None]], now: float) -> Answer:
        """A page of the list.

        Args:
            reports: Its tasks in order, each with a fault of `Stage.POLL` or `Stage.RESULT` that changes its words.
            now: Unix seconds.
        """
