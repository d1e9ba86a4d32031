from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner.sandbox import film
from runner.sandbox.options import SandboxOptions
from runner.sandbox.serve import serve_forever
from runner.sandbox.server import Sandbox
from runner.sandbox.shelf import Shelf
from tests.unit.sandbox.caller import BEARER, calling, spoken

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_ledger_sees_everything() -> None:
    """A create, a question and a delivery stand in the ledger with what an audit needs, and no credential does."""
    async with calling() as caller:
        body = spoken("Hello", colour="red")
        address = await caller.address(body)
        await caller.fetch(address, Authorization="Bearer a-key", Range="bytes=0-9")
        ledger = (await caller.call("GET", "/_sandbox/ledger")).json
        create, poll, delivery = ledger["entries"]
        raw = json.dumps(body).encode()
        assert (create["event"], create["body"], create["body_sha256"]) == (
            "create",
            body,
            hashlib.sha256(raw).hexdigest(),
        )
        assert (create["accepted"], create["authorization"], create["unknown_fields"]) == (True, True, ["colour"])
        assert "authorization" in create["headers"]
        assert (poll["event"], poll["task_id"], poll["status"]) == ("poll", create["task_id"], 200)
        assert (delivery["event"], delivery["authorization"], delivery["status"]) == ("cdn", True, 206)
        assert (delivery["range"], delivery["size_bytes"]) == ("bytes=0-9", 10)
        assert ledger["totals"] == {"create": 1, "accepted": 1, "poll": 1, "cdn": 1}
        assert "a-key" not in json.dumps(ledger)


async def test_unknown_fields_are_named_by_their_path() -> None:
    """Fields that no document lists are found at the top and in the voice."""
    async with calling() as caller:
        body = spoken("Hello", seed=1)
        body["create_voice"]["speed"] = 2
        await caller.create(body)
        assert caller.sandbox.ledger.of("create")[0]["unknown_fields"] == ["create_voice.speed", "seed"]


async def test_the_file_holds_what_the_ledger_holds(tmp_path: Path) -> None:
    """Every entry is a line of the file as soon as the reply is there."""
    path = tmp_path / "ledger.jsonl"
    async with calling(ledger_path=path) as caller:
        await caller.create(spoken("你好 \ud800"))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert lines == list(caller.sandbox.ledger.entries)


async def test_a_restarted_sandbox_goes_on_with_its_tasks(tmp_path: Path) -> None:
    """With the same file, tasks of an earlier sandbox are known: same answers, same bytes. A torn last line is passed over."""
    path = tmp_path / "ledger.jsonl"
    async with calling(ledger_path=path) as caller:
        task_id = await caller.task(spoken("Hello"))
    with path.open("a") as file:
        file.write('{"event": "cre')
    for _ in range(2):
        async with calling(ledger_path=path) as caller:
            work = (await caller.poll(task_id)).json["data"]["data"]
            got = await caller.fetch(work["work_video_path"])
            assert got.body == film.video(film.Scene("Hello", task_id))
            assert caller.accepted() == 1


async def test_the_cdn_is_another_origin_and_speaks_ranges() -> None:
    """GET, HEAD, a range, a stale validator, a range beyond the end: over real HTTP on another port than the API's."""
    async with calling() as caller:
        address = await caller.address(spoken("Hello"))
        assert address.startswith(caller.sandbox.cdn_origin + "/cdn/")
        assert caller.sandbox.cdn_origin != caller.sandbox.base_url
        whole = await caller.fetch(address)
        head = await caller.call("HEAD", address)
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(whole.body)))
        part = await caller.fetch(address, Range="bytes=100-", **{"If-Range": whole.headers["ETag"]})
        assert (part.status, part.body) == (206, whole.body[100:])
        assert part.headers["ETag"] == whole.headers["ETag"] == head.headers["ETag"]
        assert part.headers["Last-Modified"] == whole.headers["Last-Modified"]
        assert (await caller.fetch(address, Range="bytes=100-", **{"If-Range": '"old"'})).status == 200
        beyond = await caller.fetch(address, Range=f"bytes={len(whole.body)}-")
        assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole.body)}")


async def test_the_cover_is_served() -> None:
    """The cover's address gives a JPEG."""
    async with calling() as caller:
        got = await caller.fetch((await caller.work(spoken("Hello")))["work_webp_path"])
        assert (got.headers["Content-Type"], got.body[:3]) == ("image/jpeg", b"\xff\xd8\xff")


