"""The CDN's side: files with `Range`, strong `ETag`, addresses that expire, bodies that are cut."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakeapi.api import Moment
from tests.fakeapi.ledger import Fetch, Ledger, Task
from tests.fakeapi.wire import reset

if TYPE_CHECKING:
    from collections.abc import Callable

_RANGE = re.compile(r"bytes=(\d+)-")


class Cdn:
    """Serves the results of a ledger's tasks.

    Args:
        ledger: Whose tasks, and where every request is written down.
        passes: Told of each moment that comes.
    """

    def __init__(self, ledger: Ledger, passes: Callable[[Moment], None]) -> None:
        self._ledger = ledger
        self._passes = passes

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application()
        application.router.add_get("/files/{stem}/{serial:\\d+}.{suffix:mp4|mp3}", self._video)
        application.router.add_route("*", "/{rest:.*}", self._other)
        return application

    async def _video(self, request: web.Request) -> web.StreamResponse:
        task = self._ledger.task_at(request.match_info["stem"])
        serial = int(request.match_info["serial"])
        fetch = Fetch(time.monotonic(), task.id, request.path_qs, dict(request.headers))
        self._ledger.fetches.append(fetch)
        self._passes(Moment.FETCH_ARRIVED)
        if serial < task.plan.file.expired_addresses:
            task.serial = max(task.serial, serial + 1)
            fetch.status = 403
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        return await self.serve(request, task, fetch)

    async def serve(self, request: web.Request, task: Task, fetch: Fetch) -> web.StreamResponse:
        """Send a task's result, or what is planned instead of it."""
        response = await self._send(request, task, fetch)
        self._passes(Moment.FETCH_DONE)
        return response

    async def _send(self, request: web.Request, task: Task, fetch: Fetch) -> web.StreamResponse:
        plan, size, etag = task.plan.file, len(task.content), f'"{task.sha256[:32]}"'
        task.fetches += 1
        fetch.start = _first_byte(request, etag, size) if plan.has_ranges else 0
        fetch.status = 206 if fetch.start else 200
        headers = {"Content-Type": task.media_type, "Content-Length": str(size - fetch.start), "ETag": etag}
        if plan.has_ranges:
            headers["Accept-Ranges"] = "bytes"
        if fetch.start:
            headers["Content-Range"] = f"bytes {fetch.start}-{size - 1}/{size}"
        response = web.StreamResponse(status=fetch.status, headers=headers)
        body = self._body(task)[fetch.start :]
        cut = plan.cuts[task.fetches - 1] if task.fetches <= len(plan.cuts) else None
        try:
            await response.prepare(request)
            await self._stream(response, fetch, body[:cut], plan.pause_s)
            if cut is None:
                await response.write_eof()
            else:
                await asyncio.sleep(0.05)  # lets the client read what was sent: RST may overtake it
                reset(request)
        except ConnectionError:  # the client was killed meanwhile
            pass
        return response

    async def _stream(self, response: web.StreamResponse, fetch: Fetch, body: bytes, pause_s: float) -> None:
        middle = len(body) // 2
        await response.write(body[:middle])
        fetch.sent = middle
        self._passes(Moment.FETCH_HALFWAY)
        await asyncio.sleep(pause_s)
        await response.write(body[middle:])
        fetch.sent = len(body)

    def _body(self, task: Task) -> bytes:
        if task.noise_sent < task.plan.file.noise:
            task.noise_sent += 1
            return bytes(len(task.content))
        return task.content

    async def _other(self, request: web.Request) -> web.StreamResponse:
        self._ledger.fetches.append(Fetch(time.monotonic(), "", request.path_qs, dict(request.headers), 404))
        return web.Response(status=404)


def _first_byte(request: web.Request, etag: str, size: int) -> int:
    """Where an honoured `Range` starts; 0 for the whole file (no range, another validator, out of bounds)."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.headers.get("If-Range", etag) != etag:
        return 0
    start = int(match[1])
    return start if start < size else 0
