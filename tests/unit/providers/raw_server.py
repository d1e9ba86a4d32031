"""A server on loopback that says exactly the bytes of a test, since no HTTP library would send what broken servers send."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.diagnostics import Span
from runner.core.spec import Account, CredentialRef, Limits, PollBounds, Timeouts
from runner.providers.http import HttpWire
from runner.providers.signing import PlainKey

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runner.providers.signing import Signer

    Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

TOKEN = "sk-5f3c/te+st=9"
"""Holds characters that change when they are encoded."""


@dataclass(slots=True)
class RawServer:
    """What the server saw."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, scheme: str = "http") -> str:
        """The server's address."""
        return f"{scheme}://127.0.0.1:{self.port}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request, head and body; empty when the client hung up."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def raw_server(*answers: bytes | Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Serve: the n-th request gets the n-th answer, the last one for ever.

    Args:
        answers: Bytes to send (the connection then stays open), or what to do with the connection once a request has been read.
        tls: Speak TLS with this context.
    """
    seen = RawServer()
    open_connections: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        task = asyncio.current_task()
        assert task is not None
        open_connections.add(task)
        try:
            while request := await read_request(reader):
                answer = answers[min(len(seen.requests), len(answers) - 1)]
                seen.requests.append(request)
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    async with server:
        yield seen
        for task in open_connections:
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close on the turns after


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End of stream without a word."""
    writer.close()


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """RST instead of an answer."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Nothing at all until the client gives up."""
    await reader.read()


def say_and_hang_up(words: bytes) -> Behaviour:
    """Send these bytes and end the stream."""

    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        writer.close()

    return behave


def reply(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A well-formed reply with its length."""
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def account(base_url: str, *, connect_s: float = 5.0, submit_s: float = 5.0, read_s: float = 5.0) -> Account:
    """An account at this address."""
    return Account(
        name="here",
        type="digital-human",
        base_url=base_url,
        credential=CredentialRef(env="TOKEN"),
        limits=Limits(in_flight=8),
        poll=PollBounds(),
        timeouts=Timeouts(connect_s=connect_s, submit_s=submit_s, read_s=read_s),
        source=Span("m.yaml", 3),
    )


@asynccontextmanager
async def wire_to(
    base_url: str,
    *,
    connect_s: float = 5.0,
    submit_s: float = 5.0,
    read_s: float = 5.0,
    signer: Signer | None = None,
) -> AsyncIterator[HttpWire]:
    """A wire that is closed at the end."""
    settings = account(base_url, connect_s=connect_s, submit_s=submit_s, read_s=read_s)
    wire = HttpWire(settings, signer=signer or PlainKey(TOKEN))
    try:
        yield wire
    finally:
        await wire.close()
