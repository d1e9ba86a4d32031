"""API and CDN on two ports of loopback, served by a thread of their own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tests.fakeapi.api import Api, Tripwire
from tests.fakeapi.cdn import Cdn
from tests.fakeapi.ledger import Ledger
from tests.fakeapi.script import ACCEPT, always

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.fakeapi.api import Moment
    from tests.fakeapi.script import Script

_BACKLOG = 128


def _reserve_port() -> socket.socket:
    """A socket that holds a free port without listening: the kernel refuses connections to it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def _origin(reserved: socket.socket) -> str:
    return f"http://127.0.0.1:{reserved.getsockname()[1]}"


class FakeServer:
    """The remote side of a test.

    Args:
        token: The credential that the API takes.
        script: How it reacts to submissions; by default it takes them all.

    Use it as a context manager; until `open` both ports refuse connections.
    """

    def __init__(self, token: str, script: Script = always(ACCEPT)) -> None:  # noqa: B008  a function of values alone
        self._sockets = [_reserve_port(), _reserve_port()]
        self.base_url, self.cdn_origin = (_origin(reserved) for reserved in self._sockets)
        self.ledger = Ledger()
        self._api = Api(self.ledger, token, script, self.cdn_origin)
        self._cdn = Cdn(self.ledger, self._api.passes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake API")
        self._runners: list[web.AppRunner] = []

    @property
    def script(self) -> Script:
        """How submissions are reacted to; set it to mend or break the server."""
        return self._api.script

    @script.setter
    def script(self, script: Script) -> None:
        self._api.script = script

    def watch_intents(self, knows: Callable[[str], bool | None]) -> None:
        """Ask, at each submission and before the server reads on, whether its digest is known already."""
        self._api.knows_intent = knows

    def strike_at(self, moment: Moment, nth: int, strike: Callable[[], None]) -> None:
        """Call `strike` on the server's thread at the n-th time, from now and counted from 1, that a moment comes."""
        self._api.tripwire = Tripwire(moment, nth, strike)

    def end_tasks(self) -> None:
        """Let every task that was accepted so far end now."""
        now = time.monotonic()
        for task in self.ledger.tasks.values():
            task.plan = replace(task.plan, seconds=min(task.plan.seconds, now - task.accepted_at))

    def wait_for(self, condition: Callable[[Ledger], bool], seconds: float = 20.0) -> None:
        """Wait until the ledger fulfils a condition.

        Raises:
            TimeoutError: It did not in time.
        """
        until = time.monotonic() + seconds
        while not condition(self.ledger):
            if time.monotonic() > until:
                raise TimeoutError("the server has not seen what was waited for")
            time.sleep(0.005)

    def open(self) -> None:
        """Listen on both ports."""
        if not self._thread.is_alive():
            self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> None:
        for application, reserved in zip(
            (self._api.application(), self._cdn.application()), self._sockets, strict=True
        ):
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.05)
            await runner.setup()
            await web.SockSite(runner, reserved, backlog=_BACKLOG).start()
            self._runners.append(runner)

    async def _shut(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await self._loop.shutdown_asyncgens()

    def __enter__(self) -> Self:
        """Reserve the ports; call `open` to listen."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all exchanges and close the ports."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self._loop.close()
        for reserved in self._sockets:
            reserved.close()
