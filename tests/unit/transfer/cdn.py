"""A real server of results on loopback: right by default, wrong on request, and it remembers what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from aiohttp import web

from runner.core.ports import Order
from runner.core.spec import Verify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Answer = Callable[[web.Request, "Cdn"], Awaitable[web.StreamResponse]]


class Cdn:
    """Serves one file under every path.

    Args:
        content: The file.
        etag: Its validator as it goes into the header; "" for none.
        content_type: Of the file.
    """

    def __init__(self, content: bytes, etag: str = '"v1"', content_type: str = "video/mp4") -> None:
        self.content = content
        self.etag = etag
        self.content_type = content_type
        self.asked: list[web.Request] = []
        self.answers: list[Answer] = []
        self.origin = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def authorizations(self) -> list[str | None]:
        """The Authorization header of every request, in order."""
        return [request.headers.get("Authorization") for request in self.asked]

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of every request, in order."""
        return [request.headers.get("Range") for request in self.asked]

    def order(
        self,
        stem: str = "welcome/anna",
        *,
        task_id: str = "t-1",
        fingerprint: str = "f-1",
        path: str = "/v.mp4?sig=SECRET",
        verify: Verify = Verify.NONE,
        media: str = "video",
        read_timeout_s: float = 5.0,
        trusted_origins: tuple[str, ...] | None = None,
        replaces: tuple[str, ...] | None = None,
        credential_of: str | None = None,
    ) -> Order:
        """An order for this server's file."""
        return Order(
            job_id="welcome/anna",
            task_id=task_id,
            fingerprint=fingerprint,
            address=self.origin + path,
            trusted_origins=(self.origin,) if trusted_origins is None else trusted_origins,
            stem=stem,
            media=media,
            expects_audio=media == "audio",
            verify=verify,
            read_timeout_s=read_timeout_s,
            connect_timeout_s=2.0,
            replaces=replaces,
            credential_of=credential_of,
        )

    def headers(self) -> dict[str, str]:
        """Headers of the file."""
        return {"Content-Type": self.content_type} | ({"ETag": self.etag} if self.etag else {})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await (self.answers.pop(0) if self.answers else whole)(request, self)


async def whole(request: web.Request, cdn: Cdn) -> web.StreamResponse:
    """The file, or the rest of it where the range's validator still holds."""
    wanted = request.headers.get("Range")
    if wanted is None or request.headers.get("If-Range") != cdn.etag:
        return web.Response(body=cdn.content, headers=cdn.headers())
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    total = len(cdn.content)
    if start >= total:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{total}"})
    ranged = {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
    return web.Response(status=206, body=cdn.content[start:], headers=cdn.headers() | ranged)


def status(code: int, body: bytes = b"no", **headers: str) -> Answer:
    """An answer with this status; underscores in header names become hyphens."""

    async def answer(_request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        return web.Response(
            status=code, body=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    return answer


def cut_after(length: int) -> Answer:
    """The beginning of what is wanted, then the connection is torn."""

    async def answer(request: web.Request, cdn: Cdn) -> web.StreamResponse:
        full = await whole(request, cdn)
        assert isinstance(full, web.Response)
        assert isinstance(full.body, bytes)
        response = web.StreamResponse(status=full.status, headers=full.headers)
        response.content_length = len(full.body)
        await response.prepare(request)
        await response.write(full.body[:length])
        assert request.transport is not None
        request.transport.close()
        return response

    return answer
