"""The seam against real sockets: what was sent, what is certain, what never leaves."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import runner
from runner.core.answers import READ_BODY_BYTES, Fault, NoReply, Reply, Request
from runner.core.errors import SettingMissing
from runner.providers.http import HttpWire
from runner.providers.signing import PlainKey
from tests.unit.providers.raw_server import (
    TOKEN,
    account,
    hang_up,
    raw_server,
    reply,
    reset,
    say_and_hang_up,
    silence,
    wire_to,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.providers.raw_server import Behaviour

POST = Request("POST", "/avatar/generation", '{"text":"你好"}'.encode())
GET = Request("GET", "/avatar/task/1")
SELF_SIGNED = Path(__file__).with_name("self_signed.pem")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue is full: connecting to it gets no answer."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def tls() -> ssl.SSLContext:
    """A server's context with a certificate that nobody has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    return context


async def exchange(wire: HttpWire, request: Request) -> NoReply:
    """The exchange of this request, which must fail."""
    result = await (wire.post(request) if request.method == "POST" else wire.get(request))
    assert isinstance(result, NoReply)
    return result


@pytest.mark.parametrize("request_", [POST, GET], ids=["post", "get"])
class TestNothingWasSent:
    async def test_refused(self, request_: Request) -> None:
        """A refused connection means that nothing was sent."""
        async with wire_to(f"http://127.0.0.1:{free_port()}") as wire:
            failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CONNECTION, False)

    @pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".invalid", "a..invalid"])
    async def test_no_such_host(self, request_: Request, host: str) -> None:
        """A name that does not resolve, or that cannot be one, means that nothing was sent."""
        async with wire_to(f"http://{host}") as wire:
            failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CONNECTION, False)

    async def test_connect_timeout(self, request_: Request) -> None:
        """A connection that never comes about means that nothing was sent, and takes `connect_s`."""
        with deaf_port() as port:
            async with wire_to(f"http://127.0.0.1:{port}", connect_s=0.2) as wire, asyncio.timeout(3):
                failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CONNECTION, False)

    async def test_server_without_tls(self, request_: Request) -> None:
        """A server that does not speak TLS gets no request."""
        async with raw_server(reply()) as server, wire_to(server.url("https"), connect_s=1) as wire:
            failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CONNECTION, False)
        assert server.requests == []

    async def test_silence_instead_of_tls(self, request_: Request) -> None:
        """A TLS handshake that gets no answer ends after `connect_s` with nothing sent."""
        with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel connects; nobody reads
            port = listener.getsockname()[1]
            async with wire_to(f"https://127.0.0.1:{port}", connect_s=0.2) as wire, asyncio.timeout(3):
                failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CONNECTION, False)

    async def test_bad_certificate(self, request_: Request) -> None:
        """A certificate that does not hold is told apart from bad weather, and nothing was sent."""
        async with raw_server(reply(), tls=tls()) as server, wire_to(server.url("https")) as wire:
            failed = await exchange(wire, request_)
        assert (failed.fault, failed.sent) == (Fault.CERTIFICATE, False)
        assert server.requests == []


