"""Fetches one result: asks, judges the answer, streams the body into the partial, and goes on where a connection broke."""

from __future__ import annotations

import asyncio
import errno
import re
import time
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import aiohttp

from runner.core.ports import FetchProblem, NotDelivered
from runner.transfer import disk
from runner.transfer.claim import strong_validator
from runner.transfer.media_types import HEAD_BYTES, looks_like_text
from runner.transfer.sessions import AddressForbidden, TooManyRedirects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runner.core.ports import Order
    from runner.transfer.partial import Partial
    from runner.transfer.sessions import Sessions

_EXPIRED: Final = frozenset({403, 404, 410})
_NO_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
_CONTENT_RANGE: Final = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a download may take.

    Args:
        most_bytes: Longest file.
        most_requests: Requests for one delivery; each after the first must follow bytes that came, or a restart from 0. The engine
            does the longer retries.
        slow_bytes_per_s: A connection slower than this for `slow_window_s` seconds is replaced by a new one.
        slow_window_s: See there.
    """

    most_bytes: int = 8 * 1024**3
    most_requests: int = 4
    slow_bytes_per_s: int = 1024
    slow_window_s: float = 60.0


class _Broken(Exception):
    """The transfer broke in a way that may pass: `str()` says how.

    Args:
        reason: One sentence without the address.
        retry_after_s: The server's wish.
        start_over: Whether what was received does not belong to what the server has now.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None, start_over: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.start_over = start_over


