"""What all APIs share: creates are judged and booked here, questions are booked here. Each API brings its own words.

A create is one step without an await between its acceptance and its ledger entry, so the books are right whoever leaves meanwhile.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

from runner.sandbox.api import Answer
from runner.sandbox.bodies import body_of
from runner.sandbox.create import Create
from runner.sandbox.faults import Stage
from runner.sandbox.front import PAGES
from runner.sandbox.measure import measure
from runner.sandbox.wire import TRICKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp import web

    from runner.sandbox.addresses import Addresses
    from runner.sandbox.api import Api, ListingApi, Measured
    from runner.sandbox.dice import Dice
    from runner.sandbox.faults import Fault
    from runner.sandbox.ledger import Ledger
    from runner.sandbox.options import SandboxOptions
    from runner.sandbox.tasks import Task, TaskBook


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
        body, digest = await body_of(request)
        measured = {name: await asyncio.to_thread(measure, text) for name, text in api.contents(body).items()}
        create = self._read(api, body, digest, measured)
        refusal, kind = self._refusal(request, create)
        task = self._accept(create, uuid.uuid4().hex, self.now()) if refusal is None else None
        fault = self._reply_fault(create, task) if task else None
        self._book_create(request, create, task, fault.kind if fault else kind)
        if refusal is not None:
            return refusal.response()
        assert task is not None
        return await self._reply(request, api, task, fault)

    async def ask(self, request: web.Request, api: Api, task_id: str) -> web.StreamResponse:
        """Answer a question about a task, named by its own id or by the client's."""
        task, fault = self._found(api, task_id), None
        answer = self.refuse_token(request, api)
        if answer is None and task is None:
            answer = api.refusal("unknown-task")
        if answer is None and task is not None:
            fault = self._question_fault(task)
            answer = (_said(request, api, fault) if fault else None) or api.report(task, self.now(), fault)
        assert answer is not None
        self._book(request, api, "poll", answer, task_id=task_id, fault=fault.kind if fault else None)
        trick = TRICKS.get(fault.kind) if fault else None
        return await trick(request) if trick else answer.response()

    async def show(
        self, request: web.Request, api: ListingApi, page: int, size: int, problem: str | None
    ) -> web.StreamResponse:
        """Answer a question about many tasks.

        Args:
            request: The question.
            api: Whose tasks.
            page: From 1.
            size: Tasks on a page.
            problem: Why the question is refused; None when it is in order.
        """
        fault = self._list_fault(request, api)
        answer = self.refuse_token(request, api) or (api.refusal("invalid", problem) if problem else None)
        if answer is None and fault is not None:
            answer = _said(request, api, fault)
        if answer is None:
            tasks = self._listed(api, page, size)
            answer = api.listing([(task, self._word_fault(api, task)) for task in tasks], self.now())
        self._book(request, api, "list", answer, page=page, size=size, fault=fault.kind if fault else None)
        trick = TRICKS.get(fault.kind) if fault else None
        return await trick(request) if trick else answer.response()

    def tell(self, request: web.Request, api: Api, event: str, answer: Callable[[], Answer]) -> web.StreamResponse:
        """Answer a question that is about no task.

        Args:
            request: The question.
            api: Who is asked.
            event: Of the ledger.
            answer: Makes the answer for those who may have it.
        """
        given = self.refuse_token(request, api) or answer()
        self._book(request, api, event, given)
        return given.response()

    def refuse_token(self, request: web.Request, api: Api) -> Answer | None:
        """The refusal of a request without the right credential; None when it may pass."""
        if not self.options.require_credential:
            return None
        if not _has_token(request):
            return api.refusal("no-token")
        token = request.headers["Authorization"].removeprefix("Bearer ").strip()
        problem = api.token_problem(token, self.options.credential, self.now())
        return None if problem is None else api.refusal(problem)

    def restore(self, api: Api, entry: Mapping[str, Any]) -> None:
        """Know a task again that an earlier sandbox booked as accepted."""
        create = self._read(api, entry["body"], entry["body_sha256"], entry.get("measured", {}))
        self._accept(create, entry.get("serial", entry["task_id"]), entry["at"])

    def _read(self, api: Api, body: Any, digest: str, measured: Measured) -> Create:
        reading = api.read(body, measured)
        return Create(api, digest, measured, reading, self.dice.faults_of(reading.texts, digest, api.plays))

    def _refusal(self, request: web.Request, create: Create) -> tuple[Answer | None, str | None]:
        """The answer that accepts nothing, and what is behind it for the ledger; the order is that of a gateway."""
        api, now = create.api, self.now()
        if (refusal := self.refuse_token(request, api)) is not None:
            return refusal, None
        if problem := create.problem:
            return api.refusal("invalid", problem), None
        if (fault := self.dice.first(create.faults, Stage.REFUSAL, create.digest)) is not None:
            return _said(request, api, fault), fault.kind
        if self._is_too_fast(now):
            return api.refusal("429"), "requests_per_minute"
        for limit, name, counted in (
            (self.options.max_in_flight, "max_in_flight", None),
            (api.most_parallel, "most_parallel", api.name),
        ):
            if limit is not None and self.tasks.in_flight(now, counted) >= limit:
                return api.refusal("saturated"), name
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

    def _accept(self, create: Create, serial: str, accepted_at: float) -> Task:
        task = create.task(serial, accepted_at, self.options)
        self.tasks.add(task)
        return task

    def _reply_fault(self, create: Create, task: Task) -> Fault | None:
        fault = self.dice.first(create.faults, Stage.REPLY, create.digest)
        if fault is None and create.ends_at_once:
            fault = self.dice.first(create.faults, Stage.RESULT, task.id)
        return fault

    async def _reply(self, request: web.Request, api: Api, task: Task, fault: Fault | None) -> web.StreamResponse:
        if fault is not None and (trick := TRICKS.get(fault.kind)):
            return await trick(request)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.amount)
        said = _said(request, api, fault) if fault else None
        return (said or api.receipt(task, self.now(), fault)).response()

    def _found(self, api: Api, asked: str) -> Task | None:
        """The task that a question names; None for one that this API cannot be asked for (yet)."""
        own = self.tasks.with_own_id(api.name, asked)
        if own is not None and not self._has_passed(own, "lookup-lag", self.options.lookup_lag_s):
            own = None
        task = own or self.tasks.get(asked)
        if task is None or task.api != api.name or (api.answers_at_once and not task.fault("asynchronous")):
            return None
        return task

    def _question_fault(self, task: Task) -> Fault | None:
        fault = self.dice.first(task.faults, Stage.POLL, task.id)
        if fault is None and task.ends_at <= self.now():
            fault = self.dice.first(task.faults, Stage.RESULT, task.id)
        return fault

    def _list_fault(self, request: web.Request, api: Api) -> Fault | None:
        """What chance gives to a question that names no task."""
        rolled = self.dice.faults_of((), f"{request.method} {request.path_qs}", api.plays)
        return next((fault for fault in rolled if fault.stage is Stage.POLL and fault.kind not in api.words), None)

    def _word_fault(self, api: Api, task: Task) -> Fault | None:
        words = [fault for fault in task.faults if fault.kind in api.words]
        fault = self.dice.first(words, Stage.POLL, task.id)
        if fault is None and task.ends_at <= self.now():
            fault = self.dice.first(words, Stage.RESULT, task.id)
        return fault

    def _listed(self, api: Api, page: int, size: int) -> Sequence[Task]:
        def shows(task: Task) -> bool:
            return not task.fault("unlisted") and self._has_passed(task, "list-lag", self.options.list_lag_s)

        return self.tasks.page(api.name, page, size, newest_first=self.options.list_order == "newest", shows=shows)

    def _has_passed(self, task: Task, kind: str, usual_s: float) -> bool:
        """Whether a task is older than the lag that it asks for, or than the usual one."""
        fault = task.fault(kind)
        return self.now() - task.accepted_at >= (usual_s if fault is None else fault.amount)

    def _book_create(self, request: web.Request, create: Create, task: Task | None, fault: str | None) -> None:
        now = self.now()
        api, _, operation = create.api.name.partition("/")
        self.ledger.record(
            "create",
            now,
            api=api,
            operation=operation,
            body_sha256=create.digest,
            body=create.reading.kept,
            measured=create.measured,
            unknown_fields=list(create.reading.unknown_fields),
            authorization=_has_token(request),
            headers=sorted({name.lower() for name in request.headers}),
            accepted=task is not None,
            task_id=task.id if task else None,
            serial=task.serial if task else None,
            fault=fault,
            in_flight=self.tasks.in_flight(now),
        )

    def _book(self, request: web.Request, api: Api, event: str, answer: Answer, **facts: Any) -> None:
        name, _, operation = api.name.partition("/")
        self.ledger.record(
            event,
            self.now(),
            api=name,
            operation=operation,
            status=answer.status,
            authorization=_has_token(request),
            **facts,
        )


def _said(request: web.Request, api: Api, fault: Fault) -> Answer | None:
    """What is answered in place of the API's own words; None for a fault that only changes them."""
    if fault.kind in PAGES:
        return Answer(*PAGES[fault.kind])
    if fault.kind == "redirect-post":
        return Answer(307, b"", {"Location": request.path})
    return api.refusal(fault.kind, number=fault.amount) if fault.kind in api.errors else None


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").startswith("Bearer ")
