"""What the fake APIs share: the moments at which a test may strike, and the reception that writes every submission down."""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from tests.fakeapi.ledger import Create, Task
from tests.fakeapi.videos import marked_video
from tests.fakeapi.wire import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from tests.fakeapi.keys import Keys, Verdict
    from tests.fakeapi.ledger import Ledger
    from tests.fakeapi.script import Answer, Break, Reaction, Script, TaskPlan


class Moment(Enum):
    """Instants on the server's side at which a test may strike."""

    CREATE_ARRIVED = auto()
    CREATE_ACCEPTED = auto()
    """The task exists; the client has no reply yet."""
    CREATE_REPLIED = auto()
    POLL_ARRIVED = auto()
    POLL_REPLIED = auto()
    LOOKUP_ARRIVED = auto()
    """Somebody asks for a task by the client's own id."""
    LOOKUP_REPLIED = auto()
    LIST_ARRIVED = auto()
    FETCH_ARRIVED = auto()
    FETCH_HALFWAY = auto()
    """Half of the body was sent."""
    FETCH_DONE = auto()


class Tripwire:
    """Calls somebody at the n-th time that a moment comes.

    Args:
        moment: Which moment.
        nth: Which time, from 1.
        strike: Called once, on the server's thread.
    """

    def __init__(self, moment: Moment, nth: int, strike: Callable[[], None]) -> None:
        self._moment, self._left, self._strike = moment, nth, strike

    def pass_through(self, moment: Moment) -> None:
        """A moment has come."""
        if moment is not self._moment:
            return
        self._left -= 1
        if self._left == 0:
            self._strike()


class Operation(Protocol):
    """One kind of submission, as one of the APIs takes it."""

    @property
    def name(self) -> str:
        """As a manifest calls it, e.g. `kling/avatar`."""

    def unwelcome(self, verdict: Verdict, /) -> Answer:
        """The reply to a credential that is not good."""

    def objection(self, create: Create, /) -> Answer | None:
        """What the API's own rules have against a submission; None when they allow it."""

    def admit(self, create: Create, plan: TaskPlan, /) -> Task:
        """The task that is made of it."""

    def created(self, task: Task, /) -> Answer:
        """The usual reply to an accepted submission."""


def task_of(create: Create, task_id: str, plan: TaskPlan, make: Callable[[str, int], bytes] = marked_video) -> Task:
    """A task with a result of its own.

    Args:
        create: What it is made of.
        task_id: Its name.
        plan: How it goes.
        make: Makes the result of a mark and a number of bytes to pad it with.
    """
    content = make(task_id, plan.file.padding_bytes)
    return Task(task_id, create.speech, plan, time.monotonic(), content, create.operation, create.external_id)


class Reception:
    """Takes in what is sent to any of the APIs, and writes it down.

    Args:
        ledger: Where everything is written down.
        keys: Which credentials are good.
        script: How submissions are reacted to; may be changed while it runs.
        cdn_origin: Where the results are.
    """

    def __init__(self, ledger: Ledger, keys: Keys, script: Script, cdn_origin: str) -> None:
        self.ledger = ledger
        self.keys = keys
        self.script = script
        self.tripwire: Tripwire | None = None
        self.knows_intent: Callable[[str], bool | None] = lambda _sha256: None
        self._cdn_origin = cdn_origin

    def passes(self, moment: Moment) -> None:
        """A moment has come."""
        if self.tripwire is not None:
            self.tripwire.pass_through(moment)

    async def take(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        """Take a submission in, and answer it as the script wants."""
        arrived = time.monotonic()
        body = await request.read()
        create = Create(arrived, dict(request.headers), body, operation.name)
        create.had_intent = self.knows_intent(create.sha256)
        self.ledger.creates.append(create)
        self.passes(Moment.CREATE_ARRIVED)
        reply_after_s, reply = self._react(create, operation)
        if create.is_accepted:
            self.passes(Moment.CREATE_ACCEPTED)
        await asyncio.sleep(reply_after_s)
        create.let_go_at = time.monotonic()
        response = await send(request, reply)
        self.passes(Moment.CREATE_REPLIED)
        return response

    def _react(self, create: Create, operation: Operation) -> tuple[float, Answer | Break]:
        """What comes of a submission: seconds to wait, and the reply."""
        verdict = self.keys.judge(create.headers)
        create.knows_secret = verdict.knows_secret
        if not verdict.is_welcome:
            create.answered = operation.unwelcome(verdict)
            return 0.0, create.answered
        reaction = self.script(create, len(self.ledger.creates))
        create.answered = self._answer(create, operation, reaction)
        return reaction.reply_after_s, create.answered

    def _answer(self, create: Create, operation: Operation, reaction: Reaction) -> Answer | Break:
        if reaction.task is None:
            assert reaction.reply is not None, "a submission that is not taken needs a reply"
            return reaction.reply
        if (objection := operation.objection(create)) is not None:
            return objection
        task = operation.admit(create, reaction.task)
        self.ledger.tasks[task.id] = task
        create.task_id = task.id
        return reaction.reply or operation.created(task)

    async def tell(
        self, request: web.Request, arrived: Moment, replied: Moment, reply: Answer | Break
    ) -> web.StreamResponse:
        """Answer something that costs nothing."""
        self.passes(arrived)
        response = await send(request, reply)
        self.passes(replied)
        return response

    def address(self, task: Task, suffix: str = "mp4", kind: str = "") -> str:
        """A signed address of a task's result; the audit looks for its signature where it must not stand."""
        signature = f"{task.stem}-{task.serial}-signed"
        self.ledger.signatures.add(signature)
        return f"{self._cdn_origin}/files/{task.stem}/{task.serial}{kind}.{suffix}?sig={signature}"
