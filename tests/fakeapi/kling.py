"""Kling's API: avatars, text to speech, custom voices; queries by either id, lists (api-facts section 1)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.fakeapi.api import Moment, task_of
from tests.fakeapi.kling_replies import UNWELCOME, enveloped, refusal, stranger, told
from tests.fakeapi.videos import marked_sound

if TYPE_CHECKING:
    from tests.fakeapi.api import Reception
    from tests.fakeapi.keys import Verdict
    from tests.fakeapi.ledger import Create, Task
    from tests.fakeapi.script import Answer, Break, TaskPlan

PATHS: Final = {
    "kling/avatar": "/v1/videos/avatar/image2video",
    "kling/tts": "/v1/audio/tts",
    "kling/voice": "/v1/general/custom-voices",
}
_MOST_PAGE_SIZE: Final = {"kling/avatar": 500, "kling/voice": 1000}
_FIRST_ID: Final = 8_300_000_000_000_000_001


@dataclass(slots=True)
class Habits:
    """What the documents leave open, and the account's pack; may be changed while it runs.

    Args:
        slots: Avatars at once; None for as many as anybody wants.
        shown_after_s: Seconds until a new task is found by the client's own id and stands in lists.
        newest_first: The order of lists.
        strangers: Tasks of others that stand before all of ours in lists.
        finds_own_ids: Whether a task is found by the client's own id at all.
        refuses_used_ids: Whether an own id that was used before is refused.
        lookup_answers: Given to the next look-ups instead of the truth.
        list_answers: Likewise to the next questions for a page.
        speaks_at_once: Whether a reply to a text already has its sound.
        tells_speech: Whether a sound that was made can be asked for again.
    """

    slots: int | None = None
    shown_after_s: float = 0.0
    newest_first: bool = True
    strangers: int = 0
    finds_own_ids: bool = True
    refuses_used_ids: bool = True
    lookup_answers: list[Answer | Break] = field(default_factory=list)
    list_answers: list[Answer | Break] = field(default_factory=list)
    speaks_at_once: bool = True
    tells_speech: bool = True


class Kling:
    """The API.

    Args:
        reception: Writes down what arrives.
        habits: How it behaves where the documents are silent.
    """

    def __init__(self, reception: Reception, habits: Habits) -> None:
        self.reception = reception
        self.habits = habits
        self.ids = count(_FIRST_ID)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the documented paths."""
        for name, path in PATHS.items():
            operation = KlingOperation(name, self)
            router.add_post(path, operation.create)
            router.add_get(path + "/{id}", operation.query)
            if name in _MOST_PAGE_SIZE:
                router.add_get(path, operation.page)
        router.add_get("/v1/general/presets-voices", self._presets)

    async def _presets(self, request: web.Request) -> web.StreamResponse:
        voice = {"voice_id": "oversea_male1", "voice_name": "Tom", "trial_url": "", "owned_by": "kling"}
        task = {"task_id": "1", "task_status": "succeed", "task_result": {"voices": [voice]}}
        reply = enveloped([task]) if self.reception.keys.judge(request.headers).is_welcome else refusal(1000)
        return web.Response(status=reply.status, body=reply.body, content_type="application/json")


