"""Times as gateways write them: Unix seconds or milliseconds, by upstream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from runner.providers.json_body import number

_LEAST_MS: Final = 10**12
"""Seconds reach this in the year 33658, milliseconds did in 2001 (api-facts section 7)."""


def moment(value: Any) -> str | None:
    """A time in RFC 3339, UTC, whole seconds.

    Args:
        value: Unix seconds or milliseconds, as a number or as text.

    Returns:
        The time; None when the value is none, or 0, which gateways write for "not yet".
    """
    units = number(value)
    if not units or units < 0:
        return None
    try:
        at = datetime.fromtimestamp(units / 1000 if units >= _LEAST_MS else units, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        return None
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
