"""Whatever a server does has one meaning, and no bad file gets the final name."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from runner.core.job import OutputFile
from runner.core.ports import FetchProblem
from runner.core.spec import Verify
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from runner.transfer.download import Bounds
from tests.unit.media.films import film
from tests.unit.transfer.cdn import Cdn, cut_after, status, whole
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output, problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.transfer.cdn import Answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(403), FetchProblem.EXPIRED),
        (status(404), FetchProblem.EXPIRED),
        (status(410), FetchProblem.EXPIRED),
        (status(200, b"<html>sign in</html>", Content_Type="text/html"), FetchProblem.EXPIRED),
        (status(200, b'{"code": "AccessDenied"}', Content_Type="application/json"), FetchProblem.EXPIRED),
        (status(200, b" \n<?xml version='1.0'?><Error/>", Content_Type="video/mp4"), FetchProblem.EXPIRED),
        (status(200, b"gone", Content_Type="text/plain; charset=utf-8"), FetchProblem.EXPIRED),
        (status(200, b"", Content_Type="video/mp4"), FetchProblem.UNREACHABLE),
        (status(200, b"x" * 100, Content_Type="video/mp4", Content_Encoding="gzip"), FetchProblem.UNREACHABLE),
        (status(206, b"x" * 100, Content_Range="bytes 0-99/100"), FetchProblem.UNREACHABLE),
        (status(401), FetchProblem.UNREACHABLE),
        (status(429), FetchProblem.UNREACHABLE),
        (status(500), FetchProblem.UNREACHABLE),
        (status(503), FetchProblem.UNREACHABLE),
        (status(302), FetchProblem.UNREACHABLE),
        (status(302, Location="https://10.0.0.8/v.mp4"), FetchProblem.BLOCKED),
        (status(302, Location="http://example.com/v.mp4"), FetchProblem.BLOCKED),
        (status(302, Location="file:///etc/passwd"), FetchProblem.BLOCKED),
        (cut_after(0), FetchProblem.UNREACHABLE),
    ],
)
async def test_verdicts(cdn: Cdn, delivery: FileDelivery, root: Path, answer: Answer, expected: FetchProblem) -> None:
    """Each answer has one meaning, the message names the host and never the query, and no file appears."""
    cdn.answers = [answer] * 6
    found = problem(await delivery.deliver(cdn.order()))
    assert found.problem is expected
    assert [name for name in files(root) if name.endswith(".mp4")] == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("Fri, 20 Nov 2020 00:00:00 GMT", 0.0)]
)
async def test_the_servers_wish_is_passed_on(
    cdn: Cdn, delivery: FileDelivery, text: str, seconds: float | None
) -> None:
    """`Retry-After` in both its forms reaches the engine."""
    cdn.answers = [status(503, Retry_After=text)]
    assert problem(await delivery.deliver(cdn.order())).retry_after_s == seconds


async def test_requests_are_bounded(cdn: Cdn, delivery: FileDelivery) -> None:
    """A server that always tears the connection is asked four times, not for ever."""
    cdn.answers = [cut_after(100)] * 20
    assert problem(await delivery.deliver(cdn.order())).problem is FetchProblem.UNREACHABLE
    assert len(cdn.asked) == 4


async def test_nobody_listens(delivery: FileDelivery) -> None:
    """A refused connection is unreachable."""
    async with Cdn(b"") as gone:
        order = gone.order()
    found = problem(await delivery.deliver(order))
    assert found.problem is FetchProblem.UNREACHABLE
    assert "127.0.0.1" in found.message


async def test_silence_is_bounded(cdn: Cdn, delivery: FileDelivery) -> None:
    """A server that says nothing for `read_timeout_s` is unreachable."""

    async def silent(_request: web.Request, _cdn: Cdn) -> web.StreamResponse:
        await asyncio.sleep(10)
        return web.Response()

    cdn.answers = [silent]
    assert problem(await delivery.deliver(cdn.order(read_timeout_s=0.2))).problem is FetchProblem.UNREACHABLE


async def test_a_slow_connection_is_replaced(cdn: Cdn, root: Path) -> None:
    """Slower than the least speed for the whole window: the rest comes over a new connection."""

    async def trickle(request: web.Request, server: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers=server.headers())
        response.content_length = len(server.content)
        await response.prepare(request)
        await response.write(server.content[:100])
        with suppress(ConnectionError):
            for byte in range(100, 200):
                await asyncio.sleep(0.05)
                await response.write(server.content[byte : byte + 1])
        return response

    cdn.answers = [trickle]
    quick = FileDelivery(root, probe=probe, reserve_bytes=0, bounds=Bounds(slow_window_s=0.3))
    async with asyncio.timeout(3):
        output(await quick.deliver(cdn.order()))
    await quick.close()
    assert cdn.ranges[0] is None
    assert cdn.ranges[1] is not None
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize("is_announced", [True, False])
async def test_size_is_bounded(cdn: Cdn, root: Path, is_announced: bool) -> None:
    """A file without end does not fill the disk, whether or not its length is announced."""

    async def unannounced(request: web.Request, server: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers=server.headers())
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(server.content)
        return response

    cdn.answers = [whole if is_announced else unannounced]
    small = FileDelivery(root, probe=probe, reserve_bytes=0, bounds=Bounds(most_bytes=500_000))
    found = problem(await small.deliver(cdn.order()))
    await small.close()
    assert found.problem is FetchProblem.BLOCKED
    assert "500000" in found.message


@pytest.mark.parametrize(("hops", "is_delivered"), [(5, True), (6, False)])
async def test_redirects_are_bounded(cdn: Cdn, delivery: FileDelivery, hops: int, is_delivered: bool) -> None:
    """Five redirects are followed, relative ones too; six are not."""
    cdn.answers = [status(302, Location=f"/hop{number}?sig=SECRET") for number in range(hops)]
    found = await delivery.deliver(cdn.order())
    assert isinstance(found, OutputFile) is is_delivered


async def test_damaged_bytes_are_set_aside(delivery: FileDelivery, root: Path) -> None:
    """What does not play never gets the final name; the bytes stay for whoever wants to look."""
    cut = film(index_first=True)[:-500]
    async with Cdn(cut) as cdn:
        found = problem(await delivery.deliver(cdn.order(verify=Verify.FRAME)))
        assert found.problem is FetchProblem.DAMAGED
        assert files(root) == ["welcome/anna.part.bad"]
        assert (root / "welcome/anna.part.bad").read_bytes() == cut
        cdn.content = film()
        output(await delivery.deliver(cdn.order(verify=Verify.FRAME)))
        assert cdn.ranges == [None, None]


async def test_the_old_file_stays_until_the_new_one_is_verified(delivery: FileDelivery, root: Path) -> None:
    """A damaged or unreachable successor does not cost the good file."""
    async with Cdn(film()) as cdn:
        output(await delivery.deliver(cdn.order(verify=Verify.FRAME)))
        cdn.content = film()[:-500]
        problem(await delivery.deliver(cdn.order(task_id="t-2", verify=Verify.FRAME)))
        cdn.answers = [status(404)]
        problem(await delivery.deliver(cdn.order(task_id="t-3", verify=Verify.FRAME)))
    assert (root / "welcome/anna.mp4").read_bytes() == film()