class KlingOperation:
    """One operation: create, query by either id, list.

    Args:
        name: As a manifest calls it.
        kling: The API that it belongs to.
    """

    def __init__(self, name: str, kling: Kling) -> None:
        self.name = name
        self._kling = kling
        self._reception = kling.reception

    @property
    def _habits(self) -> Habits:
        return self._kling.habits

    def unwelcome(self, verdict: Verdict) -> Answer:
        """The code for this kind of bad credential."""
        return refusal(UNWELCOME[verdict])

    def objection(self, create: Create) -> Answer | None:
        """An id that was used before, or no free slot."""
        own_id = create.external_id
        if own_id is not None and self._habits.refuses_used_ids and self._find(own_id) is not None:
            return refusal(1201, "external_task_id is not unique")
        slots = self._habits.slots if self.name == "kling/avatar" else None
        if slots is not None and self._reception.ledger.open_tasks(self.name, time.monotonic()) >= slots:
            return refusal(1303)
        return None

    def admit(self, create: Create, plan: TaskPlan) -> Task:
        """Its id has 19 digits; speech that is made at once has ended when it begins."""
        task_id = str(next(self._kling.ids))
        if self.name != "kling/tts":
            return task_of(create, task_id, plan)
        plan = replace(plan, seconds=0.0) if self._habits.speaks_at_once else plan
        return task_of(create, task_id, plan, marked_sound)

    def created(self, task: Task) -> Answer:
        """The task as it stands: for a text that is spoken at once, with its sound."""
        if self.name == "kling/tts" and self._habits.speaks_at_once:
            return enveloped(told(task, task.ends_at, self._result(task)))
        return enveloped({**told(task, task.accepted_at, {}), "task_status": "submitted"})

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST."""
        return await self._reception.take(request, self)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """GET with either id in the path."""
        given = request.match_info["id"]
        if given.isdecimal():
            self._reception.ledger.polls.append((time.monotonic(), given))
            return await self._reception.tell(
                request, Moment.POLL_ARRIVED, Moment.POLL_REPLIED, self._tell(request, given)
            )
        self._reception.ledger.lookups.append((time.monotonic(), given))
        reply = self._look_up(request, given)
        return await self._reception.tell(request, Moment.LOOKUP_ARRIVED, Moment.LOOKUP_REPLIED, reply)

    def _tell(self, request: web.Request, task_id: str) -> Answer | Break:
        if not (verdict := self._reception.keys.judge(request.headers)).is_welcome:
            return self.unwelcome(verdict)
        task = self._reception.ledger.tasks.get(task_id)
        is_mute = self.name == "kling/tts" and not self._habits.tells_speech
        if task is None or task.operation != self.name or is_mute:
            return refusal(1203)
        if (planned := task.next_poll_answer()) is not None:
            return planned
        return enveloped(self._told(task))

    def _look_up(self, request: web.Request, own_id: str) -> Answer | Break:
        if not (verdict := self._reception.keys.judge(request.headers)).is_welcome:
            return self.unwelcome(verdict)
        if self._habits.lookup_answers:
            return self._habits.lookup_answers.pop(0)
        task = self._find(own_id) if self._habits.finds_own_ids else None
        return enveloped(self._told(task)) if task is not None and self._is_shown(task) else refusal(1203)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """GET of a page."""
        page, size = int(request.query.get("pageNum", "1")), int(request.query.get("pageSize", "30"))
        self._reception.ledger.lists.append((time.monotonic(), page))
        reply = self._entries(request, page, size)
        return await self._reception.tell(request, Moment.LIST_ARRIVED, Moment.LIST_ARRIVED, reply)

    def _entries(self, request: web.Request, page: int, size: int) -> Answer | Break:
        if not (verdict := self._reception.keys.judge(request.headers)).is_welcome:
            return self.unwelcome(verdict)
        if not (1 <= page <= 1000 and 1 <= size <= _MOST_PAGE_SIZE[self.name]):
            return refusal(1200)
        if self._habits.list_answers:
            return self._habits.list_answers.pop(0)
        return enveloped([self._entry(number) for number in self._numbers()[(page - 1) * size : page * size]])

    def _numbers(self) -> list[Task | int]:
        """Everything that stands in the list, in its order: our tasks, and numbers for those of others."""
        tasks = [task for task in self._reception.ledger.tasks.values() if task.operation == self.name]
        shown: list[Task | int] = [task for task in tasks if self._is_shown(task)]
        if self._habits.newest_first:
            shown.reverse()
        return [*range(self._habits.strangers), *shown]

    def _entry(self, task: Task | int) -> dict[str, Any]:
        return stranger(task) if isinstance(task, int) else self._told(task)

    def _find(self, own_id: str) -> Task | None:
        tasks = self._reception.ledger.tasks.values()
        return next((task for task in tasks if task.operation == self.name and task.external_id == own_id), None)

    def _is_shown(self, task: Task) -> bool:
        return time.monotonic() >= task.accepted_at + self._habits.shown_after_s

    def _told(self, task: Task) -> dict[str, Any]:
        return told(task, time.monotonic(), self._result(task))

    def _result(self, task: Task) -> dict[str, Any]:
        match self.name:
            case "kling/avatar":
                address = self._reception.address(task)
                video = {"id": f"v-{task.id}", "url": address, "watermark_url": "", "duration": task.plan.duration}
                return {"videos": [video]}
            case "kling/tts":
                address = self._reception.address(task, "mp3")
                return {"audios": [{"id": f"a-{task.id}", "url": address, "duration": task.plan.duration}]}
            case _:
                trial = self._reception.address(task)
                voice = {"voice_id": f"voice-{task.id}", "voice_name": task.speech, "trial_url": trial}
                return {"voices": [{**voice, "owned_by": "1001"}]}
