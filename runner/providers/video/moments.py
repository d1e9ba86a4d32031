"""Times as gateways write them: Unix seconds or milliseconds, by upstream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runner.providers.unix_time import unix_s


def moment(value: Any) -> str | None:
    """A time in RFC 3339, UTC, whole seconds.

    Args:
        value: Unix seconds or milliseconds, as a number or as text.

    Returns:
        The time; None when the value is none, or 0, which gateways write for "not yet".
    """
    seconds = unix_s(value)
    if seconds is None:
        return None
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        return None
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