BROKEN = {
    "reset": (reset, Fault.CONNECTION),
    "end of stream": (hang_up, Fault.CONNECTION),
    "silence": (silence, Fault.CONNECTION),
    "garbage": (say_and_hang_up(b"\x00\xffthis is not HTTP\r\n\r\n"), Fault.UNREADABLE),
    "TLS alert in plain text": (say_and_hang_up(b"\x16\x03\x01\x00\x02\x02\x28"), Fault.UNREADABLE),
    "half a status line": (say_and_hang_up(b"HTTP/1.1 2"), Fault.CONNECTION),
    "half a head": (say_and_hang_up(b"HTTP/1.1 200 OK\r\nContent-Le"), Fault.CONNECTION),
    "endless header": (say_and_hang_up(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"), Fault.UNREADABLE),
    "bad length": (say_and_hang_up(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n{}"), Fault.UNREADABLE),
    "cut body": (say_and_hang_up(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"code":'), Fault.UNREADABLE),
    "cut chunk": (
        say_and_hang_up(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"code":'),
        Fault.UNREADABLE,
    ),
    "no last chunk": (
        say_and_hang_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        Fault.UNREADABLE,
    ),
    "bad chunk size": (
        say_and_hang_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        Fault.UNREADABLE,
    ),
    "not gzip": (say_and_hang_up(reply(b"plain words", b"Content-Encoding: gzip")), Fault.UNREADABLE),
    "silence in the body": (None, Fault.CONNECTION),
}


async def half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a body and never end it."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{")
    await silence(reader, writer)


@pytest.mark.parametrize("request_", [POST, GET], ids=["post", "get"])
@pytest.mark.parametrize("case", BROKEN)
async def test_broken_after_sending(case: str, request_: Request) -> None:
    """Whatever goes wrong once the request is on its way, `sent` says so, and no exception escapes."""
    behaviour, fault = BROKEN[case]
    answer: Behaviour = behaviour or half_a_body
    async with raw_server(answer) as server, wire_to(server.url(), submit_s=0.4, read_s=0.4) as wire:
        failed = await exchange(wire, request_)
    assert (failed.fault, failed.sent) == (fault, True)
    assert failed.message


@pytest.mark.parametrize("answer", [hang_up, reset], ids=["end of stream", "reset"])
async def test_a_submission_is_never_sent_twice(answer: Behaviour) -> None:
    """A lost reply to a POST leads to one request on one connection, and no second one."""
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        await exchange(wire, POST)
        await asyncio.sleep(0.05)
    assert (server.connections, len(server.requests)) == (1, 1)


async def test_submissions_use_fresh_connections() -> None:
    """Two submissions use two connections, even when the server would keep the first."""
    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        assert isinstance(await wire.post(POST), Reply)
        assert isinstance(await wire.post(POST), Reply)
    assert server.connections == 2
    assert all(b"Connection: close" in request for request in server.requests)


async def test_queries_share_a_connection() -> None:
    """Two queries, one after the other, use one connection."""
    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        assert isinstance(await wire.get(GET), Reply)
        assert isinstance(await wire.get(GET), Reply)
    assert (server.connections, len(server.requests)) == (1, 2)


async def test_the_request_on_the_wire() -> None:
    """A submission carries exactly the bytes that were given and the headers that are needed."""
    async with raw_server(reply()) as server, wire_to(server.url() + "/prefix") as wire:
        await wire.post(POST)
        await wire.get(Request("GET", "/a%2Fb?language=zh"))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /prefix/avatar/generation HTTP/1.1"
    assert f"Authorization: Bearer {TOKEN}" in lines
    assert {
        "Accept: application/json",
        "Content-Type: application/json",
        f"User-Agent: callsheet/{runner.__version__}",
    } <= {*lines}
    assert body == POST.body
    query = server.requests[1].decode()
    assert query.startswith("GET /prefix/a%2Fb?language=zh HTTP/1.1\r\n")
    assert "Content-Type" not in query


async def test_a_body_that_holds_files() -> None:
    """Twenty megabytes arrive whole and with their length, and the event loop goes on while they are sent."""
    body = b'{"image":"' + bytes(20_000_000).replace(b"\0", b"A") + b'"}'
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        counting = asyncio.create_task(count())
        answer = await wire.post(Request("POST", "/x", body))
        counting.cancel()
    head, _, received = server.requests[0].partition(b"\r\n\r\n")
    assert isinstance(answer, Reply)
    assert received == body
    assert b"content-length: %d\r\n" % len(body) in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert turns > 50


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Again", b"308 Again"])
async def test_redirects_are_replies(status: bytes) -> None:
    """A redirect is handed back and never followed: it would send body and credential somewhere else."""
    async with raw_server(reply()) as elsewhere:
        answer = reply(b"", b"Location: " + elsewhere.url().encode(), status=status)
        async with raw_server(answer) as server, wire_to(server.url()) as wire:
            for result in (await wire.post(POST), await wire.get(GET)):
                assert isinstance(result, Reply)
                assert result.status == int(status[:3])
    assert elsewhere.connections == 0


async def test_cookies_are_not_kept() -> None:
    """A cookie of the server is not sent back."""
    async with raw_server(reply(b"{}", b"Set-Cookie: a=b")) as server, wire_to(server.url()) as wire:
        await wire.get(GET)
        await wire.get(GET)
    assert b"a=b" not in server.requests[1]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets nothing."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        assert isinstance(await wire.post(POST), Reply)
    assert len(server.requests) == 1


async def test_headers_of_a_reply() -> None:
    """Names are in lower case, repeated ones are joined, bytes that are no text do no harm."""
    answer = reply(b"{}", b"X-A: 1", b"x-a: 2", b"X-Odd: caf\xe9", "X-Zh: 你好".encode())
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        result = await wire.get(GET)
    assert isinstance(result, Reply)
    assert result.headers["x-a"] == "1, 2"
    assert result.headers["x-zh"] == "你好"
    result.headers["x-odd"].encode()


async def test_compressed_body() -> None:
    """A compressed body arrives decompressed."""
    answer = reply(gzip.compress(b'{"a":1}'), b"Content-Encoding: gzip")
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        result = await wire.post(POST)
    assert isinstance(result, Reply)
    assert (result.body, result.truncated) == (b'{"a":1}', False)


@pytest.mark.parametrize("size", [READ_BODY_BYTES, READ_BODY_BYTES + 1])
@pytest.mark.parametrize("is_packed", [False, True])
async def test_the_body_is_bounded(size: int, is_packed: bool) -> None:
    """At most `READ_BODY_BYTES` are kept, counted after decompression, and the reply says when there was more."""
    body = b"a" * size
    answer = reply(zlib.compress(body), b"Content-Encoding: deflate") if is_packed else reply(body)
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        result = await wire.post(POST)
    assert isinstance(result, Reply)
    assert len(result.body) == READ_BODY_BYTES
    assert result.truncated == (size > READ_BODY_BYTES)


async def test_a_dripping_query_ends() -> None:
    """A reply that drips slower than any use ends by the overall bound, although no single silence is too long."""

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as server, wire_to(server.url(), connect_s=0.2, read_s=0.2) as wire, asyncio.timeout(4):
        failed = await exchange(wire, GET)
    assert (failed.fault, failed.sent) == (Fault.CONNECTION, True)


async def test_a_silent_query_ends_after_one_silence() -> None:
    """A query is given up after `read_s` without a byte, long before its overall bound."""
    async with raw_server(silence) as server, wire_to(server.url(), read_s=0.2) as wire, asyncio.timeout(2):
        failed = await exchange(wire, GET)
    assert (failed.fault, failed.sent) == (Fault.CONNECTION, True)


async def test_cancellation_passes() -> None:
    """A cancelled exchange raises `CancelledError` and nothing else."""
    arrived = asyncio.Event()

    async def note_and_wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await silence(reader, writer)

    async with raw_server(note_and_wait) as server, wire_to(server.url()) as wire:
        task = asyncio.create_task(wire.post(POST))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_credential_does_not_come_back() -> None:
    """A server that repeats the credential, in whatever form, does not get it into a reply."""
    forms = [TOKEN, quote(TOKEN, safe=""), TOKEN.replace("/", "\\/"), b64encode(f"user:{TOKEN}".encode()).decode()]
    body = " ".join(forms).encode()
    answer = reply(body, b"X-Echo: Bearer " + TOKEN.encode(), status=b"401 No")
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        result = await wire.post(POST)
    assert isinstance(result, Reply)
    assert result.headers["x-echo"] == "Bearer [redacted]"
    kept = result.body.decode()
    assert not any(form in kept for form in forms[:3])
    assert b64encode(TOKEN.encode())[2:-4].decode() not in kept


async def test_messages_do_not_hold_the_credential() -> None:
    """A broken reply that quotes the credential leaves it out of the message."""
    answer = say_and_hang_up(f"bad {TOKEN} bad\r\n\r\n".encode())
    async with raw_server(answer) as server, wire_to(server.url()) as wire:
        failed = await exchange(wire, POST)
    assert TOKEN not in failed.message


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "sch\u00f6n-und-lang", "nul\0nul"])
def test_unusable_credentials_are_settings(token: str) -> None:
    """A credential that HTTP cannot carry is a missing setting, named without its value."""
    with pytest.raises(SettingMissing) as caught:
        HttpWire(account("https://api.example.com"), signer=PlainKey(token))
    assert "`here`" in str(caught.value)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.example.com",
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a.example?x=1",
        "http://a:b",
        "http://[1",
    ],
)
def test_unusable_addresses_are_settings(base_url: str) -> None:
    """An address that is none is found before anything is sent."""
    with pytest.raises(SettingMissing):
        HttpWire(account(base_url), signer=PlainKey(TOKEN))


async def test_a_path_cannot_name_another_host() -> None:
    """A path without its slash would extend the host's name: a bug, and nothing is sent."""
    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        with pytest.raises(ValueError, match="slash"):
            await wire.get(Request("GET", "@evil.example/"))
    assert server.connections == 0


async def test_closed_wires_open_again() -> None:
    """Closing twice does no harm, and a closed wire opens new connections when used again."""
    async with raw_server(reply()) as server, wire_to(server.url()) as wire:
        await wire.get(GET)
        await wire.close()
        await wire.close()
        assert isinstance(await wire.get(GET), Reply)
