"""Progress as plain lines: one for each change, time first, greppable; for logs, CI and cron."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.core.notices import (
    AccountStopped,
    JobMoved,
    JobProgress,
    RunEnded,
    RunStarted,
    SlowedDown,
    Stopping,
    SubmissionsStopped,
    Waiting,
    Warned,
)
from runner.report import escape
from runner.report.figures import count, minutes, to_second
from runner.report.moves import details, money
from runner.report.symbols import STATES
from runner.report.tally import Tally

if TYPE_CHECKING:
    from runner.core.job import State
    from runner.core.notices import Notice
    from runner.core.ports import Clock
    from runner.report.lines import Lines

HEARTBEAT_S: Final = 60.0
_WORD_WIDTH: Final = 8


@dataclass(slots=True)
class PlainObserver:
    """Writes a line for each change, and a heartbeat after `HEARTBEAT_S` seconds of silence.

    No escape sequence and no carriage return is ever written. It holds no thread: `tick` must be called about once a second.

    Args:
        lines: Where to.
        clock: For the heartbeat.
    """

    lines: Lines
    clock: Clock
    _tally: Tally = field(default_factory=Tally)
    _last_at: float | None = None

    def notify(self, notice: Notice) -> None:
        """Write what happened, where it is for people."""
        self._tally.notify(notice)
        line = say(notice)
        if line is not None:
            self._write(f"{to_second(notice.at)} {line}")

    def tick(self) -> None:
        """Write a heartbeat when nothing was said for long."""
        if self._last_at is None:
            self._last_at = self.clock.monotonic()
        if self.clock.monotonic() - self._last_at >= HEARTBEAT_S:
            now = self.clock.wall()
            self._write(f"{to_second(now)} {_line('alive', heartbeat(self._tally, now))}")
        self.lines.flush()

    def close(self) -> None:
        """Write what waits."""
        self.lines.flush()

    def _write(self, line: str) -> None:
        self._last_at = self.clock.monotonic()
        self.lines.write(line.rstrip())


def say(notice: Notice) -> str | None:
    """A notice as one line without its time, safe for a terminal; None for what is not worth a line."""
    match notice:
        case JobMoved():
            return _say_move(notice)
        case JobProgress():
            return None if notice.note is None else _line("note", notice.job.id, notice.note)
        case Waiting():
            return _line("wait", notice.job.id, f"again in {notice.wait_s:.0f} s ({notice.reason})")
        case RunStarted():
            return _line("start", notice.manifest, _planned(notice))
        case SlowedDown():
            pause = f", next in {notice.wait_s:.0f} s" if notice.wait_s else ""
            return _line("slower", notice.account, f"{notice.limit} at a time{pause}: {notice.reason}")
        case AccountStopped():
            what = notice.account if notice.operation is None else f"{notice.account} ({notice.operation})"
            return _line("stopped", what, f"{notice.code} {notice.reason}; nothing more is submitted there")
        case SubmissionsStopped():
            return _line("stopped", f"nothing more is submitted: {notice.reason}")
        case Stopping():
            return _line("halt", stopping(notice))
        case Warned():
            return _line("warning", notice.message)
        case RunEnded():
            spent = "cost unknown" if notice.spent is None else money(notice.spent)
            return _line("end", f"exit {notice.exit_code}, {spent}")
        case _:
            return None


def stopping(notice: Stopping) -> str:
    """What a stop by signal means, in words."""
    said = "No new jobs are submitted."
    if notice.submissions:
        wait = f"Waiting for {count(notice.submissions, 'submission')} on the wire (at most {notice.patience_s:.0f} s)."
        said = f"{said} {wait}"
    return said


def heartbeat(tally: Tally, now: float) -> str:
    """How far the run is, e.g. `7/14 done, 1 failed, 4 at work, 2:14 elapsed`."""
    elapsed = now - tally.started_at if tally.started_at is not None else 0.0
    parts = [f"{tally.settled}/{tally.work} done", *not_ok(tally), f"{len(tally.active)} at work"]
    return ", ".join([*parts, f"{minutes(elapsed)} elapsed"])


def not_ok(tally: Tally) -> list[str]:
    """Counts of settled jobs that did not succeed, e.g. `["1 failed", "2 in doubt"]`."""
    said: dict[State, str] = {state: state.value.replace("_", " ") for state in STATES if state.value != "succeeded"}
    return [f"{tally.counts[state]} {word}" for state, word in said.items() if tally.counts[state]]


def _say_move(notice: JobMoved) -> str | None:
    said = details(notice)
    if said is None:
        return None
    return _line(STATES[notice.job.state].word, notice.job.id, said)


def _planned(notice: RunStarted) -> str:
    planned = ", ".join(f"{number} {action}" for action, number in notice.planned.items() if number)
    return f"run {notice.run_id}: {count(notice.total, 'job')}" + (f" ({planned})" if planned else "")


def _line(word: str, *parts: str) -> str:
    text = "  ".join(part for part in parts if part)
    return f"{word:<{_WORD_WIDTH}}{escape.visible(escape.without_queries(text))}"
