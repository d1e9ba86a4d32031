"""Addresses that jobs send, asked before anything is paid: over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from runner.core.preflight import Content, NotFetched
from runner.media.preflight import look
from runner.transfer.look import MOST_BYTES, Wanted, look_at_addresses
from tests.contents import picture, silence
from tests.unit.transfer.cdn import Cdn, status

if TYPE_CHECKING:
    from collections.abc import Mapping


async def asked(cdn: Cdn, wanted: Mapping[str, int | None], **options: Any) -> list[Content | NotFetched]:
    """What paths of a server gave, whose origin is allowed."""
    addresses = {f"{cdn.origin}{path}": Wanted(most, (cdn.origin,)) for path, most in wanted.items()}
    found = await look_at_addresses(addresses, look=look, **options)
    assert list(found) == list(addresses)
    return list(found.values())


async def test_a_recording_is_measured() -> None:
    """Type, size and length are those of the content, whatever the server calls it; nothing of ours is sent along."""
    async with Cdn(silence(3), content_type="text/plain") as cdn:
        (content,) = await asked(cdn, {"/a.mp3?sig=x": MOST_BYTES})
        assert content == Content(size_bytes=24_044, format="wav", media="audio", duration_s=3.0, has_audio=True)
        assert cdn.authorizations == [None]


async def test_an_address_without_limits_only_has_to_answer() -> None:
    """Its body is not looked at."""
    async with Cdn(b"whatever") as cdn:
        assert await asked(cdn, {"/a": None}) == [Content(size_bytes=8, is_unseen=True)]


@pytest.mark.parametrize("code", [304, 401, 403, 404, 410, 429, 500, 503])
async def test_an_error_is_no_content(code: int) -> None:
    """What the server answers is the reason."""
    async with Cdn(b"") as cdn:
        cdn.answers.append(status(code, b""))
        assert await asked(cdn, {"/a": MOST_BYTES}) == [NotFetched(f"answers HTTP {code}")]


async def test_what_is_too_large_is_not_fetched() -> None:
    """The server says at once how large it is; its body may take as long as it likes."""

    async def slow(request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "5000000"})
        await response.prepare(request)
        await asyncio.sleep(30)
        return response

    async with Cdn(b"") as cdn:
        cdn.answers.append(slow)
        found = await asked(cdn, {"/a": 4_999_999}, within_s=10.0)
    assert found == [Content(size_bytes=5_000_000, is_unseen=True)]


async def test_a_body_without_a_length_is_fetched_up_to_the_most() -> None:
    """One byte more than the most tells enough."""

    async def endless(request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(400):
            await response.write(silence(1))
        return response

    async with Cdn(b"") as cdn:
        cdn.answers.append(endless)
        (found,) = await asked(cdn, {"/a": 1_000_000})
    assert isinstance(found, Content)
    assert (found.size_bytes, found.is_beginning, found.flaw) == (1_000_001, True, None)


async def test_a_server_that_is_silent_is_left() -> None:
    """The limit is for the whole inquiry."""

    async def silent(_request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response()

    async with Cdn(b"") as cdn:
        cdn.answers.append(silent)
        assert await asked(cdn, {"/a": 10}, within_s=0.2) == [NotFetched("is not fetched within 0.2 s")]


async def test_redirects_are_bounded_and_judged() -> None:
    """Five are followed; one into a network that nobody named is not."""
    async with Cdn(picture()) as cdn:
        cdn.answers += [status(302, Location="/next")] * 6
        assert await asked(cdn, {"/a": 10}) == [NotFetched("redirects more than five times")]
        cdn.answers.append(status(302, Location="http://169.254.169.254/latest"))
        (found,) = await asked(cdn, {"/b": 10})
    assert isinstance(found, NotFetched)
    assert found.reason.startswith("may not be fetched: 169.254.169.254 ")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:PORT/a", "https://127.0.0.1/a", "https://localhost/a", "file:///etc/passwd"]
)
async def test_nobody_asks_around_in_our_own_network(address: str) -> None:
    """An origin that no account names must be public, by name and by number."""
    async with Cdn(picture()) as cdn:
        address = address.replace("PORT", cdn.origin.rpartition(":")[2])
        found = await look_at_addresses({address: Wanted(10)}, look=look)
        assert not cdn.asked
    (result,) = found.values()
    assert isinstance(result, NotFetched)
    assert result.reason.startswith("may not be fetched: ")


async def test_each_address_is_trusted_by_itself() -> None:
    """What one may fetch from an origin says nothing of another address there."""
    async with Cdn(picture()) as cdn:
        ours, others = f"{cdn.origin}/a.png", f"{cdn.origin}/b.png"
        found = await look_at_addresses(
            {ours: Wanted(MOST_BYTES, (cdn.origin,)), others: Wanted(MOST_BYTES)}, look=look
        )
        assert len(cdn.asked) == 1
    assert isinstance(found[ours], Content)
    assert isinstance(found[others], NotFetched)


async def test_at_most_eight_at_once_and_each_once() -> None:
    """Fifty addresses are asked by eight; the answers keep their order."""
    now, most = 0, 0

    async def counted(_request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response(body=b"text")

    async with Cdn(b"") as cdn:
        cdn.answers += [counted] * 50
        assert len(await asked(cdn, {f"/{number}": 100 for number in range(50)})) == 50
        assert len(cdn.asked) == 50
    assert 2 <= most <= 8


async def test_nothing_to_ask_is_nothing_found() -> None:
    """A manifest without addresses asks nobody."""
    assert await look_at_addresses({}, look=look) == {}
