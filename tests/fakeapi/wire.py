"""Replies as the wire carries them, and the ways to break an exchange off."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakeapi.script import Answer, Break

if TYPE_CHECKING:
    from aiohttp.typedefs import LooseHeaders


async def send(request: web.Request, reply: Answer | Break) -> web.StreamResponse:
    """Send a reply, or break the exchange off, and return when its last byte was handed to the kernel."""
    match reply:
        case Answer():
            return await _send_answer(request, reply)
        case Break.SILENCE:
            await asyncio.Event().wait()
        case Break.RESET:
            reset(request)
        case Break.END_OF_STREAM:
            _close(request, b"")
        case Break.GARBAGE:
            _close(request, b"\x16\x03\x01 this is not HTTP\r\n\r\n\x00\xff")
        case Break.CUT_BODY:
            _close(
                request,
                b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"code": "succ',
            )
    return web.Response()  # aiohttp drops it: the connection is gone


async def _send_answer(request: web.Request, reply: Answer) -> web.StreamResponse:
    headers: LooseHeaders = {"Content-Type": reply.content_type, **reply.headers}
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:  # the client was killed meanwhile
        pass
    return response


def reset(request: web.Request) -> None:
    """End the connection with RST."""
    transport = request.transport
    if transport is None:
        return
    peer = transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _close(request: web.Request, last_words: bytes) -> None:
    transport = request.transport
    if transport is None or transport.is_closing():
        return
    assert isinstance(transport, asyncio.WriteTransport)
    if last_words:
        transport.write(last_words)
    transport.close()
