"""What Kling's operations have in common: envelope, statuses, own ids, lists, units.

Source: api-facts.md sections 1.4 and 1.5.
"""

from __future__ import annotations

import uuid
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aiohttp import web

from runner.sandbox.api import Answer, ListingApi
from runner.sandbox.kling import errors, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.sandbox.desk import Desk
    from runner.sandbox.faults import Fault
    from runner.sandbox.tasks import Task

KEPT_S: Final = 30 * 86_400
"""How long Kling keeps a result."""

ENDINGS: Final[Mapping[str, str]] = {
    "fail": "Image pixel is invalid",
    "timeout-generation": "generation timed out",
    "moderated": "the image holds sensitive content",
    "moderated-text": "the prompt holds sensitive content",
}
"""How a task ends badly: its `task_status_msg`, by kind of fault."""

_WORDS: Final = frozenset(
    {"no-id", "duration-number", "units-number", "newer-words", "unlisted", "list-lag", "lookup-lag"}
    | {"unknown-status", "no-address", "expired-url"}
)
_MOST_PAGES: Final = 1000
_DEFAULT_PAGE: Final = 30


class Operation(ListingApi):
    """The words of one operation of Kling.

    Args:
        desk: Where creates and questions are booked.
    """

    path: ClassVar[str]
    most_listed: ClassVar[int] = 500
    """Tasks on a page, at most."""
    errors = errors.ERRORS
    words = frozenset({*ENDINGS, *_WORDS})

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @abstractmethod
    def result(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        """The `task_result` of a task that has succeeded."""

    @abstractmethod
    def units(self, task: Task) -> float:
        """What is deducted for a success."""

    def facts(self, task: Task) -> dict[str, Any]:  # noqa: ARG002  most operations have no more to say
        """What else stands in every report about a task."""
        return {}

    def routes(self) -> list[web.RouteDef]:
        """The paths of this operation."""
        return [
            web.post(self.path, self._create),
            web.get(self.path, self._list),
            web.get(f"{self.path}/{{task_id}}", self._task),
        ]

    def refusal(self, kind: str, detail: str = "", number: float = 0.0) -> Answer:
        """See `Api.refusal`."""
        return errors.refusal(kind, detail, number)

    def token_problem(self, token: str, credential: str | None, now: float) -> str | None:
        """See `Api.token_problem`: a key, or a JWT."""
        return tokens.token_problem(token, credential, now)

    def receipt(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.receipt`; with the result in it where that is there at once."""
        if self.answers_at_once and not task.fault("asynchronous"):
            facts = self._report(task, now, fault)
        else:
            at_ms = _ms(task.accepted_at)
            facts = {**_head(task), "task_status": "submitted", "created_at": at_ms, "updated_at": at_ms}
        return success({**facts, "task_id": ""} if fault is not None and fault.kind == "no-id" else facts)

    def report(self, task: Task, now: float, fault: Fault | None) -> Answer:
        """See `Api.report`."""
        return success(self._report(task, now, fault))

    def listing(self, reports: Sequence[tuple[Task, Fault | None]], now: float) -> Answer:
        """See `ListingApi.listing`."""
        return success([self._report(task, now, fault) for task, fault in reports])

    def repetition(self, own_id: str | None) -> str | None:
        """Why a create with this id of the client's own is refused; None when the id is free."""
        if own_id is None or self.desk.tasks.with_own_id(self.name, own_id) is None:
            return None
        return "external_task_id is taken by another task"

    def length(self, task: Task) -> str | float:
        """How long a result lasts, in seconds: a text, as Kling writes it."""
        seconds = task.scene.duration_s
        return seconds if task.fault("duration-number") else f"{seconds:.3f}"

    def address(self, name: str, now: float, fault: Fault | None) -> str:
        """The address of a file, or what stands in its place."""
        if fault is not None and fault.kind == "no-address":
            return ""
        return self.desk.addresses.of(name, now, expired=fault is not None and fault.kind == "expired-url")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.receive(request, self)

    async def _task(self, request: web.Request) -> web.StreamResponse:
        return await self.desk.ask(request, self, request.match_info["task_id"])

    async def _list(self, request: web.Request) -> web.StreamResponse:
        page, size, problem = page_asked_for(request, self.most_listed)
        return await self.desk.show(request, self, page, size, problem)

    def _report(self, task: Task, now: float, fault: Fault | None) -> dict[str, Any]:
        ending = task.first_of(ENDINGS)
        status = _status(task, now, has_failed=ending is not None)
        has_succeeded, has_ended = status == "succeed", status in ("succeed", "failed")
        word = "succeeded" if has_succeeded and task.fault("newer-words") else status
        facts = {
            **_head(task),
            "task_status": "reviewing" if fault is not None and fault.kind == "unknown-status" else word,
            "task_status_msg": ENDINGS[ending] if ending and has_ended else "",
            **self.facts(task),
            "created_at": _ms(task.accepted_at),
            "updated_at": _ms(min(now, task.ends_at)),
            "task_result": self.result(task, now, fault) if has_succeeded else {},
        }
        return facts | self._deduction(task, has_succeeded=has_succeeded) if has_ended else facts

    def _deduction(self, task: Task, *, has_succeeded: bool) -> dict[str, Any]:
        units = self.units(task) if has_succeeded else 0
        return {
            "final_unit_deduction": units if task.fault("units-number") else f"{units:g}",
            "final_balance_deduction": {"quota": "0", "list_price": "0"},
        }


def own_id_of(body: Mapping[str, Any]) -> str | None:
    """The client's own name for a task; None without one."""
    own_id = body.get("external_task_id")
    return own_id if isinstance(own_id, str) and own_id else None


def text_problem(body: Mapping[str, Any], *names: str) -> str | None:
    """Why fields that must be texts, where they are given, are not."""
    wrong = [name for name in names if not isinstance(body.get(name, ""), str)]
    return f"{wrong[0]} must be a text" if wrong else None


def page_asked_for(request: web.Request, most: int) -> tuple[int, int, str | None]:
    """Number and size of the page that a question asks for, and what is wrong with them; None when nothing is."""
    asked = request.query.get("pageNum", "1"), request.query.get("pageSize", str(_DEFAULT_PAGE))
    for name, value, bound in zip(("pageNum", "pageSize"), asked, (_MOST_PAGES, most), strict=True):
        if not value.isascii() or not value.isdecimal() or not 1 <= int(value) <= bound:
            return 1, _DEFAULT_PAGE, f"{name} must be a number from 1 to {bound}"
    return int(asked[0]), int(asked[1]), None


def success(facts: Any) -> Answer:
    """An answer to a call that worked."""
    return Answer(200, {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": facts})


def _head(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "task_info": {"external_task_id": task.own_id} if task.own_id else {}}


def _status(task: Task, now: float, *, has_failed: bool) -> str:
    if now >= task.ends_at:
        return "failed" if has_failed else "succeed"
    return "submitted" if task.progress(now) < 0.2 else "processing"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
