"""What a submission leaves behind: where its job stands in this run, and what its account feels."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from runner.core.codes import Code
from runner.core.events import Failure
from runner.core.notices import AccountStopped

if TYPE_CHECKING:
    from runner.engine.context import Context
    from runner.engine.lane import Lane


class After(Enum):
    """Where a submission leaves its job."""

    GOES_ON = "goes on"
    """Accepted: a task runs, or has its result already."""
    FOUND = "found"
    """The task of an earlier submission was found: it goes on."""
    AGAIN = "again"
    """Not taken: it goes back to the front of its queue."""
    LEFT = "left"
    """Not taken, and not tried again in this run: it stays pending."""
    ENDED = "ended"
    """Refused or given up."""
    LOST = "lost"
    """Nobody knows yet: it stays submitting, and the API can be asked for it by our own id."""
    DOUBT = "doubt"
    """Nobody knows."""


def stop_account(ctx: Context, lane: Lane, failure: Failure, operation: str | None = None) -> None:
    """Submit nothing more on an account, or for one operation of it; polls and downloads go on. The first reason stands."""
    if operation is not None:
        if operation in lane.stopped_operations:
            return
        lane.stopped_operations[operation] = failure
    elif lane.stopped is not None:
        return
    else:
        lane.stopped = failure
    ctx.observer.notify(
        AccountStopped(
            at=ctx.clock.wall(),
            account=lane.account.name,
            operation=operation,
            code=failure.code,
            reason=failure.message,
        )
    )


def note_doubt(ctx: Context, lane: Lane, *, is_of_this_run: bool) -> None:
    """Count a doubt, which keeps its slot; the second in a row stops the account.

    Args:
        ctx: The run.
        lane: The account.
        is_of_this_run: Whether this run has submitted it; another says nothing about how the API is now.
    """
    lane.doubts += 1
    if is_of_this_run and lane.health.doubt():
        reason = "two submissions in a row were lost; more would only make more doubts"
        stop_account(ctx, lane, Failure(cause=None, code=Code.IN_DOUBT, message=reason))


def doubt_of(reason: str, request_id: str | None = None) -> Failure:
    """The failure of a job that nobody can tell about."""
    return Failure(cause=None, code=Code.IN_DOUBT, message=reason, request_id=request_id)
