"""The API's side: `POST /avatar/generation`, `GET /avatar/task/{id}`, `GET /avatar/voice`."""

from __future__ import annotations

import asyncio
import time
import uuid
from enum import Enum, auto
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakeapi.ledger import Create, Ledger, Task
from tests.fakeapi.script import Answer, Break, Reaction, answer
from tests.fakeapi.shapes import BAD_KEY, created, relay_error, told
from tests.fakeapi.videos import marked_video
from tests.fakeapi.wire import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakeapi.script import Script


class Moment(Enum):
    """Instants on the server's side at which a test may strike."""

    CREATE_ARRIVED = auto()
    CREATE_ACCEPTED = auto()
    """The task exists; the client has no reply yet."""
    CREATE_REPLIED = auto()
    POLL_ARRIVED = auto()
    POLL_REPLIED = auto()
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


class Api:
    """The API.

    Args:
        ledger: Where everything is written down.
        token: The one credential that it takes.
        script: How it reacts to submissions; may be changed while it runs.
        cdn_origin: Where it says that the videos are.
    """

    def __init__(self, ledger: Ledger, token: str, script: Script, cdn_origin: str) -> None:
        self.ledger = ledger
        self.script = script
        self.tripwire: Tripwire | None = None
        self.knows_intent: Callable[[str], bool | None] = lambda _sha256: None
        self._token = token
        self._cdn_origin = cdn_origin

    def application(self) -> web.Application:
        """The routes; whatever else is asked for is noted as a stranger."""
        application = web.Application()
        application.router.add_post("/avatar/generation", self._create)
        application.router.add_get("/avatar/task/{task_id}", self._query)
        application.router.add_get("/avatar/voice", self._voices)
        application.router.add_route("*", "/{rest:.*}", self._stranger)
        return application

    def passes(self, moment: Moment) -> None:
        """A moment has come."""
        if self.tripwire is not None:
            self.tripwire.pass_through(moment)

    def _may_enter(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self._token}"

    async def _create(self, request: web.Request) -> web.StreamResponse:
        arrived = time.monotonic()
        body = await request.read()
        create = Create(arrived, dict(request.headers), body)
        create.had_intent = self.knows_intent(create.sha256)
        self.ledger.creates.append(create)
        self.passes(Moment.CREATE_ARRIVED)
        number = len(self.ledger.creates)
        reaction = self.script(create, number) if self._may_enter(request) else Reaction(task=None, reply=BAD_KEY)
        reply = self._react(create, reaction)
        if create.is_accepted:
            self.passes(Moment.CREATE_ACCEPTED)
        await asyncio.sleep(reaction.reply_after_s)
        create.let_go_at = time.monotonic()
        response = await send(request, reply)
        self.passes(Moment.CREATE_REPLIED)
        return response

    def _react(self, create: Create, reaction: Reaction) -> Answer | Break:
        if reaction.task is None:
            assert reaction.reply is not None, "a submission that is not taken needs a reply"
            return reaction.reply
        task_id = uuid.uuid4().hex
        content = marked_video(task_id, reaction.task.file.padding_bytes)
        self.ledger.tasks[task_id] = Task(task_id, create.speech, reaction.task, time.monotonic(), content)
        create.task_id = task_id
        return reaction.reply or created(task_id)

    async def _query(self, request: web.Request) -> web.StreamResponse:
        task_id = request.match_info["task_id"]
        self.ledger.polls.append((time.monotonic(), task_id))
        self.passes(Moment.POLL_ARRIVED)
        response = await send(request, self._tell(request, task_id))
        self.passes(Moment.POLL_REPLIED)
        return response

    def _tell(self, request: web.Request, task_id: str) -> Answer | Break:
        task = self.ledger.tasks.get(task_id)
        if not self._may_enter(request):
            return BAD_KEY
        if task is None:
            return relay_error(400, "task_not_exist", "任务不存在")
        task.polls += 1
        if task.polls <= len(task.plan.poll_answers):
            return task.plan.poll_answers[task.polls - 1]
        status = task.status(time.monotonic())
        addresses = self._addresses(task) if status == task.plan.ending and task.succeeds else {}
        return told(task_id, status, addresses, task.plan.shape)

    def _addresses(self, task: Task) -> dict[str, str]:
        signature = f"{task.id}-{task.serial}-signed"
        self.ledger.signatures.add(signature)
        stem = f"{self._cdn_origin}/files/{task.id}/{task.serial}"
        return {
            "plain": f"{stem}.mp4?sig={signature}",
            "clean": f"{stem}.mp4?sig={signature}",
            "marked": f"{stem}-watermark.mp4?sig={signature}",
            "cover": f"{stem}.jpg?sig={signature}",
        }

    async def _voices(self, _request: web.Request) -> web.StreamResponse:
        voice = {"audio_id": "aid-1", "name": "Ann", "language": "en", "voice_engine_id": "eng-1", "labels": ["calm"]}
        reply = answer(200, {"code": "success", "message": "", "data": {"audio_list": [voice]}})
        return web.Response(body=reply.body, content_type="application/json")

    async def _stranger(self, request: web.Request) -> web.StreamResponse:
        self.ledger.strangers.append(f"{request.method} {request.path_qs}")
        return web.Response(status=404)
