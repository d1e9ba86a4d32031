"""The exit codes: a promise to scripts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from runner.cli.ending import exit_code
from runner.cli.exits import MEANING, Exit, of_error
from runner.core import errors
from runner.core.errors import CallsheetError, ManifestInvalid, StorageFailed
from runner.core.job import State
from runner.engine.run import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_ORDER = (70, 130, 143, 2, 4, 75, 78, 74, 6, 5, 3, 1, 0)
"""Highest first."""

BY_ERROR = {
    "ManifestInvalid": 4,
    "StateForeign": 4,
    "StateUnusable": 74,
    "PlanRefused": 4,
    "LockHeld": 75,
    "SettingMissing": 78,
    "StorageFailed": 74,
    "DecisionRefused": 2,
    "InvalidTransition": 70,
}


def test_the_codes_and_their_order_are_the_promise() -> None:
    """The table is complete, in its order of precedence, and each code says what it means."""
    assert tuple(Exit) == IN_ORDER
    assert set(MEANING) == set(Exit)


def every(kind: type[CallsheetError]) -> Iterator[type[CallsheetError]]:
    """An error class and all below it that somebody can raise."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for child in below:
        yield from every(child)


def test_every_error_of_the_family_has_its_code() -> None:
    """No class of the family was forgotten: a new one must be given a code here and there."""
    kinds = {kind.__name__: kind for kind in every(CallsheetError) if kind.__module__ == errors.__name__}
    assert set(kinds) == set(BY_ERROR)
    assert {name: int(of_error(make(kind))) for name, kind in kinds.items()} == BY_ERROR


def make(kind: type[CallsheetError]) -> CallsheetError:
    """An error of a class."""
    if kind is ManifestInvalid:
        return ManifestInvalid([])
    if kind is errors.InvalidTransition:
        return errors.InvalidTransition("job", "event")
    return kind("what happened")


@pytest.mark.parametrize("error", [ValueError("x"), OSError("x"), RecursionError()])
def test_everything_else_is_a_bug(error: Exception) -> None:
    """What no table lists ended a command by mistake."""
    assert of_error(error) is Exit.BUG


ENDINGS: dict[str, tuple[dict[str, int], dict[str, Any], Exit | None, int]] = {
    "all done": ({"succeeded": 3}, {}, None, 0),
    "nothing to do": ({}, {}, None, 0),
    "abandoned jobs do not count": ({"succeeded": 1, "cancelled": 2}, {}, None, 0),
    "one failed": ({"succeeded": 3, "failed": 1}, {}, None, 1),
    "one skipped": ({"succeeded": 3, "skipped": 1}, {}, None, 1),
    "some left for the next run": ({"failed": 1}, {"unfinished": 2}, None, 5),
    "deadline, but all done": ({"succeeded": 1}, {"stopped_by": "deadline"}, None, 0),
    "a doubt outranks what is left": ({"in_doubt": 1, "failed": 1}, {"unfinished": 2}, None, 6),
    "no room outranks a doubt": ({"in_doubt": 1}, {"unfinished": 2, "stopped_by": "space"}, None, 74),
    "the disk failed": ({"in_doubt": 1}, {"unfinished": 2, "fatal": StorageFailed("full")}, None, 74),
    "a signal outranks the disk": ({}, {"fatal": StorageFailed("full")}, Exit.INTERRUPTED, 130),
    "SIGTERM": ({"succeeded": 1}, {"unfinished": 2, "stopped_by": "signal"}, Exit.TERMINATED, 143),
    "a bug outranks all": ({"in_doubt": 1}, {"fatal": KeyError("x")}, Exit.INTERRUPTED, 70),
}


@pytest.mark.parametrize("case", list(ENDINGS))
def test_a_run_ends_with_the_first_code_that_fits(case: str) -> None:
    """Where several codes fit, the first of the table wins."""
    states, facts, signalled, code = ENDINGS[case]
    outcome = Outcome(states=Counter({State(name): number for name, number in states.items()}), **facts)
    assert exit_code(outcome, signalled) == code
