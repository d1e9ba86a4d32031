"""How a run ended, for scripts and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.exits import Exit, of_error
from runner.core.job import State

if TYPE_CHECKING:
    from runner.engine.run import Outcome


_OPEN = (State.SUBMITTING, State.RUNNING, State.DOWNLOADING)
"""Where a job stands that this run could not go on with, because its account is not in the manifest any more."""


def exit_code(outcome: Outcome, signalled: Exit | None) -> Exit:
    """The exit code of a run: the first that fits in the order of `Exit`.

    Args:
        outcome: How it ended.
        signalled: The code of the signal that stopped it; None without one.
    """
    fitting = {
        Exit.STORAGE: outcome.stopped_by == "space",
        Exit.IN_DOUBT: outcome.states[State.IN_DOUBT] > 0,
        Exit.STOPPED: outcome.unfinished > 0 or any(outcome.states[state] for state in _OPEN),
        Exit.FAILED: outcome.states[State.FAILED] + outcome.states[State.SKIPPED] > 0,
    }
    codes = {code for code, fits in fitting.items() if fits} | {Exit.DONE}
    if outcome.fatal is not None:
        codes.add(of_error(outcome.fatal))
    if signalled is not None:
        codes.add(signalled)
    return first(codes)


def first(codes: set[Exit]) -> Exit:
    """The code that takes precedence."""
    return min(codes, key=list(Exit).index)


def stops(outcome: Outcome, paid: int) -> list[str]:
    """Why less was done than planned, in sentences; `paid` tasks run on at the provider or wait to be fetched."""
    sentences = [f"{name} stopped: {failure.code} {failure.message}" for name, failure in outcome.account_stops.items()]
    if outcome.closing_reason:
        sentences.append(f"submissions stopped: {outcome.closing_reason}")
    if outcome.stopped_by in ("deadline", "signal"):
        what = "the deadline came" if outcome.stopped_by == "deadline" else "stopped by a signal"
        sentences.append(
            f"{what}; {paid} tasks are paid already and run on at the provider: the next run goes on with them"
        )
    if outcome.left_running:
        sentences.append(
            f"{outcome.left_running} tasks run longer than `poll.deadline_s`; the next run goes on with them"
        )
    return sentences
