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
_HEAD_BYTES: Final = 64 * 1024
"""What is fetched of something that says itself that it is too large: enough to tell its format."""

_REFUSED: Final = range(300, 600)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A body, or its beginning, was received.

    Args:
        whole_bytes: Its whole length as the server says it; None when it does not.
    """

    whole_bytes: int | None


async def look_at_addresses(
    wanted: Mapping[str, int | None],
    *,
    trusted_origins: tuple[str, ...],
    look: Look,
    at_once: int = _AT_ONCE,
    within_s: float = _WITHIN_S,
) -> dict[str, Content | NotFetched]:
    """Ask every address once.

    Args:
        wanted: By address, the most bytes that are fetched to be looked at; None when it only has to answer.
        trusted_origins: `scheme://host[:port]` of addresses that may lie in any network.
        look: Looks into what came, in a thread.
        at_once: Addresses asked at the same time.
        within_s: Seconds for one address, redirects and body included.

    Returns:
        What each gave. An address that only had to answer, and did, has a `Content` of length 0 of which nothing is known.

    Raises:
        StorageFailed: What came could not be kept in a temporary file.
    """
    found: dict[str, Content | NotFetched] = {}
    left = iter(wanted.items())
    sessions = Sessions()
    inquiry = _Inquiry(sessions, trusted_origins, look, within_s)

    async def ask_further() -> None:
        for address, most_bytes in left:
            found[address] = await inquiry.ask(address, most_bytes)

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

    def __init__(self, sessions: Sessions, trusted_origins: tuple[str, ...], look: Look, within_s: float) -> None:
        self._sessions = sessions
        self._trusted_origins = trusted_origins
        self._look = look
        self._within_s = within_s

    async def ask(self, address: str, most_bytes: int | None) -> Content | NotFetched:
        """What an address gives; see `look_at_addresses`."""
        with storage("a temporary file could not be used"), TemporaryFile() as file:
            fetched = await self._fetched(address, most_bytes, file)
            if isinstance(fetched, NotFetched) or most_bytes is None:
                return fetched if isinstance(fetched, NotFetched) else Content(size_bytes=0)
            return await asyncio.to_thread(self._content, file, fetched.whole_bytes, most_bytes)

    async def _fetched(self, address: str, most_bytes: int | None, file: BinaryIO) -> _Fetched | NotFetched:
        """Bring an address's content, or say why not."""
        try:
            async with asyncio.timeout(self._within_s):
                return await self._fetch(self._order(address), most_bytes, file)
        except AddressForbidden as forbidden:
            return NotFetched(f"may not be fetched: {forbidden.reason}")
        except TooManyRedirects:
            return NotFetched("redirects more than five times")
        except TimeoutError:
            return NotFetched(f"is not fetched within {self._within_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return NotFetched(f"cannot be fetched: {fault_words(error)}")

    def _order(self, address: str) -> Order:
        """The address as `Sessions` takes it; what an order says about results is not asked."""
        return Order(
            job_id="",
            task_id="",
            fingerprint="",
            address=address,
            trusted_origins=self._trusted_origins,
            stem="",
            media="",
            expects_audio=False,
            verify=Verify.NONE,
            read_timeout_s=self._within_s,
            connect_timeout_s=self._within_s,
        )

    async def _fetch(self, order: Order, most_bytes: int | None, file: BinaryIO) -> _Fetched | NotFetched:
        """Bring the beginning of a body, up to one byte more than the most."""
        async with self._sessions.get(order, {}) as response:
            if response.status in _REFUSED:
                return NotFetched(f"answers HTTP {response.status}")
            said = response.content_length
            if most_bytes is not None:
                is_too_large = said is not None and said > most_bytes
                await self._receive(
                    response, file, min(most_bytes + 1, _HEAD_BYTES) if is_too_large else most_bytes + 1
                )
            return _Fetched(said)

    async def _receive(self, response: aiohttp.ClientResponse, file: BinaryIO, left: int) -> None:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            await asyncio.to_thread(_write, file, piece[:left])
            left -= len(piece)
            if left <= 0:
                return

    def _content(self, file: BinaryIO, whole_bytes: int | None, most_bytes: int) -> Content:
        """What came, seen for what it is: a beginning that was cut off here has no length in seconds, and is not damaged for that."""
        content = self._look(file)
        if content.size_bytes <= most_bytes and whole_bytes in (None, content.size_bytes):
            return content
        size_bytes = whole_bytes or content.size_bytes
        return replace(content, size_bytes=size_bytes, is_beginning=whole_bytes is None, duration_s=None, flaw=None)


def _write(file: BinaryIO, piece: bytes) -> None:
    # Here and not around the request, whose own faults are `OSError` too.
    with storage("a temporary file could not be written"):
        file.write(piece)
