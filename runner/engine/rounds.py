"""Rounds: where an API lists its tasks, all who follow tasks of one operation ask together, so that requests grow with pages and not with jobs.

Whoever wants to know how its task stands says when it wants to know. The earliest of these times starts a round, which reads pages of
the list and answers everybody whose task stands there. In what order a list stands, and how soon a new task is in it, is not
documented (api-facts.md section 1.4), so it is a short cut and never a proof: whoever it does not answer asks for its own task, as without
a list. A round costs no more requests than so many questions of one's own would, and a list that shows nothing of ours, lags behind
or fails is left alone for some rounds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Final

from runner.core.answers import AskAgain, Ended, Ready, Running, UnknownTask
from runner.engine.sightings import Sightings
from runner.engine.task_pages import read_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any

    from runner.core.answers import QueryAnswer
    from runner.core.job import Job
    from runner.core.ports import Clock, ListedTask, TaskList, Wire

FEW: Final = 2
"""So many tasks are asked for one by one: no page is cheaper."""

CHECK_S: Final = 120.0
"""So often, in seconds, one task that the list calls running is asked for itself: a list may stand still."""

_SLACK_S: Final = 0.01
"""Who is due so soon is due now: a timer may be early by the resolution of its clock."""


@dataclass(eq=False, slots=True)
class _Question:
    """One who waits.

    Args:
        job: Whose task.
        inputs: What was asked for.
        due_at: Monotonic seconds when it wants to know.
        answer: What a list said; None to ask for the task itself.
        disproof: Answers to that which would show that the list is at fault.
    """

    job: Job
    inputs: Mapping[str, Any]
    due_at: float
    answer: asyncio.Future[QueryAnswer | None]
    disproof: tuple[type, ...] = ()


@dataclass(slots=True)
class _Scan:
    """One round's reading of the list.

    Args:
        due: Who has to be answered now and was not seen yet, the longest waiting first.
        by_task: All who wait, by task id.
        size: Tasks on a page.
        pages_to_search: Pages that may be read in vain.
        checked: Whose task is asked for itself even when the list calls it running; None in most rounds.
    """

    due: dict[_Question, None]
    by_task: Mapping[str, Sequence[_Question]]
    size: int
    pages_to_search: int
    checked: _Question | None = None
    pages: int = 0
    found_at: int | None = None
    unclear: dict[_Question, None] = field(default_factory=dict)
    """Whose task stands in the list, but not how it stands."""
    most_pages: int = field(init=False)
    most_singles: int = field(init=False)

    def __post_init__(self) -> None:
        """A page has to answer two at least, and all requests together as many as so many single questions would."""
        self.most_singles = len(self.due)
        self.most_pages = max(1, len(self.due) // 2)

    @property
    def goes_on(self) -> bool:
        """Whether one more page is worth its request."""
        most = min(self.most_pages, self.pages_to_search) if self.found_at is None else self.most_pages
        return self.pages == 0 or (len(self.due) > 1 and self.pages < most)


class Rounds:
    """The rounds of one operation on one account.

    Args:
        task_list: The operation's list.
        wire: The account's connection.
        clock: Time.
        ask: Asks for one task by its own question.
        min_s: Least seconds between two rounds.
        delivers_file: Whether a finished task has a file: then a result without its address is none yet.
    """

    def __init__(
        self,
        task_list: TaskList,
        wire: Wire,
        clock: Clock,
        ask: Callable[[Job, Mapping[str, Any]], Awaitable[QueryAnswer]],
        *,
        min_s: float,
        delivers_file: bool,
    ) -> None:
        self._list = task_list
        self._wire = wire
        self._clock = clock
        self._ask = ask
        self._min_s = min_s
        self._delivers_file = delivers_file
        self._sightings = Sightings(task_list.page_size)
        self._waiting: dict[_Question, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._began = -inf
        self._checked_at = clock.monotonic()
        self._failures = 0

    async def answer(self, job: Job, inputs: Mapping[str, Any], wait_s: float) -> QueryAnswer:
        """How a task stands, after `wait_s` seconds or earlier.

        Args:
            job: Whose task.
            inputs: What was asked for.
            wait_s: Seconds after which it wants to know; a round that somebody else starts answers it before.

        Returns:
            What the list said, or the answer to a question of its own. A failed exchange is an `AskAgain`.
        """
        due_at = self._clock.monotonic() + max(0.0, wait_s)
        question = _Question(job, inputs, due_at, asyncio.get_running_loop().create_future())
        self._waiting[question] = None
        self._wake_at(due_at)
        try:
            listed = await question.answer
        except asyncio.CancelledError:
            self._waiting.pop(question, None)
            if not self._waiting:
                self._rest()
            raise
        if listed is not None:
            return listed
        answer = await self._ask(job, inputs)
        if isinstance(answer, question.disproof):
            self._sightings.leave_alone()
        return answer

    # --- when ---------------------------------------------------------------------------------------------------------

    def _wake_at(self, due_at: float) -> None:
        """Have a round begin at this time, unless one is to begin before or is at work."""
        at = max(due_at, self._began + self._min_s)
        if self._reading is not None or (self._timer is not None and self._timer_at <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, at - self._clock.monotonic())
        self._timer, self._timer_at = asyncio.get_running_loop().call_later(delay_s, self._begin), at

    def _wake_for_earliest(self) -> None:
        if self._waiting:
            self._wake_at(min(question.due_at for question in self._waiting))

    def _rest(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reading is not None:
            self._reading.cancel()

    def _begin(self) -> None:
        """A round begins: by the list where that is worth it, else everybody who is due asks for its own task."""
        self._timer = None
        now = self._clock.monotonic()
        due = sorted((each for each in self._waiting if each.due_at <= now + _SLACK_S), key=lambda each: each.due_at)
        if due:
            self._began = now
            if len(self._waiting) > FEW and not self._sightings.is_left_alone():
                self._reading = asyncio.create_task(self._round(due))
                self._reading.add_done_callback(self._ended)
                return
            for question in due:
                self._give(question, None)
        self._wake_for_earliest()

    def _ended(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            for question in self._waiting:  # a bug: it reaches the border of the jobs that wait, and ends the run
                if not question.answer.done():
                    question.answer.set_exception(error)
            self._waiting.clear()
        self._wake_for_earliest()

    def _give(self, question: _Question, answer: QueryAnswer | None, disproof: tuple[type, ...] = ()) -> None:
        if question not in self._waiting:
            return
        del self._waiting[question]
        if not question.answer.done():  # done: it is being cancelled
            question.disproof = disproof
            question.answer.set_result(answer)

    # --- a round ------------------------------------------------------------------------------------------------------

    async def _round(self, due: Sequence[_Question]) -> None:
        scan = self._scan(due)
        trouble = await self._look_through(scan)
        if trouble is not None:
            self._failed(scan, trouble)
            return
        self._failures = 0
        for question in [*scan.unclear, *scan.due][: max(1, scan.most_singles - scan.pages)]:
            self._give(question, None)

    def _scan(self, due: Sequence[_Question]) -> _Scan:
        by_task: dict[str, list[_Question]] = {}
        for question in self._waiting:
            by_task.setdefault(question.job.task_id or "", []).append(question)
        scan = _Scan(
            dict.fromkeys(due), by_task, self._sightings.size_for(len(self._waiting)), self._sightings.pages_to_search
        )
        if self._began - self._checked_at >= CHECK_S:
            scan.checked = min(self._waiting, key=lambda each: each.job.accepted_at or 0.0)
        return scan

    async def _look_through(self, scan: _Scan) -> AskAgain | None:
        """Read pages from where ours stood last time to the end, then those before.

        Returns:
            None; or why a page could not be read.
        """
        begin, goes_on_at = self._sightings.offset, None
        for first, end in ((begin, inf), (0, begin)):
            at = first
            while at < end and scan.goes_on:
                size = scan.size
                listed, scan.size = await read_page(self._wire, self._list, at, size)
                if scan.size < size:
                    self._sightings.shrink(scan.size)
                if isinstance(listed, AskAgain):
                    return listed
                is_ours = self._take(scan, listed.tasks, at)
                at = goes_on_at = (at // scan.size + 1) * scan.size
                if listed.size < scan.size:
                    goes_on_at = 0 if begin else None
                    break
                if scan.found_at is not None and not is_ours:
                    break
        if scan.found_at is None:
            self._sightings.nothing_found(scan.pages, goes_on_at=goes_on_at)
        else:
            self._sightings.found(scan.found_at)
        return None

    def _take(self, scan: _Scan, listed: Sequence[ListedTask], at: int) -> bool:
        """Answer those whose tasks stand on a page.

        Returns:
            Whether there are any.
        """
        scan.pages += 1
        ours = [(question, task) for task in listed for question in scan.by_task.get(task.task_id, ())]
        for question, task in ours:
            answer = self._list.read_task(task, question.inputs)
            if question is scan.checked and isinstance(answer, Running):
                self._checked_at = self._began
                self._give(question, None, disproof=(Ready, Ended))
            elif self._says_enough(answer):
                self._give(question, answer)
            elif isinstance(answer, Ready) or question in scan.due:  # asked for alone, it may say more
                scan.unclear[question] = None
            scan.due.pop(question, None)
        if ours:
            scan.found_at = at if scan.found_at is None else min(scan.found_at, at)
        return bool(ours)

    def _says_enough(self, answer: QueryAnswer) -> bool:
        match answer:
            case Running() | Ended():
                return True
            case Ready():
                return answer.address is not None or not self._delivers_file
            case _:
                return False

    def _failed(self, scan: _Scan, trouble: AskAgain) -> None:
        """The list could not be read: all wait a while. When it is not for the first time, one asks alone: perhaps it is the list's fault."""
        self._failures += 1
        if self._failures > 1 and scan.due:
            self._give(next(iter(scan.due)), None, disproof=(Running, Ready, Ended, UnknownTask))
        for question in list(self._waiting):
            self._give(question, trouble)
