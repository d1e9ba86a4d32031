"""The HTTP client for results: no cookie, no proxy, no credential but where an order names one, and a guard on every connection.

Addresses whose origin the order trusts go through one session, all others through another whose connector looks at the IP
address that it is about to connect to. A resolver would be the wrong place: it never sees an address written as a number, and its
answer may differ from the one that is used.

A credential goes to the origin of the order's own address. Once a redirect has led to another origin it is sent no more, wherever
the next ones lead. A server may repeat it all the same: a redirect that holds it is not followed, since its host would be told to name
servers and stand in messages, and `told` takes it out of everything else that is kept.
"""

from __future__ import annotations

import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp

from runner.core.redaction import redact
from runner.transfer.addresses import Address, Forbidden, is_public, not_public, read_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from runner.core.ports import Order

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_S: Final = 4 * 3600.0
"""Seconds for one request with its body; a file that takes longer goes on with the next request."""
_READ_BUFFER_BYTES: Final = 256 * 1024
_NAME: Final = "callsheet"


class NotPublic(OSError):
    """The guard refused to connect: the name resolved to an address that is not public."""


class AddressForbidden(Exception):
    """The address, one that it redirects to, or what it resolves to may not be fetched.

    Args:
        reason: One sentence for people; names the host, never path or query.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyRedirects(Exception):
    """The server led us on more than `_MOST_REDIRECTS` times."""


class Sessions:
    """Both sessions, opened with the first request. Belongs to one event loop."""

    def __init__(self) -> None:
        self._authorizations: dict[str, Callable[[], str]] = {}
        self._secrets: dict[str, Callable[[], tuple[str, ...]]] = {}
        self._trusted: aiohttp.ClientSession | None = None
        self._guarded: aiohttp.ClientSession | None = None

    def introduce(self, account: str, authorization: Callable[[], str], secrets: Callable[[], tuple[str, ...]]) -> None:
        """Know an account's credential; see `FileDelivery.introduce`."""
        self._authorizations[account] = authorization
        self._secrets[account] = secrets

    def told(self, order: Order, words: str) -> str:
        """The words of a server without the credential that it was sent; the very same object when they do not hold it."""
        return redact(words, self._secrets_of(order))

    @asynccontextmanager
    async def get(self, order: Order, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for the order's address and follow its redirects, each of them judged anew.

        Args:
            order: Address, trusted origins and time-outs.
            headers: Added to each request.

        Yields:
            The first response that is not a redirect; its body unread and as sent.

        Raises:
            AddressForbidden: The address rule forbids a step.
            TooManyRedirects: More than five.
            aiohttp.ClientError, TimeoutError, OSError: The network's faults.
        """
        address = _allowed(read_address(order.address, order.trusted_origins))
        home = address.url.origin()
        is_at_home = True
        for _ in range(_MOST_REDIRECTS + 1):
            is_at_home = is_at_home and address.url.origin() == home
            response = await self._ask(address, order, {**headers, **self._credential(order, is_at_home=is_at_home)})
            location = response.headers.get("Location") if response.status in _REDIRECTS else None
            if location is None:
                try:
                    yield response
                finally:
                    response.release() if response.content.at_eof() else response.close()
                return
            response.close()
            self._check_location(order, location, address)
            address = _allowed(read_address(location, order.trusted_origins, base=address.url))
        raise TooManyRedirects

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._trusted, self._guarded):
            if session is not None:
                await session.close()
        self._trusted = self._guarded = None

    def _check_location(self, order: Order, location: str, address: Address) -> None:
        """See that a redirect does not hold the credential, in whatever case: hosts are not told apart by it."""
        secrets = self._secrets_of(order)
        lower = location.lower()
        if redact(location, secrets) != location or redact(lower, [secret.lower() for secret in secrets]) != lower:
            raise AddressForbidden(
                f"{address.url.raw_host} redirects to an address that holds the account's credential"
            )

    def _secrets_of(self, order: Order) -> tuple[str, ...]:
        return () if order.credential_of is None else self._secrets[order.credential_of]()

    def _credential(self, order: Order, *, is_at_home: bool) -> dict[str, str]:
        if order.credential_of is None or not is_at_home:
            return {}
        return {"Authorization": self._authorizations[order.credential_of]()}

    async def _ask(self, address: Address, order: Order, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=_MOST_S, connect=order.connect_timeout_s, sock_read=order.read_timeout_s)
        session = self._session(is_trusted=address.is_trusted)
        try:
            return await session.get(address.url, headers=headers, allow_redirects=False, timeout=timeout)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, NotPublic):
                raise AddressForbidden(not_public(address.url.raw_host or "")) from error
            raise

    def _session(self, *, is_trusted: bool) -> aiohttp.ClientSession:
        if is_trusted:
            self._trusted = self._trusted or _open(aiohttp.TCPConnector(limit=0))
            return self._trusted
        self._guarded = self._guarded or _open(aiohttp.TCPConnector(limit=0, socket_factory=_guarded_socket))
        return self._guarded


def _open(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A session that sends nothing of ours. How many requests run at once is the caller's business."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": _NAME},
        auto_decompress=False,
        trust_env=False,
        read_bufsize=_READ_BUFFER_BYTES,
    )


def _guarded_socket(addr_info: aiohttp.AddrInfoType) -> socket.socket:
    """Make the socket for a connection to a public address; aiohttp calls this with the very address that it connects to next."""
    family, kind, protocol, _, target = addr_info
    if not is_public(str(target[0])):
        # The same words for every address: aiohttp keeps the class only where all of a name's addresses failed alike.
        raise NotPublic(errno.EACCES, "not a public address")
    return socket.socket(family=family, type=kind, proto=protocol)


def _allowed(judged: Address | Forbidden) -> Address:
    if isinstance(judged, Forbidden):
        raise AddressForbidden(judged.reason)
    return judged
