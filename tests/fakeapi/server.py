"""API and CDN on two ports of loopback, served by a thread of their own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tests.fakeapi import kling, video
from tests.fakeapi.api import Reception, Tripwire
from tests.fakeapi.cdn import Cdn
from tests.fakeapi.digital_human import DigitalHuman
from tests.fakeapi.keys import Keys
from tests.fakeapi.kling import Kling
from tests.fakeapi.ledger import Ledger
from tests.fakeapi.script import ACCEPT, always
from tests.fakeapi.video import Video

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.fakeapi.api import Moment
    from tests.fakeapi.script import Script

_BACKLOG = 128
_LARGEST_BODY = 32 * 1024 * 1024


def _reserve_port() -> socket.socket:
    """A socket that holds a free port without listening: the kernel refuses connections to it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def _origin(reserved: socket.socket) -> str:
    return f"http://127.0.0.1:{reserved.getsockname()[1]}"


class FakeServer:
    """The remote side of a test: all three APIs on one host, and a CDN.

    Args:
        token: The credential that the APIs take; `keys` holds a key pair that is as good.
        script: How it reacts to submissions; by default it takes them all.

    Use it as a context manager; until `open` both ports refuse connections.
    """

    def __init__(self, token: str, script: Script = always(ACCEPT)) -> None:  # noqa: B008  a function of values alone
        self._sockets = [_reserve_port(), _reserve_port()]
        self.base_url, self.cdn_origin = (_origin(reserved) for reserved in self._sockets)
        self.ledger = Ledger()
        self.keys = Keys(token, access_key="AK-canary-5d1c", secret_key="SK-canary-99f0")
        self.kling = kling.Habits()
        self.video = video.Habits()
        self._reception = Reception(self.ledger, self.keys, script, self.cdn_origin)
        self._cdn = Cdn(self.ledger, self._reception.passes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake API")
        self._runners: list[web.AppRunner] = []

    @property
    def script(self) -> Script:
        """How submissions are reacted to; set it to mend or break the server."""
        return self._reception.script

    @script.setter
    def script(self, script: Script) -> None:
        self._reception.script = script

    def watch_intents(self, knows: Callable[[str], bool | None]) -> None:
        """Ask, at each submission and before the server reads on, whether its digest is known already."""
        self._reception.knows_intent = knows

    def strike_at(self, moment: Moment, nth: int, strike: Callable[[], None]) -> None:
        """Call `strike` on the server's thread at the n-th time, from now and counted from 1, that a moment comes."""
        self._reception.tripwire = Tripwire(moment, nth, strike)

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

    def _application(self) -> web.Application:
        """The APIs' routes; whatever else is asked for is noted as a stranger."""
        application = web.Application(client_max_size=_LARGEST_BODY)
        for api in (
            DigitalHuman(self._reception),
            Kling(self._reception, self.kling),
            Video(self._reception, self._cdn, self.video),
        ):
            api.add_routes(application.router)
        application.router.add_route("*", "/{rest:.*}", self._stranger)
        application.on_response_prepare.append(self._set_date)
        return application

    async def _stranger(self, request: web.Request) -> web.StreamResponse:
        self.ledger.strangers.append(f"{request.method} {request.path_qs}")
        return web.Response(status=404)

    async def _set_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = self.keys.date()

    async def _listen(self) -> None:
        for application, reserved in zip((self._application(), self._cdn.application()), self._sockets, strict=True):
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
