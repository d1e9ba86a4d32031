"""What all APIs share: creates are judged and booked here, questions are booked here. Each API brings its own words.

A create is one step without an await between its acceptance and its ledger entry, so the books are right whoever leaves meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from runner.sandbox.faults import TABLE, Stage
from runner.sandbox.film import Scene
from runner.sandbox.tasks import Task, TaskBook
from runner.sandbox.wire import TRICKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.sandbox.addresses import Addresses
    from runner.sandbox.dice import Dice
    from runner.sandbox.faults import Fault
    from runner.sandbox.ledger import Ledger
    from runner.sandbox.options import SandboxOptions


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
    """

    problem: str | None
    unknown_fields: tuple[str, ...]
    texts: tuple[str, ...]
    spoken: str
    kept: Any
    own_id: str | None = None


class Api(Protocol):
    """The words of one API."""

    @property
    def name(self) -> str:
        """As in `uses`, e.g. `digital-human`; stands in the ledger."""

    def routes(self) -> list[web.RouteDef]:
        """The paths of this API."""

    def plays(self, kind: str) -> bool:
        """Whether it knows a kind of fault."""

    def read(self, body: Any) -> Reading:
        """Judge a create's parsed body (None when it is not JSON)."""

    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """The answer for a kind of `Stage.REFUSAL` or `Stage.POLL`, and for `invalid`, `no-token`, `bad-token`, `unknown-task`."""

    def receipt(self, task: Task, fault: Fault | None) -> Answer:
        """The answer to an accepted create, with a fault of `Stage.REPLY` that changes its words, or without."""

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """The answer to a question about a task, with a fault of `Stage.POLL` or `Stage.RESULT`, or without."""


@dataclass(frozen=True, slots=True)
class _Create:
    """A create that has just arrived (or is remembered)."""

    api: Api
    digest: str
    reading: Reading
    faults: tuple[Fault, ...]

    @property
    def problem(self) -> str | None:
        """Why its inputs are refused: what the API says, or a magic word that nobody knows."""
        unknown = [fault.kind for fault in self.faults if not self.api.plays(fault.kind)]
        if self.reading.problem is not None or not unknown:
            return self.reading.problem
        return f"no fault `{unknown[0]}` in the sandbox's {self.api.name}; there are {', '.join(filter(self.api.plays, TABLE))}"


