"""The tasks that a sandbox has accepted."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.sandbox.faults import Fault
    from runner.sandbox.film import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An accepted task. Its life follows from the time: nothing runs in the background.

    Args:
        id: The provider's name for it.
        serial: 32 hexadecimal digits, of its own; names its files.
        api: Name of the API that accepted it.
        body: The parsed request.
        scene: What its result shows or says.
        faults: What goes wrong with it.
        accepted_at: Unix seconds.
        duration_s: Seconds until it ends.
        own_id: The client's own name for it, unique in the API; None without one.
    """

    id: str
    serial: str
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

    def progress(self, now: float) -> float:
        """0 to 1, by the time."""
        return 1.0 if now >= self.ends_at else max(0.0, (now - self.accepted_at) / self.duration_s)

    def fault(self, kind: str) -> Fault | None:
        """The fault of this kind; None when the task has none."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def first_of(self, kinds: Iterable[str]) -> str | None:
        """The first of these kinds that the task has; None when it has none."""
        return next((kind for kind in kinds if self.fault(kind)), None)


class TaskBook:
    """All accepted tasks, and how many run at once."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._by_serial: dict[str, Task] = {}
        self._by_own_id: dict[tuple[str, str], Task] = {}
        self._by_api: defaultdict[str, list[Task]] = defaultdict(list)
        self._ends: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, task: Task) -> None:
        """Note an accepted task."""
        self._tasks[task.id] = self._by_serial[task.serial] = task
        if task.own_id is not None:
            self._by_own_id[_account(task.api), task.own_id] = task
        self._by_api[task.api].append(task)
        heapq.heappush(self._ends[task.api], task.ends_at)

    def get(self, task_id: str) -> Task | None:
        """The task with this id; None when there is none."""
        return self._tasks.get(task_id)

    def with_serial(self, serial: str) -> Task | None:
        """The task with this serial number; None when there is none."""
        return self._by_serial.get(serial)

    def with_own_id(self, api: str, own_id: str) -> Task | None:
        """The task that its client gave this id, of whichever operation of the API's provider; None when there is none."""
        return self._by_own_id.get((_account(api), own_id))

    def page(
        self, api: str, number: int, size: int, *, newest_first: bool, shows: Callable[[Task], bool]
    ) -> Sequence[Task]:
        """A page of an API's tasks.

        Args:
            api: Name of the API.
            number: Of the page, from 1.
            size: Tasks on a page.
            newest_first: The order of acceptance, or its reverse.
            shows: Whether a task stands in the list at all.
        """
        tasks = self._by_api[api]
        shown = filter(shows, reversed(tasks) if newest_first else tasks)
        return list(islice(shown, (number - 1) * size, number * size))

    def in_flight(self, now: float, api: str | None = None) -> int:
        """How many tasks run at this time, of one API or (None) of all. Times must not run backwards from call to call."""
        return sum(_running(self._ends[name], now) for name in ([api] if api is not None else list(self._ends)))


def _account(api: str) -> str:
    return api.partition("/")[0]


def _running(ends: list[float], now: float) -> int:
    while ends and ends[0] <= now:
        heapq.heappop(ends)
    return len(ends)
