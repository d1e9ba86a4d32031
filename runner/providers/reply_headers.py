"""What a reply's headers say that several providers need."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the server wishes us to wait.

    Args:
        headers: Names in lower case.

    Returns:
        Seconds, 0 or more; None when the header is absent or makes no sense. A date counts from the reply's own `Date`, since the
        two clocks need not agree; without one it says nothing.

    Source:
        RFC 9110 section 10.2.3.
    """
    wish = headers.get("retry-after", "").strip()
    try:
        seconds = float(wish)
    except ValueError:
        until, now = _moment(wish), _moment(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds()) if until and now else None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def sent_at(headers: Mapping[str, str]) -> float | None:
    """When the server says that it has written the reply, in Unix seconds.

    Args:
        headers: Names in lower case.

    Source:
        RFC 9110 section 6.6.1.
    """
    moment = _moment(headers.get("date", ""))
    return None if moment is None else moment.timestamp()


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # A date in "-0000" has no zone; it cannot be compared with one that has.
    return moment if moment.tzinfo is not None else None
