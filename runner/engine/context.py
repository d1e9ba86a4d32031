"""What every part of a run shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.notices import SubmissionsStopped

if TYPE_CHECKING:
    import asyncio

    from runner.core.ports import Clock, Delivery, Observer, Store
    from runner.engine.journal import Journal
    from runner.engine.treasury import Treasury


@dataclass(slots=True, kw_only=True)
class Context:
    """A run's tools and its standing orders.

    Args:
        manifest: The manifest's name: part of every external id.
        store: The state.
        delivery: Brings files home.
        clock: Time.
        observer: Who watches.
        journal: Moves jobs.
        treasury: Budgets.
        limit: Jobs that this run may submit at the most; None for no limit.
        on_wire: The asyncio tasks between an intent and the verdict on its reply: a stop waits for them.
        submitted: Intents of this run.
        closing: What ended submissions (`budget`, `space`, `limit`); None while they go on.
        closing_reason: The same in a sentence.
        left_running: Jobs left running at their poll deadline.
        lost_at_stop: Submissions whose reply was not waited for when the run was stopped: doubts.
    """

    manifest: str
    store: Store
    delivery: Delivery
    clock: Clock
    observer: Observer
    journal: Journal
    treasury: Treasury
    limit: int | None = None
    on_wire: set[asyncio.Task[None]] = field(default_factory=set)
    submitted: int = 0
    closing: str | None = None
    closing_reason: str = ""
    left_running: int = 0
    lost_at_stop: int = 0

    def close_submissions(self, what: str, reason: str) -> None:
        """Submit nothing more in this run; what is paid goes on. The first reason stands."""
        if self.closing is None:
            self.closing, self.closing_reason = what, reason
            self.observer.notify(SubmissionsStopped(at=self.clock.wall(), reason=reason))
