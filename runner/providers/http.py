"""The one seam to a remote API: one request, one exchange, over aiohttp.

Whether a request was sent is told by aiohttp's trace, never by the class of an exception: `ClientOSError` is both "never connected" and
"reset after sending", and a reply that is not HTTP raises `ClientResponseError` with an invented `status=400`. The trace fires right before
the first byte of the request is handed to the connection, so `sent=False` is certain and `sent=True` is on the safe side.

aiohttp sends a GET again by itself when a kept connection turns out to be dead; a POST it never does (`IDEMPOTENT_METHODS` in
`aiohttp/client.py`, read in 3.14), and submissions use no kept connections at all.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

import runner
from runner.core.answers import READ_BODY_BYTES, Fault, NoReply, Reply
from runner.core.error_codes import ErrorCode
from runner.core.errors import SettingMissing
from runner.core.redaction import redact

if TYPE_CHECKING:
    from types import SimpleNamespace

    from runner.core.answers import Exchange, Request
    from runner.core.spec import Account
    from runner.providers.signing import Signer

QUERY_CONNECTIONS: Final = 16
"""Kept connections for queries of an account; polls are short, so that more would only be idle."""

_QUERY_READS: Final = 3
"""A whole query may take as long as a connection and three silences: a server that drips a byte a minute is not waited for."""

_WHOLE_BODY_BYTES: Final = 256 * 1024
"""A longer body is handed to the connection in pieces, so that other jobs have their turn meanwhile."""

_USER_AGENT: Final = f"callsheet/{runner.__version__}"


@dataclass(slots=True)
class _Progress:
    """How far an exchange has come; filled in by the trace."""

    is_sent: bool = False


class HttpWire:
    """The wire of one account: host, credential, time-outs, connections. Implements `runner.core.ports.Wire`.

    Submissions and queries have separate sessions: a submission opens a fresh connection, a query uses a kept one. No redirects,
    cookies, proxies of the environment or `.netrc`. What comes back is free of the credential, in whatever form a server repeats it.

    Args:
        account: The account.
        signer: Its credential, sent as `Authorization: Bearer`.

    Raises:
        SettingMissing: The address or the credential cannot be used in HTTP.
    """

    def __init__(self, account: Account, *, signer: Signer) -> None:
        self._account = account
        self._signer = signer
        self._base_url = _checked_address(account)
        _check_token(account, signer.token())
        self._submissions: aiohttp.ClientSession | None = None
        self._queries: aiohttp.ClientSession | None = None

    async def post(self, request: Request) -> Exchange:
        """Send a submission on a fresh connection and wait for the whole reply, at most `timeouts.submit_s` seconds."""
        if self._submissions is None:
            self._submissions = self._session(aiohttp.TCPConnector(limit=0, force_close=True))
        timeouts = self._account.timeouts
        limits = aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s)
        return await self._exchange(self._submissions, request, limits, timeouts.submit_s)

    async def get(self, request: Request) -> Exchange:
        """Ask something that is free to ask again. At most `timeouts.read_s` seconds between two pieces of the reply."""
        if self._queries is None:
            self._queries = self._session(aiohttp.TCPConnector(limit=QUERY_CONNECTIONS))
        timeouts = self._account.timeouts
        limits = aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect_s, sock_read=timeouts.read_s)
        return await self._exchange(self._queries, request, limits, timeouts.connect_s + _QUERY_READS * timeouts.read_s)

    def authorization(self) -> str:
        """What stands in `Authorization` now; for the account's own origin alone."""
        return f"Bearer {self._signer.token()}"

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown of the account: the keys, and the token that is sent now."""
        return (self._signer.token(), *self._signer.secrets)

    def sign_again(self) -> None:
        """Forget a cached signature, so that the next request is signed anew."""
        self._signer.sign_again()

    async def close(self) -> None:
        """Close all connections; the wire can be used again, with new ones."""
        sessions = (self._submissions, self._queries)
        self._submissions = self._queries = None
        for session in sessions:
            if session is not None:
                await session.close()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sent)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": _USER_AGENT},
            trace_configs=[trace],
            trust_env=False,
        )

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request, limits: aiohttp.ClientTimeout, total_s: float
    ) -> Exchange:
        if not request.path.startswith("/"):
            # Appended to a bare host, anything else could name another host, and that one would get the credential.
            raise ValueError(f"a request's path starts with a slash: {request.path!r}")
        progress = _Progress()
        token = self._signer.token()
        secrets = self.secrets()
        try:
            async with asyncio.timeout(total_s):
                reply = await self._send(session, request, limits, progress, token)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # OSError holds every time-out and TLS failure; ValueError is a host name that IDNA cannot encode.
            message = redact(_describe(error, total_s), secrets)
            return NoReply(fault=_fault(error), sent=progress.is_sent, message=message)
        self._learn(reply)
        return _redacted(reply, secrets)

    def _learn(self, reply: Reply) -> None:
        self._signer.learn(reply.headers)
        if reply.status == 401:
            # Of a submission the engine sends another one at once; a query comes again anyway, and must not repeat a stale signature.
            self._signer.sign_again()

    async def _send(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        limits: aiohttp.ClientTimeout,
        progress: _Progress,
        token: str,
    ) -> Reply:
        content_type = {"Content-Type": request.content_type} if request.body is not None else {}
        async with session.request(
            request.method,
            URL(self._base_url + request.path, encoded=True),
            data=_payload(request.body),
            headers={"Authorization": f"Bearer {token}", **content_type},
            allow_redirects=False,
            timeout=limits,
            trace_request_ctx=progress,
        ) as response:
            body, is_truncated = await _read_bounded(response)
            return Reply(response.status, _headers_of(response), body, truncated=is_truncated)


def _headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.raw_headers:
        name, value = raw_name.decode("ascii", "replace").lower(), raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _redacted(reply: Reply, secrets: tuple[str, ...]) -> Reply:
    # Latin-1 maps every byte to a character and back; secrets are ASCII, so they are found all the same.
    body = redact(reply.body.decode("latin-1"), secrets).encode("latin-1")
    return replace(reply, headers={name: redact(value, secrets) for name, value in reply.headers.items()}, body=body)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    return io.BytesIO(body) if body is not None and len(body) > _WHOLE_BODY_BYTES else body


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.is_sent = True


async def _read_bounded(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body after decompression, at most `READ_BODY_BYTES`, and whether there was more."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > READ_BODY_BYTES:
            # What is left on the connection is not read, so the connection is of no further use.
            response.close()
            return bytes(body[:READ_BODY_BYTES]), True
    return bytes(body), False


def _fault(error: Exception) -> Fault:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        return Fault.CERTIFICATE
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return Fault.UNREADABLE
    return Fault.CONNECTION


def _describe(error: Exception, total_s: float) -> str:
    """One sentence for people; exceptions without words get some."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"what came back is not HTTP: {error.message}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"the reply ended early or does not decode: {error}"
    if isinstance(error, TimeoutError) and not str(error):
        return f"no complete reply within {total_s:g} s"
    return str(error) or type(error).__name__


def _checked_address(account: Account) -> str:
    try:
        url = URL(account.base_url)
        is_usable = url.scheme in {"http", "https"} and bool(url.raw_host) and url.user is None and url.password is None
        is_usable = is_usable and not url.query_string and not url.fragment
    except ValueError:
        is_usable = False
    if not is_usable:
        raise SettingMissing(
            f"the `base_url` of account `{account.name}` ({account.source}) is not an address of an API",
            next_step="Write it as https://host[:port][/prefix], without a user, a query or a fragment.",
            code=ErrorCode.BAD_ADDRESS,
        )
    return account.base_url.rstrip("/")


def _check_token(account: Account, token: str) -> None:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingMissing(
            f"the credential of account `{account.name}` ({account.source}) is empty or holds spaces, line breaks or letters that HTTP cannot carry",
            next_step="Set it again, exactly as the provider shows it.",
            code=ErrorCode.CREDENTIAL_FORM,
        )
