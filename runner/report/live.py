"""The live view: finished jobs scroll by, below them the accounts, the oldest active jobs, and one line of totals.

Nothing here runs by itself. Notices change figures, `tick` draws them: at four ticks a second the view costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from runner.core.job import State
from runner.core.notices import (
    AccountStopped,
    JobMoved,
    Notice,
    RunStarted,
    SlowedDown,
    Stopping,
    SubmissionsStopped,
    Warned,
)
from runner.report import escape
from runner.report.figures import count, minutes
from runner.report.moves import delivered, details, is_settled, money, took
from runner.report.plain import not_ok, say, stopping
from runner.report.symbols import STATES
from runner.report.tally import AccountTally, ActiveJob, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from runner.core.ports import Clock

_BAR_WIDTH: Final = 24
_NAME_WIDTH: Final = 16
_DOING: Final = {State.SUBMITTING: "submitting", State.RUNNING: "rendering", State.DOWNLOADING: "fetching"}


class _Screen(Console):
    """A console that falls silent when its reader goes away; rich's own would end the whole process, and the run with it."""

    def on_broken_pipe(self) -> None:
        """Write nothing any more."""
        self.quiet = True


class LiveObserver:
    """Draws a run on a terminal.

    Args:
        stream: The terminal.
        color: Whether colours may be used; symbols and words say the same without.
        clock: For elapsed times.
    """

    def __init__(self, stream: TextIO, *, color: bool, clock: Clock) -> None:
        self._clock = clock
        self._tally = Tally()
        self._finished: list[Text] = []
        self._console = _Screen(
            file=stream,
            force_terminal=True,
            no_color=not color,
            color_system="standard" if color else None,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
        )
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._is_broken = False

    def notify(self, notice: Notice) -> None:
        """Take a notice; it is drawn by the next tick."""
        self._tally.notify(notice)
        line = _scrolled(notice)
        if line is not None:
            self._finished.append(line)

    def tick(self) -> None:
        """Draw what has changed."""
        if not self._is_broken:
            self._guarded_draw(self._view())

    def close(self) -> None:
        """Let the last lines scroll by, take the view away and show the cursor again."""
        if not self._is_broken:
            self._guarded_draw(Group())
        try:
            self._live.stop()
        except (OSError, ValueError):  # the terminal is gone: there is no cursor to give back
            self._is_broken = True

    def _guarded_draw(self, view: Group) -> None:
        try:
            self._live.start()
            if self._finished:
                self._console.print(*self._finished, sep="\n", no_wrap=True, overflow="ellipsis", crop=True)
                self._finished.clear()
            self._live.update(view, refresh=True)
        except (OSError, ValueError):  # closed, hung up or full: the run goes on unwatched
            self._is_broken = True

    def _view(self) -> Group:
        now = self._clock.wall()
        bars = [_bar(name, account, self._tally) for name, account in self._tally.accounts.items()]
        # One line stays free: a view as high as the terminal would scroll at every draw.
        room = self._console.size.height - len(bars) - 5
        active = list(_active_lines(self._tally.active.values(), max(0, room), now))
        blocks = [block for block in (bars, active, [_totals(self._tally, now)]) if block]
        lines = [line for block in blocks for line in (Text(""), *block)]
        return Group(*lines[-max(1, self._console.size.height - 1) :])


def _scrolled(notice: Notice) -> Text | None:
    match notice:
        case JobMoved() if is_settled(notice.job.state):
            return _finished_line(notice)
        case AccountStopped() | SubmissionsStopped() | Warned():
            return _line(f"  ! {say(notice) or ''}", "yellow")
        case Stopping():
            return _line(f"  Stopping. {stopping(notice)}", "yellow")
        case RunStarted():
            return _line(
                f"  {escape.visible(notice.manifest)}: {count(notice.total, 'job')}, run {notice.run_id}", "dim"
            )
        case SlowedDown():
            return None  # the account's bar says it for as long as it holds
        case _:
            return None


def _finished_line(moved: JobMoved) -> Text:
    job = moved.job
    sign = STATES[job.state]
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"  {sign.symbol} ", style=sign.style)
    text.append(f"{escape.visible(job.id):<{_NAME_WIDTH}} ")
    if job.state is State.SUCCEEDED:
        file, cost = delivered(job)
        text.append(f"{escape.visible(file):<26} {cost:>14}   {took(job):>8}")
    else:
        text.append(f"{details(moved) or sign.word}   {took(job)}")
    return text


def _bar(name: str, account: AccountTally, tally: Tally) -> Text:
    filled = _BAR_WIDTH * account.settled // account.jobs if account.jobs else 0
    filled = min(_BAR_WIDTH, filled)
    text = Text(f"  {escape.visible(name):<{_NAME_WIDTH}} ", no_wrap=True, overflow="ellipsis")
    text.append("█" * filled, style="green")
    text.append("░" * (_BAR_WIDTH - filled), style="dim")
    text.append(f" {account.settled:>5}/{account.jobs}")
    running = tally.on_account(name)
    if running:
        text.append(f"   {running} running")
    if account.is_slowed:
        text.append(f"   asked to slow down: {account.limit} at a time", style="yellow")
    return text


def _active_lines(active: Iterable[ActiveJob], room: int, now: float) -> Iterator[Text]:
    """The oldest jobs first; the last line counts those that do not fit."""
    oldest = sorted(active, key=lambda entry: entry.since)
    shown = len(oldest) if len(oldest) <= room else max(0, room - 1)
    for entry in oldest[:shown]:
        yield _active_line(entry, now)
    if shown < len(oldest) and room:
        yield _line(f"  and {len(oldest) - shown} more", "dim")


def _active_line(entry: ActiveJob, now: float) -> Text:
    job = entry.job
    waits = entry.again_at is not None and entry.again_at > now
    symbol = "⟳" if waits else STATES[job.state].symbol
    if waits and entry.again_at is not None:
        doing = f"again in {entry.again_at - now:.0f} s ({entry.reason})"
    else:
        share = "" if entry.progress is None else f"{entry.progress:.0%}"
        doing = f"{entry.note or _DOING.get(job.state, job.state.value)}   {share}"
    said = escape.visible(escape.without_queries(doing))
    return _line(f"  {symbol} {escape.visible(job.id):<{_NAME_WIDTH}} {said:<28} {minutes(now - entry.since):>7}")


def _totals(tally: Tally, now: float) -> Text:
    done = ", ".join([f"{tally.settled}/{tally.work} done", *not_ok(tally)])
    parts = [done]
    if tally.started_at is not None:
        left = tally.left_s(now)
        about = "" if left is None else f", about {_roughly(left)} left"
        parts.append(f"{minutes(now - tally.started_at)} elapsed{about}")
    spent = [f"{money(cost)} spent" for cost in tally.spent]
    parts.append(", ".join([*spent, *(f"{money(cost)} reserved" for cost in tally.reserved)]))
    return _line("  " + "   ".join(part for part in parts if part))


def _roughly(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