class _Hopeless(Exception):
    """No further request for this address makes sense.

    Args:
        problem: What it is.
        reason: One sentence without the address.
    """

    def __init__(self, problem: FetchProblem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


class Download:
    """One order's way over the network.

    Args:
        sessions: Asks.
        partial: Takes the bytes; may hold a beginning.
        order: What to fetch.
        bounds: What it may take.
        off_loop: Runs a blocking function in a thread.
    """

    def __init__(
        self,
        sessions: Sessions,
        partial: Partial,
        order: Order,
        *,
        bounds: Bounds,
        off_loop: Callable[[Callable[[], None]], Awaitable[None]],
    ) -> None:
        self._sessions = sessions
        self._partial = partial
        self._order = order
        self._bounds = bounds
        self._off_loop = off_loop

    async def run(self) -> NotDelivered | None:
        """Receive all bytes.

        Returns:
            None when they are all there (the last ones not written yet), else why not; what came is saved then.

        Raises:
            StorageFailed: The disk is full or failing, or no file descriptor is left.
            asyncio.CancelledError: What came is saved first.
        """
        try:
            problem = await self._requests()
        except asyncio.CancelledError:
            await self._save()
            raise
        if problem is not None:
            await self._save()
        return problem

    async def _requests(self) -> NotDelivered | None:
        for number in range(1, self._bounds.most_requests + 1):
            before = self._partial.size_bytes
            try:
                await self._request()
            except _Hopeless as end:
                return NotDelivered(problem=end.problem, message=str(end))
            except _Broken as broken:
                if broken.start_over:
                    self._partial.start_over()
                has_moved = broken.start_over or self._partial.size_bytes > before
                if not has_moved or number == self._bounds.most_requests:
                    return NotDelivered(
                        problem=FetchProblem.UNREACHABLE, message=str(broken), retry_after_s=broken.retry_after_s
                    )
            else:
                return None
        raise AssertionError("the last request returns")

    async def _save(self) -> None:
        if self._partial.has_unsaved:
            await self._off_loop(self._partial.save)

    async def _request(self) -> None:
        """Ask once and receive as much as comes; returns when the file is whole."""
        host = _host(self._order.address)
        try:
            async with self._sessions.get(self._order, self._range_headers()) as response:
                host = response.url.raw_host or host
                if self._accept(response, host):
                    await self._receive(response, host)
        except AddressForbidden as forbidden:
            raise _Hopeless(FetchProblem.BLOCKED, forbidden.reason) from forbidden
        except TooManyRedirects as error:
            raise _Broken(f"{host} redirects more than five times") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, OSError) and error.errno in _NO_DESCRIPTORS:
                raise disk.storage_failed(error, f"No connection to {host} could be opened") from error
            raise _Broken(f"{host}: {fault_words(error)}") from error

    def _range_headers(self) -> dict[str, str]:
        """Ask for the rest where a strong validator ties it to what is there, for the whole otherwise."""
        partial = self._partial
        # A beginning too short to be judged as media or text is not worth a range.
        if partial.claim.validator is None or partial.size_bytes < HEAD_BYTES:
            partial.start_over()
        if not partial.size_bytes:
            return {}
        return {"Range": f"bytes={partial.size_bytes}-", "If-Range": partial.claim.validator or ""}

    # --- the answer ---------------------------------------------------------------------------------------------------

    def _accept(self, response: aiohttp.ClientResponse, host: str) -> bool:
        """Judge status and headers; whether there is a body to receive."""
        status = response.status
        if status in _EXPIRED:
            raise _Hopeless(FetchProblem.EXPIRED, f"{host} answered {status}: the result's address is no longer valid")
        if status == 416 and self._partial.size_bytes:
            return self._compare_sizes(response, host)
        if status not in (200, 206):
            raise _Broken(f"{host} answered {status}", retry_after_s=_retry_after_s(response))
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise _Broken(f"{host} sent the file with a content encoding that was not asked for")
        if status == 200:
            self._begin(response)
        else:
            self._continue(response, host)
        self._check_size(self._partial.claim.total_bytes or 0, host)
        return True

    def _begin(self, response: aiohttp.ClientResponse) -> None:
        """A whole body: also the answer to a range request when the file has changed."""
        self._partial.start_over()
        etag = response.headers.get("ETag", "")
        self._partial.claim = replace(
            self._partial.claim,
            content_type=self._told(response.headers.get("Content-Type", ""))[:200],
            # One that holds our credential is none that could be kept, and sent back as it came.
            validator=strong_validator(etag) if self._told(etag) == etag else None,
            total_bytes=response.content_length,
        )

    def _told(self, words: str) -> str:
        """What a server said, as it may be kept."""
        return self._sessions.told(self._order, words)

    def _continue(self, response: aiohttp.ClientResponse, host: str) -> None:
        """The rest of a body: it must be exactly the rest of what is there."""
        partial = self._partial
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or found[1] is None or int(found[1]) != partial.size_bytes or not partial.size_bytes:
            raise _Broken(f"{host} sent another range than the one asked for", start_over=True)
        if response.headers.get("ETag", partial.claim.validator) != partial.claim.validator:
            raise _Broken(f"{host} has another file now", start_over=True)
        total = int(found[2]) + 1 if found[3] == "*" else int(found[3])
        if partial.claim.total_bytes not in (None, total):
            raise _Broken(f"{host} has a file of another length now", start_over=True)
        partial.claim = replace(partial.claim, total_bytes=total)

    def _compare_sizes(self, response: aiohttp.ClientResponse, host: str) -> bool:
        """416: nothing is left to send, or the file has changed."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or found[3] != str(self._partial.size_bytes):
            raise _Broken(f"{host} has another file now", start_over=True)
        self._partial.claim = replace(self._partial.claim, total_bytes=self._partial.size_bytes)
        return False

    def _check_size(self, size_bytes: int, host: str) -> None:
        if size_bytes > self._bounds.most_bytes:
            self._partial.start_over()
            raise _Hopeless(
                FetchProblem.BLOCKED,
                f"{host} sends a file of more than {self._bounds.most_bytes} bytes, the most that is fetched",
            )

    # --- the body -----------------------------------------------------------------------------------------------------

    async def _receive(self, response: aiohttp.ClientResponse, host: str) -> None:
        partial = self._partial
        head: bytes | None = None if partial.size_bytes else b""
        async for chunk in self._chunks(response, host):
            partial.take(chunk)
            self._check_size(partial.size_bytes, host)
            if head is not None:
                head += chunk[:HEAD_BYTES]
                if len(head) >= HEAD_BYTES:
                    self._check_head(head, host)
                    head = None
            if partial.has_piece:
                await self._off_loop(partial.save)
        if head is not None:
            self._check_head(head, host)
        self._check_end(host)

    async def _chunks(self, response: aiohttp.ClientResponse, host: str) -> AsyncIterator[bytes]:
        """The body's pieces, as long as they do not come too slowly."""
        bounds = self._bounds
        began, came = time.monotonic(), 0
        while chunk := await response.content.readany():
            yield chunk
            came += len(chunk)
            elapsed_s = time.monotonic() - began
            if elapsed_s >= bounds.slow_window_s:
                if came < bounds.slow_bytes_per_s * elapsed_s:
                    raise _Broken(f"{host} sent only {came} bytes in {elapsed_s:.0f} s")
                began, came = time.monotonic(), 0

    def _check_head(self, head: bytes, host: str) -> None:
        """A page or an error message behind a 200 means that the address expired."""
        if looks_like_text(self._partial.claim.content_type, head):
            self._partial.start_over()
            raise _Hopeless(
                FetchProblem.EXPIRED, f"{host} sent text instead of {self._order.media}: the address is no longer valid"
            )

    def _check_end(self, host: str) -> None:
        partial = self._partial
        total = partial.claim.total_bytes
        if not partial.size_bytes:
            raise _Broken(f"{host} sent an empty file")
        if total is not None and partial.size_bytes > total:
            raise _Broken(f"{host} sent more bytes than it promised", start_over=True)
        if total is not None and partial.size_bytes < total:
            raise _Broken(f"{host} ended the file after {partial.size_bytes} of {total} bytes")
        partial.claim = replace(partial.claim, total_bytes=partial.size_bytes)


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """The server's wish in seconds: RFC 9110 section 10.2.3, a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def fault_words(error: Exception) -> str:
    """What happened, without the address that some of these errors carry in their text."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate does not hold"
        case aiohttp.ClientConnectorDNSError():
            return "the name is not known"
        case aiohttp.ClientConnectorError():
            return f"no connection ({error.os_error.strerror or type(error.os_error).__name__})"
        case aiohttp.ClientPayloadError():
            return "the connection ended before the file did"
        case _:
            return f"the connection broke ({type(error).__name__})"


def _host(address: str) -> str:
    """The host for messages; "the server" when there is none to read."""
    found = re.match(r"[a-z]+://(?:[^/?#@]*@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)", address)
    return found[1] if found else "the server"
