"""The fake API and CDN do what the documents say, and break in the ways that the tests rely on."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import pytest

from tests.fakeapi.api import Moment
from tests.fakeapi.ledger import Create, Ledger, Task
from tests.fakeapi.script import (
    Break,
    FilePlan,
    Shape,
    TaskPlan,
    accepted,
    accepted_but,
    always,
    by_word,
    refused,
)
from tests.fakeapi.server import FakeServer
from tests.fakeapi.shapes import NO_MONEY
from tests.fakeapi.videos import marked_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakeapi.script import Answer

TOKEN = "sk-test"
BODY = {"avatar_url": "https://example.com/a.png", "audio_url": "https://example.com/a.mp3"}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """An open server that takes everything."""
    with FakeServer(TOKEN) as fake:
        fake.open()
        yield fake


async def post(server: FakeServer, token: str = TOKEN, seconds: float = 5.0) -> tuple[int, bytes]:
    """Submit once on a fresh connection."""
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
        session.post(f"{server.base_url}/avatar/generation", json=BODY) as reply,
    ):
        return reply.status, await reply.read()


async def query(server: FakeServer, task_id: str) -> dict[str, Any]:
    """Ask for a task once."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.base_url}/avatar/task/{task_id}") as reply,
    ):
        told: dict[str, Any] = await reply.json()
        return told


async def fetch(address: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Get a file."""
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as reply:
        return reply.status, await reply.read()


async def finished(server: FakeServer, plan: TaskPlan) -> tuple[Task, str]:
    """Submit, wait for the end, and give the task with its address."""
    server.script = always(accepted_but(NO_MONEY["402 without a code"], plan))
    await post(server)
    task = next(reversed(server.ledger.tasks.values()))
    await asyncio.sleep(plan.seconds)
    told = await query(server, task.id)
    inner = told if plan.shape is Shape.FLAT else told["data"] if plan.shape is Shape.DATA else told["data"]["data"]
    return task, inner["work_video_path"]


def test_videos_play_and_differ() -> None:
    """Each video decodes to a picture and a sound, and two marks never give equal bytes."""
    first, second = marked_video("one"), marked_video("two", 1000)
    with av.open(io.BytesIO(second), "r") as container:
        assert next(container.decode(video=0)).width == 64
        assert container.streams.audio
    assert first != second
    assert len(second) - len(first) == 1000


async def test_usual_exchange(server: FakeServer) -> None:
    """An accepted submission names its task, which is in the ledger with the exact bytes."""
    status, body = await post(server)
    [create] = server.ledger.accepted
    assert (status, json.loads(body)) == (200, {"code": "success", "message": "", "data": create.task_id})
    assert create.fields == BODY
    assert create.speech == "https://example.com/a.mp3"


@pytest.mark.parametrize("shape", Shape)
async def test_shapes(server: FakeServer, shape: Shape) -> None:
    """A finished task is told in each of the three forms, and its address serves the ledger's bytes."""
    task, address = await finished(server, TaskPlan(seconds=0, shape=shape))
    assert await fetch(address) == (200, task.content)


@pytest.mark.parametrize("broken", [Break.RESET, Break.END_OF_STREAM, Break.GARBAGE, Break.CUT_BODY, Break.SILENCE])
async def test_lost_reply(server: FakeServer, broken: Break) -> None:
    """However a reply is lost, the client sees an error and the server has the task."""
    server.script = always(accepted_but(broken))
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await post(server, seconds=0.5)
    assert len(server.ledger.accepted) == 1


@pytest.mark.parametrize("reply", NO_MONEY.values(), ids=NO_MONEY)
async def test_refusals(server: FakeServer, reply: Answer) -> None:
    """A refusal arrives as written and makes no task."""
    server.script = always(refused(reply))
    assert await post(server) == (reply.status, reply.body)
    assert not server.ledger.accepted


async def test_wrong_credential(server: FakeServer) -> None:
    """Another credential is refused with 401."""
    assert (await post(server, token="sk-other"))[0] == 401
    assert not server.ledger.accepted


async def test_late_opening() -> None:
    """A server that is not open yet refuses connections, and takes submissions once it is."""
    with FakeServer(TOKEN) as fake:
        with pytest.raises(aiohttp.ClientConnectorError):
            await post(fake)
        fake.open()
        assert (await post(fake))[0] == 200


async def test_expired_address(server: FakeServer) -> None:
    """An expired address is refused; the next query gives a fresh one that works."""
    task, address = await finished(server, TaskPlan(seconds=0, file=FilePlan(expired_addresses=1)))
    assert (await fetch(address))[0] == 403
    told = await query(server, task.id)
    assert await fetch(told["data"]["data"]["work_video_path"]) == (200, task.content)


async def test_cut_and_range(server: FakeServer) -> None:
    """A cut body ends with an error; a range request gives exactly the rest, but the whole file for another validator."""
    task, address = await finished(server, TaskPlan(seconds=0, file=FilePlan(cuts=(500,))))
    with pytest.raises(aiohttp.ClientError):
        await fetch(address)
    assert server.ledger.fetches[0].sent == 500
    etag = f'"{task.sha256[:32]}"'
    assert await fetch(address, {"Range": "bytes=500-", "If-Range": etag}) == (206, task.content[500:])
    assert await fetch(address, {"Range": "bytes=500-", "If-Range": '"other"'}) == (200, task.content)


async def test_noise(server: FakeServer) -> None:
    """A damaged file has the right length and other bytes, as often as planned."""
    task, address = await finished(server, TaskPlan(seconds=0, file=FilePlan(noise=1)))
    assert await fetch(address) == (200, bytes(len(task.content)))
    assert await fetch(address) == (200, task.content)


async def test_tripwire(server: FakeServer) -> None:
    """A strike comes at the n-th time of its moment and never again."""
    strikes: list[int] = []
    server.strike_at(Moment.CREATE_ACCEPTED, 2, lambda: strikes.append(len(server.ledger.accepted)))
    for _ in range(4):
        await post(server)
    assert strikes == [2]


async def test_intents_are_asked_for(server: FakeServer) -> None:
    """Each submission's digest is looked up before the server reacts."""
    server.watch_intents(lambda sha256: len(sha256) == 64 and not server.ledger.tasks)
    await post(server)
    await post(server)
    assert [create.had_intent for create in server.ledger.creates] == [True, False]


def test_words_choose_reactions() -> None:
    """The first word that stands in the speech decides."""
    script = by_word({"bad": refused(Break.RESET)}, accepted(seconds=9.0))
    create = Create(0.0, {}, json.dumps({**BODY, "audio_url": "https://example.com/bad.mp3"}).encode())
    assert script(create, 1) == refused(Break.RESET)
    create.body = json.dumps(BODY).encode()
    assert script(create, 1) == accepted(seconds=9.0)


def test_most_in_flight() -> None:
    """Open submissions and tasks are counted from arrival to end, refused ones until they were let go."""
    ledger = Ledger(
        creates=[
            Create(0.0, {}, b"", task_id="a"),
            Create(1.0, {}, b"", let_go_at=2.0),
            Create(2.0, {}, b"", task_id="b"),
            Create(10.0, {}, b"", task_id="c"),
        ],
        tasks={
            name: Task(name, name, TaskPlan(seconds=5.0), start, b"")
            for name, start in {"a": 0.0, "b": 2.0, "c": 10.0}.items()
        },
    )
    assert ledger.most_in_flight() == 2
    ledger.creates[1].let_go_at = 2.5
    assert ledger.most_in_flight() == 3
