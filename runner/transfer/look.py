"""Asks the addresses that jobs send, before anything is paid: is there something, and is it what the API takes?

They come from a manifest and its rows, and are asked under the same rule as results: a public address unless an account names its
origin, and no credential ever.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final

import aiohttp

from runner.core.ports import Order
from runner.core.preflight import Content, NotFetched
from runner.core.spec import Verify
from runner.transfer.disk import storage
from runner.transfer.download import fault_words
from runner.transfer.sessions import AddressForbidden, Sessions, TooManyRedirects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.preflight import Look

MOST_BYTES: Final = 100_000_000
"""Of one address, where no limit of an input says less. Source: the largest size that any API's documents name."""

_AT_ONCE: Final = 8
_WITHIN_S: Final = 30.0
_PIECE_BYTES: Final = 256 * 1024

_REFUSED: Final = range(300, 600)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an address is asked.

    Args:
        most_bytes: The most bytes that are fetched to be looked at; None when it only has to answer.
        trusted_origins: `scheme://host[:port]` of addresses that may lie in any network.
    """

    most_bytes: int | None
    trusted_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A body, or its beginning, was received.

    Args:
        whole_bytes: Its whole length as the server says it; None when it does not.
    """

    whole_bytes: int | None


async def look_at_addresses(
    wanted: Mapping[str, Wanted],
    *,
    look: Look,
    at_once: int = _AT_ONCE,
    within_s: float = _WITHIN_S,
) -> dict[str, Content | NotFetched]:
    """Ask every address once.

    Args:
        wanted: How each is asked.
        look: Looks into what came, in a thread.
        at_once: Addresses asked at the same time.
        within_s: Seconds for one address, redirects and body included.

    Returns:
        What each gave. Unseen is what an address has that only had to answer, and what is larger than it may be by the server's own word.

    Raises:
        StorageFailed: What came could not be kept in a temporary file.
    """
    found: dict[str, Content | NotFetched] = {}
    left = iter(wanted.items())
    sessions = Sessions()
    inquiry = _Inquiry(sessions, look, within_s)

    async def ask_further() -> None:
        for address, how in left:
            found[address] = await inquiry.ask(address, how)

    try:
        await _all_of([asyncio.create_task(ask_further()) for _ in range(min(at_once, len(wanted)))])
    finally:
        await sessions.close()
    return {address: found[address] for address in wanted}


async def _all_of(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for all; the first failure ends the others and is raised as it is, where a `TaskGroup` would wrap it."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Inquiry:
    """Asks single addresses."""

    def __init__(self, sessions: Sessions, look: Look, within_s: float) -> None:
        self._sessions = sessions
        self._look = look
        self._within_s = within_s

    async def ask(self, address: str, wanted: Wanted) -> Content | NotFetched:
        """What an address gives; see `look_at_addresses`."""
        with storage("a temporary file could not be used"), TemporaryFile() as file:
            fetched = await self._fetched(address, wanted, file)
            if isinstance(fetched, NotFetched):
                return fetched
            if wanted.most_bytes is None or _is_too_large(fetched.whole_bytes, wanted.most_bytes):
                return Content(size_bytes=fetched.whole_bytes or 0, is_unseen=True)
            return await asyncio.to_thread(self._content, file, wanted.most_bytes)

    async def _fetched(self, address: str, wanted: Wanted, file: BinaryIO) -> _Fetched | NotFetched:
        """Bring an address's content, or say why not."""
        try:
            async with asyncio.timeout(self._within_s):
                return await self._fetch(self._order(address, wanted), wanted.most_bytes, file)
        except AddressForbidden as forbidden:
            return NotFetched(f"may not be fetched: {forbidden.reason}")
        except TooManyRedirects:
            return NotFetched("redirects more than five times")
        except TimeoutError:
            return NotFetched(f"is not fetched within {self._within_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return NotFetched(f"cannot be fetched: {fault_words(error)}")

    def _order(self, address: str, wanted: Wanted) -> Order:
        """The address as `Sessions` takes it; what an order says about results is not asked."""
        return Order(
            job_id="",
            task_id="",
            fingerprint="",
            address=address,
            trusted_origins=wanted.trusted_origins,
            stem="",
            media="",
            expects_audio=False,
            verify=Verify.NONE,
            read_timeout_s=self._within_s,
            connect_timeout_s=self._within_s,
        )

    async def _fetch(self, order: Order, most_bytes: int | None, file: BinaryIO) -> _Fetched | NotFetched:
        """Bring the beginning of a body, up to one byte more than the most; nothing of one that says itself that it is longer."""
        async with self._sessions.get(order, {}) as response:
            if response.status in _REFUSED:
                return NotFetched(f"answers HTTP {response.status}")
            said = response.content_length
            if most_bytes is not None and not _is_too_large(said, most_bytes):
                await self._receive(response, file, most_bytes + 1)
            return _Fetched(said)

    async def _receive(self, response: aiohttp.ClientResponse, file: BinaryIO, left: int) -> None:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            await asyncio.to_thread(_write, file, piece[:left])
            left -= len(piece)
            if left <= 0:
                return

    def _content(self, file: BinaryIO, most_bytes: int) -> Content:
        """What came, seen for what it is: a beginning that was cut off here has no length in seconds, and is not damaged for that."""
        content = self._look(file)
        if content.size_bytes <= most_bytes:
            return content
        return replace(content, is_beginning=True, duration_s=None, flaw=None)


def _is_too_large(said_bytes: int | None, most_bytes: int) -> bool:
    return said_bytes is not None and said_bytes > most_bytes


def _write(file: BinaryIO, piece: bytes) -> None:
    # Here and not around the request, whose own faults are `OSError` too.
    with storage("a temporary file could not be written"):
        file.write(piece)
