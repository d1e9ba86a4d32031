"""Moves jobs: advance, make it durable, then tell those who watch. Nothing else in the engine writes to the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.job import Job, advance
from runner.core.notices import JobMoved
from runner.core.ports import Move
from runner.engine.treasury import Treasury

if TYPE_CHECKING:
    from runner.core.events import Event
    from runner.core.ports import Clock, Observer, Store


@dataclass(frozen=True, slots=True)
class Journal:
    """The engine's pen.

    Args:
        store: Where moves become durable.
        observer: Who is told afterwards.
        clock: For the time of a notice.
        treasury: Keeps the sum of what moves do to the ledger; one without a budget keeps none.
    """

    store: Store
    observer: Observer
    clock: Clock
    treasury: Treasury = field(default_factory=Treasury)

    async def move(self, job: Job, *events: Event) -> Job:
        """Move a job by one or more events, in one transaction.

        Returns:
            The job after them; durable when this returns.

        Raises:
            InvalidTransition: The table does not list such a move (a bug).
            StorageFailed: It may not be durable.
        """
        notices = []
        moved = job
        for event in events:
            was, moved = moved, advance(moved, event)
            notices.append(JobMoved(at=event.at, job=moved, was=was.state, event=event))
        move = Move(before=job, events=events, after=moved)
        await self.store.commit(move)
        self.treasury.note(move)
        for notice in notices:
            self.observer.notify(notice)
        return moved
