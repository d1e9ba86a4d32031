"""What the server does with a request: values that a test puts together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakeapi.ledger import Create


class Break(StrEnum):
    """How an exchange ends without a reply."""

    RESET = "reset"
    """RST: the client sees `ECONNRESET`."""
    END_OF_STREAM = "end of stream"
    """FIN before the first byte of a reply."""
    SILENCE = "silence"
    """Nothing comes, and the connection stays open."""
    GARBAGE = "garbage"
    """Bytes that are not HTTP."""
    CUT_BODY = "cut body"
    """A reply that ends before its announced length."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as the wire carries it.

    Args:
        status: HTTP status.
        body: Its bytes.
        headers: Added to `Content-Type` and `Content-Length`.
        content_type: Of the body.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Answer:
    """A reply with JSON in it."""
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), headers or {})


class Shape(StrEnum):
    """The three forms in which a task is told (api-facts 2.3)."""

    FLAT = "flat"
    DATA = "data"
    DATA_DATA = "data.data"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """How the CDN behaves for one file.

    Args:
        padding_bytes: Makes the file larger.
        expired_addresses: The first so many addresses are refused with 403; each query after a refusal gives a fresh one.
        cuts: The n-th request ends (reset) after so many bytes of its body; later ones are whole.
        noise: The first so many whole answers carry bytes that are no video.
        has_ranges: Whether `Range` is honoured.
        pause_s: Seconds of pause in the middle of a body.
    """

    padding_bytes: int = 0
    expired_addresses: int = 0
    cuts: tuple[int, ...] = ()
    noise: int = 0
    has_ranges: bool = True
    pause_s: float = 0.0


SUCCESS, GENERATION_FAILED, NO_CREDITS = 200, -1, -3
"""Values of `web_work_status` (api-facts 2.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """How an accepted task goes.

    Args:
        seconds: From acceptance to the end.
        ending: The last `web_work_status`.
        shape: How it is told.
        poll_answers: Given, one a query, before the truth.
        file: How its file is served.
        units: What Kling deducts for it when it succeeds.
        duration: Seconds that its result lasts, as Kling says them.
        reason: Why it failed, where it does.
    """

    seconds: float = 0.1
    ending: int = SUCCESS
    shape: Shape = Shape.DATA_DATA
    poll_answers: tuple[Answer | Break, ...] = ()
    file: FilePlan = field(default_factory=FilePlan)
    units: str = "4"
    duration: str = "0.5"
    reason: str = "Image pixel is invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What happens to one submission.

    Args:
        task: The task that it makes; None when the server does not take it.
        reply: What the client gets instead of the usual reply; None for the usual one, which needs a task.
        reply_after_s: Seconds before the reply.
    """

    task: TaskPlan | None
    reply: Answer | Break | None = None
    reply_after_s: float = 0.0


Script: TypeAlias = "Callable[[Create, int], Reaction]"
"""Chooses the reaction to a submission; the number counts submissions from 1."""


def always(reaction: Reaction) -> Script:
    """The same for every submission."""
    return lambda _create, _number: reaction


def by_word(words: Mapping[str, Reaction], otherwise: Reaction) -> Script:
    """The reaction whose word stands in what is to be spoken; the first one listed wins."""

    def choose(create: Create, _number: int) -> Reaction:
        return next((reaction for word, reaction in words.items() if word in create.speech), otherwise)

    return choose


def by_turn(turns: Mapping[int, Reaction], otherwise: Reaction) -> Script:
    """The reaction to the n-th submission, counted from 1."""
    return lambda _create, number: turns.get(number, otherwise)


def first_time(reactions: Mapping[str, Reaction], otherwise: Reaction) -> Script:
    """The reaction to the first submission of each speech; later ones, and other speeches, get the other reaction."""
    left = dict(reactions)
    return lambda create, _number: left.pop(create.speech, otherwise)


ACCEPT = Reaction(task=TaskPlan())


def accepted(**plan: object) -> Reaction:
    """Takes the submission; the arguments are those of `TaskPlan`."""
    return Reaction(task=TaskPlan(**plan))  # type: ignore[arg-type]  # forwarded as they are


def by_operation(operations: Mapping[str, Reaction], otherwise: Reaction) -> Script:
    """The reaction to submissions of an operation, e.g. `kling/avatar`."""
    return lambda create, _number: operations.get(create.operation, otherwise)


def accepted_but(reply: Answer | Break, task: TaskPlan | None = None) -> Reaction:
    """Takes the submission and loses the reply."""
    return Reaction(task=task or TaskPlan(), reply=reply)


def refused(reply: Answer | Break) -> Reaction:
    """Does not take the submission."""
    return Reaction(task=None, reply=reply)
