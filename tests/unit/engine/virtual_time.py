"""An event loop whose time jumps: hours of waiting pass in milliseconds, the same way every time.

While anything can be done, time stands still. When everybody waits, it jumps to the next timer. Work in another thread (a commit) is
waited for in real time, with the virtual time standing still. When everybody waits and there is no timer, the run hangs, and says so.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

EPOCH = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC: the wall clock when virtual time is 0."""

_LONGEST_COMMIT_S = 20.0
_MOST_ROUNDS_AT_ONCE = 10_000
_TARDINESS_S = 1e-6
"""A timer never fires early in the real world: a sum that was rounded down would have it set again for ever."""


class Hangs(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class _Jumping(selectors.DefaultSelector):
    """Reports what the loop waits for, and lets time jump when that is nothing but time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.busy = 0
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What the loop calls between two rounds: 0 while callbacks are ready."""
        if timeout is not None and timeout <= 0:
            self._rounds += 1
            # Only an idle loop hears of finished commits: so their place among the callbacks is always the same.
            return super().select(0) if self._rounds > _MOST_ROUNDS_AT_ONCE else []
        self._rounds = 0
        events = super().select(_LONGEST_COMMIT_S if self.busy else 0)
        if events:
            return events
        if timeout is None or self.busy:
            raise Hangs("everybody waits, and no timer is set")
        self.now += timeout + _TARDINESS_S
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time.

    Args:
        now: Seconds at which it begins.
    """

    def __init__(self, now: float = 0.0) -> None:
        self._jumping = _Jumping()
        self._jumping.now = now
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now

    async def in_thread(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for something that another thread does: meanwhile time stands still."""
        self._jumping.busy += 1
        try:
            await work
        finally:
            self._jumping.busy -= 1

    def run_in_executor(self, executor: Any, func: Callable[[*Arguments], T], *args: *Arguments) -> asyncio.Future[T]:
        """Have another thread do something: meanwhile time stands still."""
        self._jumping.busy += 1
        done = super().run_in_executor(executor, func, *args)
        done.add_done_callback(lambda _: self._rest())
        return done

    async def shutdown_default_executor(self, *args: Any) -> None:
        """Wait for the end of the threads that `run_in_executor` began."""
        await self.in_thread(super().shutdown_default_executor(*args))

    def _rest(self) -> None:
        self._jumping.busy -= 1


class VirtualClock:
    """`runner.core.ports.Clock` on the running loop's time."""

    def monotonic(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """Unix seconds that go with them."""
        return EPOCH + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))


def play(scene: Callable[[], Coroutine[Any, Any, T]], *, now: float = 0.0) -> tuple[T, float]:
    """Run a coroutine in virtual time.

    Args:
        scene: Makes the coroutine.
        now: When it begins.

    Returns:
        Its result, and the virtual time at its end.
    """
    loop = VirtualLoop(now)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(scene())
    return result, loop.time()
