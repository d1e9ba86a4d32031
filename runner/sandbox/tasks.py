"""The tasks that a sandbox has accepted."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.faults import Fault
    from runner.sandbox.film import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An accepted task. Its life follows from the time: nothing runs in the background.

    Args:
        id: The provider's name for it.
        api: Name of the API that accepted it.
        body: The parsed request.
        scene: What its video shows.
        faults: What goes wrong with it.
        accepted_at: Unix seconds.
        duration_s: Seconds until it ends.
        own_id: The client's own name for it, unique in the API; None without one.
    """

    id: str
    api: str
    body: Mapping[str, Any] = field(repr=False)
    scene: Scene
    faults: tuple[Fault, ...]
    accepted_at: float
    duration_s: float
    own_id: str | None = None

    @property
    def ends_at(self) -> float:
        """Unix seconds of its end, whichever it is."""
        return self.accepted_at + self.duration_s

    def fault(self, kind: str) -> Fault | None:
        """The fault of this kind; None when the task has none."""
        return next((fault for fault in self.faults if fault.kind == kind), None)


class TaskBook:
    """All accepted tasks, and how many run at once."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._by_own_id: dict[tuple[str, str], Task] = {}
        self._ends: list[float] = []

    def add(self, task: Task) -> None:
        """Note an accepted task."""
        self._tasks[task.id] = task
        if task.own_id is not None:
            self._by_own_id[task.api, task.own_id] = task
        heapq.heappush(self._ends, task.ends_at)

    def get(self, task_id: str) -> Task | None:
        """The task with this id; None when there is none."""
        return self._tasks.get(task_id)

    def with_own_id(self, api: str, own_id: str) -> Task | None:
        """The task of an API that its client gave this id; None when there is none."""
        return self._by_own_id.get((api, own_id))

    def in_flight(self, now: float) -> int:
        """How many tasks run at this time. Times must not run backwards from call to call."""
        while self._ends and self._ends[0] <= now:
            heapq.heappop(self._ends)
        return len(self._ends)
