"""Replies that no well-behaved server gives: resets, early ends, silence, bytes that are not HTTP."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_GONE = web.Response
"""What a trick returns: aiohttp wants a response, and drops it since the connection is closed."""


async def reset(request: web.Request) -> web.Response:
    """Reset the connection (TCP RST) without a reply."""
    transport = _transport(request)
    # Lingering for 0 s turns the close into a reset.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return _GONE()


async def end_of_stream(request: web.Request) -> web.Response:
    """Close the connection without a reply."""
    _transport(request).close()
    return _GONE()


async def silence(_request: web.Request) -> web.Response:
    """Say nothing until the client leaves; aiohttp cancels this then."""
    await asyncio.get_running_loop().create_future()
    return _GONE()


async def garbage(request: web.Request) -> web.Response:
    """Send bytes that are not HTTP, and close."""
    return _raw(request, b"\x15\x03\x01\x00\x02\x02\x28 this is not HTTP\r\n\r\n")


async def half_reply(request: web.Request) -> web.Response:
    """Send a reply that ends in the middle of its body."""
    return _raw(
        request, b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 80\r\n\r\n{"code":"succ'
    )


TRICKS: Final[Mapping[str, Callable[[web.Request], Awaitable[web.Response]]]] = {
    "reset": reset,
    "eof": end_of_stream,
    "silence": silence,
    "garbage": garbage,
    "half-reply": half_reply,
    "poll-reset": reset,
}
"""By kind of fault."""


def _raw(request: web.Request, data: bytes) -> web.Response:
    transport = _transport(request)
    transport.write(data)
    transport.close()
    return _GONE()


def _transport(request: web.Request) -> asyncio.Transport:
    if not isinstance(request.transport, asyncio.Transport):
        raise ConnectionResetError("the client has left")
    return request.transport