class Desk:
    """Accepts creates and answers questions, and books both.

    Args:
        options: How the sandbox behaves.
        ledger: Where it is booked.
        dice: Which faults strike.
        addresses: Of results.
        tasks: Where accepted tasks are kept.
        now: Unix seconds.
    """

    def __init__(
        self,
        options: SandboxOptions,
        *,
        ledger: Ledger,
        dice: Dice,
        addresses: Addresses,
        tasks: TaskBook,
        now: Callable[[], float],
    ) -> None:
        self.options = options
        self.ledger = ledger
        self.dice = dice
        self.addresses = addresses
        self.now = now
        self.tasks = tasks
        self._latest_creates: deque[float] = deque()

    async def receive(self, request: web.Request, api: Api) -> web.StreamResponse:
        """Answer a create."""
        raw = await request.read()
        create = self._read(api, _parsed(raw), hashlib.sha256(raw).hexdigest())
        refusal, kind = self._refusal(request, create)
        task = self._accept(create, uuid.uuid4().hex, self.now()) if refusal is None else None
        fault = self.dice.first(create.faults, Stage.REPLY, create.digest) if task else None
        self._book_create(request, create, task, fault.kind if fault else kind)
        if refusal is not None:
            return refusal.response()
        assert task is not None
        return await self._reply(request, api, task, fault)

    async def ask(self, request: web.Request, api: Api, task_id: str) -> web.StreamResponse:
        """Answer a question about a task."""
        task = self.tasks.with_own_id(api.name, task_id) or self.tasks.get(task_id)
        refusal, fault = self.refuse_token(request, api), None
        if refusal is None and (task is None or task.api != api.name):
            refusal = api.refusal("unknown-task")
        if refusal is None and task is not None:
            fault = self._question_fault(task)
            answer = self._answer(api, task, fault)
        else:
            assert refusal is not None
            answer = refusal
        self._book_question(request, api, task_id, answer.status, fault)
        trick = TRICKS.get(fault.kind) if fault else None
        return await trick(request) if trick else answer.response()

    def refuse_token(self, request: web.Request, api: Api) -> Answer | None:
        """The refusal of a request without the right credential; None when it may pass."""
        if not self.options.require_credential:
            return None
        if not _has_token(request):
            return api.refusal("no-token")
        token = request.headers["Authorization"].removeprefix("Bearer ").strip()
        return None if self.options.credential in (None, token) else api.refusal("bad-token")

    def restore(self, api: Api, entry: Mapping[str, Any]) -> None:
        """Know a task again that an earlier sandbox booked as accepted."""
        self._accept(self._read(api, entry["body"], entry["body_sha256"]), entry["task_id"], entry["at"])

    def _read(self, api: Api, body: Any, digest: str) -> _Create:
        reading = api.read(body)
        return _Create(api, digest, reading, self.dice.faults_of(reading.texts, digest, api.plays))

    def _refusal(self, request: web.Request, create: _Create) -> tuple[Answer | None, str | None]:
        """The answer that accepts nothing, and what is behind it for the ledger; the order is that of a gateway."""
        api, now = create.api, self.now()
        if (refusal := self.refuse_token(request, api)) is not None:
            return refusal, None
        if problem := create.problem:
            return api.refusal("invalid", problem), None
        if (fault := self.dice.first(create.faults, Stage.REFUSAL, create.digest)) is not None:
            return api.refusal(fault.kind, number=fault.amount), fault.kind
        if self._is_too_fast(now):
            return api.refusal("429"), "requests_per_minute"
        if self.options.max_in_flight is not None and self.tasks.in_flight(now) >= self.options.max_in_flight:
            return api.refusal("saturated"), "max_in_flight"
        return None, None

    def _is_too_fast(self, now: float) -> bool:
        if self.options.requests_per_minute is None:
            return False
        while self._latest_creates and self._latest_creates[0] <= now - 60:
            self._latest_creates.popleft()
        if len(self._latest_creates) >= self.options.requests_per_minute:
            return True
        self._latest_creates.append(now)
        return False

    def _accept(self, create: _Create, task_id: str, accepted_at: float) -> Task:
        asked_s = next((fault.amount for fault in create.faults if fault.kind == "task-s"), None)
        jitter_s = Random(task_id).random() * self.options.task_jitter_s
        task = Task(
            id=task_id,
            api=create.api.name,
            body=create.reading.kept,
            scene=Scene(create.reading.spoken, task_id),
            faults=create.faults,
            accepted_at=accepted_at,
            duration_s=asked_s if asked_s is not None else self.options.task_s + jitter_s,
            own_id=create.reading.own_id,
        )
        self.tasks.add(task)
        return task

    async def _reply(self, request: web.Request, api: Api, task: Task, fault: Fault | None) -> web.StreamResponse:
        if fault is not None and (trick := TRICKS.get(fault.kind)):
            return await trick(request)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.amount)
        return api.receipt(task, fault).response()

    def _question_fault(self, task: Task) -> Fault | None:
        fault = self.dice.first(task.faults, Stage.POLL, task.id)
        if fault is None and task.ends_at <= self.now():
            fault = self.dice.first(task.faults, Stage.RESULT, task.id)
        return fault

    def _answer(self, api: Api, task: Task, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind.startswith("poll-") and fault.kind not in TRICKS:
            return api.refusal(fault.kind)
        return api.report(task, self.now(), fault)

    def _book_create(self, request: web.Request, create: _Create, task: Task | None, fault: str | None) -> None:
        now = self.now()
        self.ledger.record(
            "create",
            now,
            api=create.api.name,
            body_sha256=create.digest,
            body=create.reading.kept,
            unknown_fields=list(create.reading.unknown_fields),
            authorization=_has_token(request),
            headers=sorted({name.lower() for name in request.headers}),
            accepted=task is not None,
            task_id=task.id if task else None,
            fault=fault,
            in_flight=self.tasks.in_flight(now),
        )

    def _book_question(self, request: web.Request, api: Api, task_id: str, status: int, fault: Fault | None) -> None:
        self.ledger.record(
            "poll",
            self.now(),
            api=api.name,
            task_id=task_id,
            status=status,
            authorization=_has_token(request),
            fault=fault.kind if fault else None,
        )


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").startswith("Bearer ")


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
