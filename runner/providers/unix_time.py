"""Times as APIs write them: Unix seconds or milliseconds, as numbers or as text."""

from __future__ import annotations

from typing import Any, Final

from runner.providers.json_body import number

_LEAST_MS: Final = 10**12
"""Seconds reach this in the year 33658, milliseconds did in 2001 (api-facts section 7)."""

_EARLIEST_S: Final = 1_577_836_800.0
"""2020 began: no task of these APIs is older, and what says so counts from another beginning."""


def unix_s(value: Any) -> float | None:
    """A time in Unix seconds.

    Args:
        value: Unix seconds or milliseconds, as a number or as text.

    Returns:
        The time; None when the value is none, or 0, which APIs write for "not yet".
    """
    units = number(value)
    if not units or units < 0:
        return None
    return units / 1000 if units >= _LEAST_MS else units


def task_began_s(value: Any) -> float | None:
    """When a task began, in Unix seconds; None when no task can have begun then. Whether it lies in the future, only a clock can say."""
    began_s = unix_s(value)
    return None if began_s is None or began_s < _EARLIEST_S else began_s
