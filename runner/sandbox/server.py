"""The sandbox itself: two servers on loopback, one for the APIs and one for their CDN."""

from __future__ import annotations

import socket
import time
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.sandbox.addresses import Addresses
from runner.sandbox.cdn import Cdn
from runner.sandbox.deliveries import Deliveries
from runner.sandbox.desk import Desk
from runner.sandbox.dice import Dice
from runner.sandbox.digital_human import DigitalHuman
from runner.sandbox.kling.avatar import Avatar
from runner.sandbox.kling.speech import Speech
from runner.sandbox.kling.voice import Voice
from runner.sandbox.ledger import Ledger
from runner.sandbox.options import SandboxOptions
from runner.sandbox.shelf import Shelf
from runner.sandbox.tasks import TaskBook
from runner.sandbox.video.openai import OpenAiVideo
from runner.sandbox.video.unified import UnifiedVideo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.sandbox.api import Api

__all__ = ["Sandbox", "SandboxOptions"]

_LARGEST_BODY_BYTES: Final = 32 * 1024 * 1024
"""Of a request: base64 of 10 MB of picture and 5 MB of sound, with room."""
_LEAVE_S: Final = 0.2
"""How long a stop waits for replies that are being sent."""


class Sandbox:
    """The remote APIs on loopback, with videos and faults on request.

    All its work but the drawing of videos happens in the event loop that started it.

    Args:
        options: How it behaves.
        now: Unix seconds; times of tasks and addresses follow it.
    """

    def __init__(self, options: SandboxOptions | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.options = options or SandboxOptions()
        self._now = now
        self._open = AsyncExitStack()
        self._base_url = ""
        self._cdn_origin = ""
        self._ledger: Ledger | None = None
        self._tasks = TaskBook()

    @property
    def base_url(self) -> str:
        """Where the APIs are, e.g. `http://127.0.0.1:40123`; empty before `start`."""
        return self._base_url

    @property
    def cdn_origin(self) -> str:
        """Where results are served from: another origin, as in life; empty before `start`."""
        return self._cdn_origin

    @property
    def ledger(self) -> Ledger:
        """What it saw.

        Raises:
            RuntimeError: It was never started.
        """
        if self._ledger is None:
            raise RuntimeError("the sandbox has not been started: await start() first")
        return self._ledger

    @property
    def tasks(self) -> TaskBook:
        """What it accepted. Empty before `start`."""
        return self._tasks

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve, until `stop`.

        Args:
            host: Address to listen on, for APIs and CDN.
            port: Port of the APIs; 0 takes a free one.

        Raises:
            OSError: A port is taken, or the ledger's file cannot be opened.
        """
        async with AsyncExitStack() as opened:
            # Both ports are known before anything is served: tasks hand out addresses of the CDN.
            api_socket = opened.enter_context(_listening(host, port))
            cdn_socket = opened.enter_context(_listening(host, self.options.cdn_port))
            self._base_url, self._cdn_origin = _origin(host, api_socket), _origin(host, cdn_socket)
            self._ledger = Ledger(self.options.ledger_path)
            opened.callback(self._ledger.close)
            shelf = Shelf()
            opened.callback(shelf.close)
            desk = self._desk(self._ledger)
            deliveries = Deliveries(desk, shelf)
            api_routes = [*self._own_routes(), *_api_routes(desk, deliveries)]
            await _serve(opened, cdn_socket, Cdn(desk, deliveries).routes(), desk.now)
            await _serve(opened, api_socket, api_routes, desk.now)
            self._open = opened.pop_all()

    async def stop(self) -> None:
        """Stop serving and close the ledger's file; what is on the wire is cut off after 0.2 s. Safe to repeat."""
        await self._open.aclose()

    def _desk(self, ledger: Ledger) -> Desk:
        return Desk(
            self.options,
            ledger=ledger,
            dice=Dice(self.options.faults, self.options.seed),
            addresses=Addresses(self._cdn_origin, self.options.url_lifetime_s),
            tasks=self._tasks,
            now=lambda: self._now() + self.options.clock_skew_s,
        )

    def _own_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sandbox/ledger", self._show_ledger),
            web.get("/_sandbox/health", self._show_health),
        ]

    async def _show_ledger(self, _request: web.Request) -> web.Response:
        return web.json_response(self.ledger.summary())

    async def _show_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "base_url": self._base_url, "cdn_origin": self._cdn_origin})


def _api_routes(desk: Desk, deliveries: Deliveries) -> Iterable[web.RouteDef]:
    """The routes of all APIs; tasks that the ledger's file knows are taken up again first."""
    made = (
        DigitalHuman(desk),
        Avatar(desk),
        Speech(desk),
        Voice(desk),
        UnifiedVideo(desk),
        OpenAiVideo(desk, deliveries),
    )
    apis: dict[str, Api] = {api.name: api for api in made}
    for entry in desk.ledger.of("create"):
        name = f"{entry['api']}/{entry.get('operation', 'avatar')}"
        if entry["accepted"] and name in apis:
            desk.restore(apis[name], entry)
    for api in apis.values():
        yield from api.routes()
    yield web.route("*", "/{path:.*}", _no_such_path)


async def _no_such_path(request: web.Request) -> web.Response:
    """What a new-api gateway says about an unknown path (api-facts.md section 4)."""
    message = f"Invalid URL ({request.method} {request.path})"
    return web.json_response({"error": {"message": message, "type": "invalid_request_error", "code": ""}}, status=404)


async def _serve(
    opened: AsyncExitStack, listening: socket.socket, routes: Iterable[web.RouteDef], now: Callable[[], float]
) -> None:
    async def tell_the_time(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(now(), usegmt=True)

    app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    app.on_response_prepare.append(tell_the_time)
    app.add_routes(list(routes))
    # Cancellation when a client leaves is what ends "silence"; nothing else here is spoilt by it.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_LEAVE_S)
    opened.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listening).start()


def _listening(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _origin(host: str, listening: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
