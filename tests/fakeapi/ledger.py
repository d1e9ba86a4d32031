"""What the server saw and did: the first of the audit's three ledgers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakeapi.script import SUCCESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakeapi.script import TaskPlan


@dataclass(slots=True)
class Create:
    """One POST that arrived.

    Args:
        at: When, in monotonic seconds.
        headers: As sent.
        body: Exact bytes.
        had_intent: Whether the state on disk knew the request before the server read it; None when nobody looked.
        task_id: The task that it made; None when it was not taken.
        let_go_at: When the server had done with it; None while it has not.
    """

    at: float
    headers: Mapping[str, str]
    body: bytes
    had_intent: bool | None = None
    task_id: str | None = None
    let_go_at: float | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the server made a task of it, whatever the client was told."""
        return self.task_id is not None

    @property
    def fields(self) -> dict[str, Any]:
        """The body, read as JSON."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def speech(self) -> str:
        """What is to be spoken, the text or the address of a recording: it tells jobs apart."""
        fields = self.fields
        voice = fields.get("create_voice") or fields.get("use_voice") or {}
        return str(voice.get("text") or fields.get("audio_url"))

    @property
    def sha256(self) -> str:
        """Digest of the body, hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(slots=True)
class Task:
    """An accepted task.

    Args:
        id: 32 hexadecimal digits.
        speech: What it speaks.
        plan: How it goes.
        accepted_at: Monotonic seconds.
        content: The bytes of its video.
        serial: Number of the address that is given out now, from 0.
        fetches: Requests for its video so far.
        noise_sent: Whole answers that carried noise so far.
        polls: Queries so far.
    """

    id: str
    speech: str
    plan: TaskPlan
    accepted_at: float
    content: bytes = field(repr=False)
    serial: int = 0
    fetches: int = 0
    noise_sent: int = 0
    polls: int = 0

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
        """Digest of its video, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def status(self, now: float) -> int:
        """Its `web_work_status` at a time."""
        return 100 if now < self.ends_at else self.plan.ending


@dataclass(slots=True)
class Fetch:
    """One request that reached the CDN.

    Args:
        at: Monotonic seconds.
        task_id: Whose file.
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
    fetches: list[Fetch] = field(default_factory=list)
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

    def most_in_flight(self) -> int:
        """The most submissions and tasks that were open at one instant."""
        edges: list[tuple[float, int]] = []
        for create in self.creates:
            until = self.tasks[create.task_id].ends_at if create.task_id is not None else create.let_go_at
            edges.append((create.at, 1))
            edges.append((until if until is not None else float("inf"), -1))
        most = now = 0
        for _, step in sorted(edges):  # at equal times an end (-1) sorts before a start
            now += step
            most = max(most, now)
        return most
