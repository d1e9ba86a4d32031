"""What the terminal shows: chooses how progress is told, and gives the summary its door."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, assert_never

from runner.core.ports import Observer
from runner.report.json_lines import JsonObserver
from runner.report.lines import Lines
from runner.report.plain import PlainObserver
from runner.report.summary import done_line, render_summary

if TYPE_CHECKING:
    from typing import TextIO

    from runner.core.notices import Notice
    from runner.core.ports import Clock

__all__ = ["Mode", "SilentObserver", "Watcher", "done_line", "make_observer", "render_summary"]

Mode: TypeAlias = Literal["auto", "live", "plain", "json", "none"]


class Watcher(Observer, Protocol):
    """An observer that shows something over time.

    Obligations: no method raises for what the stream does, none waits, and after `close` the terminal is as it was.
    """

    def tick(self) -> None:
        """Show what time alone changes; called about four times a second while the run lasts."""

    def close(self) -> None:
        """Show what is left and put the terminal back. May be called twice."""


class SilentObserver:
    """Shows nothing."""

    def notify(self, notice: Notice) -> None:
        """Ignore it."""

    def tick(self) -> None:
        """Nothing to show."""

    def close(self) -> None:
        """Nothing to put away."""


def make_observer(mode: Mode, *, stream: TextIO, color: bool, clock: Clock) -> Watcher:
    """Choose how a run's progress is told.

    Args:
        mode: `auto` is `live` on a terminal that can draw it, else `plain`.
        stream: Where to; progress belongs on standard error.
        color: Whether colours may be used (`NO_COLOR` and `FORCE_COLOR` already considered).
        clock: For elapsed times and the heartbeat.

    Returns:
        A watcher; call its `tick` four times a second and `close` at the end, however the run ends.
    """
    match mode:
        case "auto":
            return make_observer("live" if _can_draw(stream) else "plain", stream=stream, color=color, clock=clock)
        case "live":
            from runner.report.live import LiveObserver  # noqa: PLC0415  rich takes 40 ms that no other mode needs

            return LiveObserver(stream, color=color, clock=clock)
        case "plain":
            return PlainObserver(Lines(stream, gathers=not stream.isatty()), clock)
        case "json":
            return JsonObserver(Lines(stream, gathers=not stream.isatty()))
        case "none":
            return SilentObserver()
        case _:
            assert_never(mode)


def _can_draw(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can move its cursor and show bars and symbols."""
    is_smart = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return stream.isatty() and is_smart and (stream.encoding or "").lower().replace("-", "") == "utf8"
