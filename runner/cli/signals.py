"""SIGINT and SIGTERM during a run."""

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


@dataclass(slots=True)
class Signals:
    """The first signal ends the run in good order, the second at once.

    Args:
        received: The first one; None until it comes.
    """

    received: signal.Signals | None = None

    @property
    def exit(self) -> Exit | None:
        """The exit code that it stands for; None while none came."""
        return None if self.received is None else _exit_of(self.received)

    @contextlib.contextmanager
    def stop(self, run: Run) -> Iterator[None]:
        """Let signals stop a run while the block lasts; after it, while the report is written, one leaves at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._take, number, run)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
                signal.signal(number, self._leave)

    def _take(self, number: signal.Signals, run: Run) -> None:
        if self.received is not None:
            self._leave(self.received, None)
        self.received = signal.Signals(number)
        run.stop("signal")

    def _leave(self, number: int, _frame: object) -> None:
        tell("Left at once. What was on the wire is looked up, or in doubt, in the next run.")
        os._exit(_exit_of(self.received or signal.Signals(number)))


def _exit_of(number: signal.Signals) -> Exit:
    return Exit.INTERRUPTED if number is signal.SIGINT else Exit.TERMINATED
