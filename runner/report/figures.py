"""Numbers and times as people and programmes read them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")


def rfc3339(at: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC with milliseconds, e.g. `2026-11-20T02:14:03.120Z`; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_second(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC, cut to the second, e.g. `2026-11-20T02:14:03Z`: the first word of a log line."""
    return _second(int(at))


@lru_cache(maxsize=16)
def _second(at: int) -> str:
    """Many lines of a log fall into one second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_minute(at: float) -> str:
    """Unix seconds for people, in UTC: `2026-11-20 02:14 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def minutes(seconds: float) -> str:
    """A stretch of time as a stop-watch shows it: `0:41`, `13:10`, `2:05:00`. Negative counts as 0."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"


def size(size_bytes: int) -> str:
    """Bytes in decimal units: `812 B`, `4.1 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    scaled, unit = size_bytes / 1000, 0
    while scaled >= 999.95 and unit < len(_UNITS) - 1:
        scaled, unit = scaled / 1000, unit + 1
    return f"{scaled:.1f} {_UNITS[unit]}"


def amount(value: Decimal) -> str:
    """Money as a decimal string for people: exact, never in exponent form, with two places or as many as it needs, e.g. `13.10`."""
    whole, _, places = f"{value:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def exact(value: Decimal) -> str:
    """Money as a decimal string exactly as it was given, never in exponent form: for programmes."""
    return f"{value:f}"


def count(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`, `12,000 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
