"""What earlier runs have left an account: slots that their tasks hold, how long tasks took, when the last one was submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core.job import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.core.job import Job
    from runner.engine.context import Context
    from runner.engine.lane import Lane

_REMEMBERED = 64
"""Durations of so many earlier tasks are learned from."""


def take_stock(ctx: Context, lanes: Mapping[str, Lane]) -> Iterator[tuple[Lane, Job]]:
    """Set every account up with what earlier runs have left.

    Args:
        ctx: The run.
        lanes: Its accounts; their slots, pace and knowledge are changed.

    Yields:
        Each open task and its account, the slot counted.
    """
    for uses, lane in _uses(lanes):
        for duration_s in ctx.store.durations(uses, _REMEMBERED):
            lane.durations[uses].add(duration_s)
        _keep_spacing(ctx, lane, ctx.store.last_submission_at(uses))
    for row in list(ctx.store.open_rows()):
        lane_of_row = lanes.get(row.account)
        holds_slot = row.state in (State.RUNNING, State.SUBMITTING)
        if lane_of_row is None or not holds_slot or row.operation not in lane_of_row.operations:
            continue
        lane_of_row.in_flight += 1
        yield lane_of_row, row


def _keep_spacing(ctx: Context, lane: Lane, last_at: float | None) -> None:
    """The account's pace holds across runs: the first submission keeps its distance from the last of the run before."""
    if last_at is not None:
        elapsed_s = max(0.0, ctx.clock.wall() - last_at)
        lane.spacing.pause_until(ctx.clock.monotonic() + lane.spacing.interval_s - elapsed_s)


def _uses(lanes: Mapping[str, Lane]) -> Iterator[tuple[str, Lane]]:
    for name, lane in lanes.items():
        for operation in lane.operations:
            yield f"{name}/{operation.partition('/')[2]}", lane
