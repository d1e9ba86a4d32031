"""SIGINT and SIGTERM during a run, and while its report is written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.exits import Exit
from runner.cli.screen import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.run import Run

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Signals:
    """The first signal ends the run in good order, the second at once.

    Args:
        manifest: Its path as typed, for messages.
        received: The first one; None until it comes.
    """

    manifest: str
    received: signal.Signals | None = None

    @property
    def exit(self) -> Exit | None:
        """The exit code that it stands for; None while none came."""
        return None if self.received is None else _exit_of(self.received)

    @contextlib.contextmanager
    def stop(self, run: Run) -> Iterator[None]:
        """Let signals stop a run while the block lasts; from its end on they are held back (`hold_back`)."""
        loop = asyncio.get_running_loop()
        for number in _NUMBERS:
            loop.add_signal_handler(number, self._take, number, run)
        try:
            yield
        finally:
            for number in _NUMBERS:
                loop.remove_signal_handler(number)
            self.hold_back()

    def hold_back(self) -> None:
        """From now on, while the report is written: the first signal lets it be finished, the second leaves at once."""
        for number in _NUMBERS:
            signal.signal(number, self._hold)

    def _take(self, number: signal.Signals, run: Run) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            run.stop("signal")
            return
        if run.ctx.on_wire:
            tell("Left at once. What was on the wire is looked up, or in doubt, in the next run.")
        else:
            tell("Left at once. Nothing was on the wire; the next run goes on from here.")
        # The loop may be in the middle of anything, and the state is made to be left at any moment.
        os._exit(_exit_of(self.received))

    def _hold(self, number: int, _frame: object) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            tell("The report is being finished; a second signal leaves at once.")
            return
        tell(
            f"Left at once, the report is not finished. The state is saved: `callsheet report {self.manifest}` writes it."
        )
        # Unlike `os._exit` this removes half-written files and lets the lock go on its way out.
        raise SystemExit(_exit_of(self.received))


def _exit_of(number: signal.Signals) -> Exit:
    return Exit.INTERRUPTED if number is signal.SIGINT else Exit.TERMINATED
