"""What was received once is not fetched again, and bytes of different files are never joined."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from runner.core.ports import FetchProblem
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from tests.unit.transfer.cdn import Cdn, cut_after, status, whole
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output, problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.transfer.cdn import Answer


async def test_a_torn_connection_is_continued_in_place(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """After a reset the rest is asked for, tied to the strong validator, and the bytes are right."""
    cdn.answers = [cut_after(300_000), cut_after(300_000)]
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges == [None, "bytes=300000-", "bytes=600000-"]
    assert cdn.asked[1].headers["If-Range"] == '"v1"'
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_the_next_delivery_goes_on_to_the_byte(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """What a failed delivery received is kept, and continued by the next one, in this process or another."""
    cdn.answers = [cut_after(1000), status(500)]
    assert problem(await delivery.deliver(cdn.order())).problem is FetchProblem.UNREACHABLE
    assert files(root) == ["welcome/.anna.part.json", "welcome/anna.part"]
    another = FileDelivery(root, probe=probe, reserve_bytes=0)
    output(await another.deliver(cdn.order(path="/v.mp4?sig=FRESH")))
    await another.close()
    assert cdn.ranges[-1] == "bytes=1000-"
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ['W/"v1"', "", "unquoted", '"ä"'])
async def test_without_a_strong_validator_it_starts_over(
    cdn: Cdn, delivery: FileDelivery, root: Path, etag: str
) -> None:
    """A weak, absent or malformed validator ties nothing: no range is asked for."""
    cdn.etag = etag
    cdn.answers = [cut_after(1000)]
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges == [None, None]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


def _ranged(content_range: str, etag: str = '"v1"') -> Answer:
    return status(206, CONTENT[1000:], Content_Range=content_range, Content_Type="video/mp4", ETag=etag)


@pytest.mark.parametrize(
    "answer",
    [
        _ranged(f"bytes 999-{len(CONTENT) - 1}/{len(CONTENT)}"),
        _ranged(f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT) + 5}"),
        _ranged("bytes */*"),
        _ranged("nonsense"),
        _ranged(f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}", etag='"v2"'),
        status(416, Content_Range=f"bytes */{len(CONTENT)}"),
        status(416),
    ],
    ids=["wrong start", "wrong total", "no range", "nonsense", "changed validator", "416, longer", "416, silent"],
)
async def test_a_wrong_rest_starts_over(cdn: Cdn, delivery: FileDelivery, root: Path, answer: Answer) -> None:
    """What is not exactly the rest of what is there is not taken; the whole file is fetched instead."""
    cdn.answers = [cut_after(1000), answer]
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges == [None, "bytes=1000-", None]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_a_whole_file_for_a_range_request_is_taken_from_0(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """The server has another file by now: its bytes are not joined to the old ones."""

    async def change(request: web.Request, server: Cdn) -> web.StreamResponse:
        server.content, server.etag = CONTENT[::-1][:5000], '"v2"'
        return await whole(request, server)

    cdn.answers = [cut_after(300_000), change]
    output(await delivery.deliver(cdn.order()))
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT[::-1][:5000]


async def test_416_with_the_same_size_means_whole(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """A body without length that broke at its very end is complete when the server has no more bytes."""

    async def unending(request: web.Request, server: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers=server.headers())
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(server.content)
        assert request.transport is not None
        request.transport.close()
        return response

    cdn.answers = [unending]
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges == [None, f"bytes={len(CONTENT)}-"]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "change",
    [{"task_id": "t-2"}, {"fingerprint": "f-2"}, {"path": "/other.mp4"}],
    ids=["task", "fingerprint", "address"],
)
async def test_the_part_of_another_is_not_continued(cdn: Cdn, delivery: FileDelivery, change: dict[str, str]) -> None:
    """Bytes of another task, another request or another address are never mixed in."""
    cdn.answers = [cut_after(300_000), status(500)]
    problem(await delivery.deliver(cdn.order()))
    output(await delivery.deliver(cdn.order(**change)))  # type: ignore[arg-type]  # all of them are texts
    assert cdn.ranges[-1] is None


@pytest.mark.parametrize("spoil", ["beginning", "short", "claim", "no claim"])
async def test_a_part_that_does_not_hash_as_claimed_is_dropped(
    cdn: Cdn, delivery: FileDelivery, root: Path, spoil: str
) -> None:
    """Whatever a power failure left of the part, only bytes that the claim proves are continued."""
    cdn.answers = [cut_after(300_000), status(500)]
    problem(await delivery.deliver(cdn.order()))
    part, claim = root / "welcome/anna.part", root / "welcome/.anna.part.json"
    match spoil:
        case "beginning":
            part.write_bytes(bytes(300_000))
        case "short":
            part.write_bytes(part.read_bytes()[:-1])
        case "claim":
            claim.write_bytes(claim.read_bytes()[:100])
        case _:
            claim.unlink()
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges[-1] is None
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_a_cancelled_delivery_keeps_what_came(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """Ctrl-C in the middle of a download costs nothing."""

    async def pause(request: web.Request, server: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers=server.headers())
        response.content_length = len(server.content)
        await response.prepare(request)
        await response.write(server.content[:5000])
        await asyncio.sleep(30)
        return response

    cdn.answers = [pause]
    task = asyncio.create_task(delivery.deliver(cdn.order()))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (root / "welcome/anna.part").stat().st_size == 5000
    output(await delivery.deliver(cdn.order()))
    assert cdn.ranges == [None, "bytes=5000-"]


async def test_a_finished_file_is_found_without_the_network(cdn: Cdn, delivery: FileDelivery) -> None:
    """After a crash between the final name and its commit the same order gives the same answer, and nothing is asked."""
    first = output(await delivery.deliver(cdn.order()))
    assert output(await delivery.deliver(cdn.order())) == first
    assert len(cdn.asked) == 1


@pytest.mark.parametrize("change", [{"task_id": "t-2"}, {"fingerprint": "f-2"}])
async def test_a_finished_file_of_another_task_is_replaced(
    cdn: Cdn, delivery: FileDelivery, root: Path, change: dict[str, str]
) -> None:
    """The old file under the name says nothing about the new task."""
    output(await delivery.deliver(cdn.order()))
    cdn.content = CONTENT[:2000]
    output(await delivery.deliver(cdn.order(**change)))  # type: ignore[arg-type]  # all of them are texts
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT[:2000]


@pytest.mark.parametrize(
    "altered", [bytes(len(CONTENT)), CONTENT + b"x", CONTENT[:-1]], ids=["other", "longer", "shorter"]
)
async def test_an_altered_file_is_not_taken_for_finished(
    cdn: Cdn, delivery: FileDelivery, root: Path, altered: bytes
) -> None:
    """A claim proves nothing about other bytes."""
    output(await delivery.deliver(cdn.order()))
    (root / "welcome/anna.mp4").write_bytes(altered)
    output(await delivery.deliver(cdn.order()))
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT
