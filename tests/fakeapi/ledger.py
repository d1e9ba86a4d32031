"""What the server saw and did: the first of the audit's three ledgers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

from tests.fakeapi.script import SUCCESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakeapi.script import Answer, Break, TaskPlan

_SPEECH_FIELDS = ("prompt", "voice_name", "text", "audio_url")
"""Where a body, or the voice within it, says what tells jobs apart: the first that is there."""


@dataclass(slots=True)
class Create:
    """One POST that arrived.

    Args:
        at: When, in monotonic seconds.
        headers: As sent.
        body: Exact bytes.
        operation: As a manifest calls it, e.g. `kling/avatar`.
        had_intent: Whether the state on disk knew the request before the server read it; None when nobody looked.
        task_id: The task that it made; None when it was not taken.
        let_go_at: When the server had done with it; None while it has not.
        knows_secret: Whether it came with the credential, be it as a token that the clock refuses.
        answered: What the client was to get; None before that was decided.
    """

    at: float
    headers: Mapping[str, str]
    body: bytes
    operation: str = "digital-human/avatar"
    had_intent: bool | None = None
    task_id: str | None = None
    let_go_at: float | None = None
    knows_secret: bool = True
    answered: Answer | Break | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the server made a task of it, whatever the client was told."""
        return self.task_id is not None

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def fields(self) -> dict[str, Any]:
        """The body, read as JSON or as a form."""
        if self.media_type == "multipart/form-data":
            return _form(self.headers["Content-Type"], self.body)
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def speech(self) -> str:
        """What is to be spoken or shown, the text or the address of a recording: it tells jobs apart."""
        fields = self.fields
        voice = fields.get("create_voice") or fields.get("use_voice") or fields
        return str(next((voice[name] for name in _SPEECH_FIELDS if name in voice), fields.get("audio_url")))

    @property
    def external_id(self) -> str | None:
        """The client's own id of it; None when it has none."""
        return self.fields.get("external_task_id")

    @property
    def sha256(self) -> str:
        """Digest of the body, hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form; that of a file is its bytes."""
    whole = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    fields: dict[str, Any] = {}
    for part in whole.iter_parts():
        name = part["Content-Disposition"].params["name"]
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes), "a part of a form has no parts"
        fields[name] = content if part.get_filename() is not None else content.decode()
    return fields


@dataclass(slots=True)
class Task:
    """An accepted task.

    Args:
        id: As the API names it.
        speech: What it speaks.
        plan: How it goes.
        accepted_at: Monotonic seconds.
        content: The bytes of its result.
        operation: Which made it, e.g. `kling/avatar`.
        external_id: The client's own id of it; None when it has none.
        serial: Number of the address that is given out now, from 0.
        fetches: Requests for its result so far.
        noise_sent: Whole answers that carried noise so far.
        polls: Queries so far.
    """

    id: str
    speech: str
    plan: TaskPlan
    accepted_at: float
    content: bytes = field(repr=False)
    operation: str = "digital-human/avatar"
    external_id: str | None = None
    serial: int = 0
    fetches: int = 0
    noise_sent: int = 0
    polls: int = 0

    @property
    def stem(self) -> str:
        """Its id, as it may stand in an address."""
        return self.id.replace(":", "-")

    @property
    def media_type(self) -> str:
        """Of its result."""
        return "audio/mpeg" if self.operation == "kling/tts" else "video/mp4"

    @property
    def ends_at(self) -> float:
        """When it ends, in monotonic seconds."""
        return self.accepted_at + self.plan.seconds

    @property
    def succeeds(self) -> bool:
        """Whether it ends with a result."""
        return self.plan.ending == SUCCESS

    @property
    def sha256(self) -> str:
        """Digest of its result, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def status(self, now: float) -> int:
        """Its `web_work_status` at a time."""
        return 100 if now < self.ends_at else self.plan.ending

    def next_poll_answer(self) -> Answer | Break | None:
        """It is asked for once more: what is planned for this query; None for the truth."""
        self.polls += 1
        return self.plan.poll_answers[self.polls - 1] if self.polls <= len(self.plan.poll_answers) else None


@dataclass(slots=True)
class Fetch:
    """One request that reached the CDN.

    Args:
        at: Monotonic seconds.
        task_id: Whose file; "" for one that nobody has.
        target: Path and query.
        headers: As sent.
        status: What was answered.
        start: First byte of the body within the file.
        sent: Bytes of the body that were sent.
    """

    at: float
    task_id: str
    target: str
    headers: Mapping[str, str]
    status: int = 0
    start: int = 0
    sent: int = 0


@dataclass(slots=True)
class Ledger:
    """All of it, in order."""

    creates: list[Create] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    polls: list[tuple[float, str]] = field(default_factory=list)
    """Questions for one task by its id."""
    lookups: list[tuple[float, str]] = field(default_factory=list)
    """Questions for one task by the client's own id."""
    lists: list[tuple[float, int]] = field(default_factory=list)
    """Questions for a page of tasks, by its number."""
    fetches: list[Fetch] = field(default_factory=list)
    contents: list[Fetch] = field(default_factory=list)
    """Requests for a result on the API's own host."""
    signatures: set[str] = field(default_factory=set)
    strangers: list[str] = field(default_factory=list)
    """Requests that no document allows."""

    @property
    def accepted(self) -> list[Create]:
        """The POSTs that made a task."""
        return [create for create in self.creates if create.is_accepted]

    def tasks_of(self, speech: str) -> list[Task]:
        """All tasks that were made for a job, oldest first."""
        return [task for task in self.tasks.values() if task.speech == speech]

    def task_at(self, stem: str) -> Task:
        """The task with this stem in its addresses.

        Raises:
            StopIteration: There is none.
        """
        return next(task for task in self.tasks.values() if task.stem == stem)

    def most_in_flight(self, provider: str = "") -> int:
        """The most submissions and tasks that were open at one instant.

        Args:
            provider: Whose, e.g. `kling`; "" for all.
        """
        edges: list[tuple[float, int]] = []
        for create in self.creates:
            if not create.operation.startswith(provider):
                continue
            until = self.tasks[create.task_id].ends_at if create.task_id is not None else create.let_go_at
            edges.append((create.at, 1))
            edges.append((until if until is not None else float("inf"), -1))
        most = now = 0
        for _, step in sorted(edges):  # at equal times an end (-1) sorts before a start
            now += step
            most = max(most, now)
        return most

    def open_tasks(self, operation: str, now: float) -> int:
        """How many tasks of an operation have not ended."""
        return sum(task.operation == operation and now < task.ends_at for task in self.tasks.values())