async def test_an_address_must_be_whole() -> None:
    """Without its query, or with another, an address is refused; an unknown or unfinished file is 404."""
    async with calling() as caller:
        address = await caller.address(spoken("Hello"))
        assert (await caller.fetch(address.partition("?")[0])).status == 403
        assert (await caller.fetch(address.replace("sig=", "sig=0"))).status == 403
        assert (await caller.fetch(f"{caller.sandbox.cdn_origin}/cdn/unknown.mp4")).status == 404
        running = await caller.task(spoken("sandbox:task-s=9"))
        assert (await caller.fetch(f"{caller.sandbox.cdn_origin}/cdn/{running}.mp4")).status == 404


async def test_addresses_end() -> None:
    """After their lifetime addresses give 403, and asking the task gives a fresh one that works."""
    async with calling(url_lifetime_s=0.2) as caller:
        task_id = await caller.task(spoken("Hello"))
        first = (await caller.poll(task_id)).json["data"]["data"]["work_video_path"]
        assert (await caller.fetch(first)).status == 200
        await asyncio.sleep(0.25)
        assert (await caller.fetch(first)).status == 403
        fresh = (await caller.poll(task_id)).json["data"]["data"]["work_video_path"]
        assert (await caller.fetch(fresh)).status == 200


async def test_the_time_is_the_one_passed_in() -> None:
    """Tasks end by the clock that the sandbox was given."""
    times = [1_000_000.0]
    sandbox = Sandbox(SandboxOptions(task_s=3600), now=lambda: times[0])
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(headers=BEARER) as session:
            async with session.post(f"{sandbox.base_url}/avatar/generation", json=spoken("Hello")) as reply:
                task_id = (await reply.json())["data"]
            times[0] += 3600
            async with session.get(f"{sandbox.base_url}/avatar/task/{task_id}") as reply:
                assert (await reply.json())["data"]["status"] == "SUCCESS"
    finally:
        await sandbox.stop()


async def test_a_file_is_made_once_for_all_who_ask() -> None:
    """Ten who ask at once, one of whom leaves, wait for one rendering; a failure is told to all and not kept."""
    made: list[str] = []

    def make() -> bytes:
        made.append("film")
        return b"film"

    def fail() -> bytes:
        raise ValueError("no room")

    shelf = Shelf()
    try:
        asking = [asyncio.create_task(shelf.file("a", make)) for _ in range(10)]
        await asyncio.sleep(0)
        asking[0].cancel()
        assert await asyncio.gather(*asking[1:]) == [b"film"] * 9
        assert made == ["film"]
        with pytest.raises(ValueError, match="no room"):
            await shelf.file("b", fail)
        assert await shelf.file("b", make) == b"film"
    finally:
        shelf.close()


async def test_the_shelf_is_bounded() -> None:
    """What does not fit is pushed out, oldest first, and made again when it is asked for."""
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return bytes(6 * 1024 * 1024)

    shelf = Shelf()
    try:
        for name in ("a", "b", "a", "c", "a", "b"):
            await shelf.file(name, make)
        assert len(made) == 4
    finally:
        shelf.close()


async def test_stopping_does_not_wait_for_silence() -> None:
    """A sandbox stops within a second although a client still waits for a reply that never comes."""
    sandbox = Sandbox(SandboxOptions())
    await sandbox.start()
    async with aiohttp.ClientSession(headers=BEARER) as session:
        url = f"{sandbox.base_url}/avatar/generation"
        waiting = asyncio.create_task(_post(session, url, spoken("sandbox:silence")))
        await asyncio.sleep(0.1)
        assert len(sandbox.ledger.of("create")) == 1
        await asyncio.wait_for(sandbox.stop(), 1.0)
        await sandbox.stop()
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def _post(session: aiohttp.ClientSession, url: str, body: Any) -> None:
    async with session.post(url, json=body):
        pass


async def test_a_taken_port_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    """A start that fails closes what it had opened: the other port is free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sandbox = Sandbox(SandboxOptions(cdn_port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use"):
            await sandbox.start()
    with pytest.raises(RuntimeError, match="start"):
        _ = sandbox.ledger


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM])
async def test_serving_until_a_signal(one: signal.Signals) -> None:
    """The sandbox serves from its announcement until a signal, and says which it was."""
    announced: asyncio.Queue[Sandbox] = asyncio.Queue()
    serving = asyncio.create_task(serve_forever(SandboxOptions(), "127.0.0.1", 0, announced.put_nowait))
    sandbox = await asyncio.wait_for(announced.get(), 5)
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/_sandbox/health") as reply:
        assert await reply.json() == {
            "status": "ok",
            "base_url": sandbox.base_url,
            "cdn_origin": sandbox.cdn_origin,
        }
    os.kill(os.getpid(), one)
    assert await asyncio.wait_for(serving, 5) is one
