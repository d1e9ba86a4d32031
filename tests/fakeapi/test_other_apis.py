"""The fake Kling and the fake video hosts do what the documents say, and keep the rules that the tests rely on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import pytest

from tests.fakeapi.kling import PATHS
from tests.fakeapi.kling_replies import CODES
from tests.fakeapi.script import GENERATION_FAILED, accepted, always
from tests.fakeapi.server import FakeServer
from tests.fakeapi.videos import marked_sound

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "sk-test"
AVATAR = PATHS["kling/avatar"]
BODY = {"image": "https://example.com/a.png", "sound_file": "https://example.com/a.mp3", "prompt": "calm"}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """An open server whose tasks end at once."""
    with FakeServer(TOKEN, always(accepted(seconds=0.0))) as fake:
        fake.open()
        yield fake


async def call(
    server: FakeServer, method: str, target: str, body: object = None, token: str = TOKEN
) -> tuple[int, dict[str, Any]]:
    """One request with the credential."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, server.base_url + target, json=body) as reply,
    ):
        return reply.status, json.loads(await reply.read())


async def submit(server: FakeServer, own_id: str) -> tuple[int, dict[str, Any]]:
    """One avatar."""
    return await call(server, "POST", AVATAR, {**BODY, "external_task_id": own_id})


async def test_either_id_finds_a_task(server: FakeServer) -> None:
    """A task is told by its own id and by the client's, with its result once it has succeeded."""
    _, made = await submit(server, "cs-1")
    task_id = made["data"]["task_id"]
    assert made["data"]["task_status"] == "submitted"
    _, by_id = await call(server, "GET", f"{AVATAR}/{task_id}")
    _, by_own_id = await call(server, "GET", f"{AVATAR}/cs-1")
    assert by_id["data"] == by_own_id["data"]
    assert by_id["data"]["task_info"] == {"external_task_id": "cs-1"}
    assert by_id["data"]["task_result"]["videos"][0]["url"].startswith(server.cdn_origin)
    assert [task for _, task in server.ledger.polls] == [task_id]
    assert [own_id for _, own_id in server.ledger.lookups] == ["cs-1"]


async def test_nobody_knows_it(server: FakeServer) -> None:
    """Either id of no task is answered with 404 and 1203."""
    for name in ("77", "cs-9"):
        status, told = await call(server, "GET", f"{AVATAR}/{name}")
        assert (status, told["code"]) == (404, 1203)


async def test_own_ids_are_unique(server: FakeServer) -> None:
    """The same own id again is refused with 1201 and makes no task."""
    await submit(server, "cs-1")
    status, told = await submit(server, "cs-1")
    assert (status, told["code"]) == (400, 1201)
    assert len(server.ledger.tasks) == 1


async def test_slots(server: FakeServer) -> None:
    """With as many tasks as the pack allows, one more is refused with 1303 until one has ended."""
    server.kling.slots = 1
    server.script = always(accepted(seconds=60.0))
    await submit(server, "cs-1")
    status, told = await submit(server, "cs-2")
    assert (status, told["code"]) == (429, 1303)
    server.end_tasks()
    assert (await submit(server, "cs-2"))[0] == 200


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages(server: FakeServer, newest_first: bool) -> None:
    """Pages come in the wanted order, after the tasks of others, and the last one is short."""
    server.kling.newest_first, server.kling.strangers = newest_first, 2
    for number in range(3):
        await submit(server, f"cs-{number}")
    pages = [(await call(server, "GET", f"{AVATAR}?pageNum={page}&pageSize=4"))[1]["data"] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [4, 1, 0]
    own_ids = [task["task_info"].get("external_task_id") for page in pages for task in page]
    ours = ["cs-2", "cs-1", "cs-0"] if newest_first else ["cs-0", "cs-1", "cs-2"]
    assert own_ids == [None, None, *ours]
    assert (await call(server, "GET", f"{AVATAR}?pageNum=1&pageSize=501"))[1]["code"] == 1200


async def test_lag(server: FakeServer) -> None:
    """A task that lags is not found by the client's own id and not listed, but by its own id."""
    server.kling.shown_after_s = 60.0
    _, made = await submit(server, "cs-1")
    assert (await call(server, "GET", f"{AVATAR}/cs-1"))[0] == 404
    assert (await call(server, "GET", AVATAR))[1]["data"] == []
    assert (await call(server, "GET", f"{AVATAR}/{made['data']['task_id']}"))[0] == 200


async def test_failure_comes_with_200(server: FakeServer) -> None:
    """A failed task is a call that worked: HTTP 200, code 0, the reason in its own place, nothing deducted."""
    server.script = always(accepted(seconds=0.0, ending=GENERATION_FAILED))
    _, made = await submit(server, "cs-1")
    status, told = await call(server, "GET", f"{AVATAR}/{made['data']['task_id']}")
    assert (status, told["code"], told["message"]) == (200, 0, "SUCCEED")
    assert told["data"]["task_status"] == "failed"
    assert told["data"]["task_status_msg"]
    assert told["data"]["final_unit_deduction"] == "0"


async def test_speech_and_voice(server: FakeServer) -> None:
    """Speech has its sound in the first reply; a voice has its name in the query."""
    _, made = await call(server, "POST", PATHS["kling/tts"], {"text": "Hello", "voice_id": "v", "voice_language": "en"})
    assert made["data"]["task_result"]["audios"][0]["id"] == f"a-{made['data']['task_id']}"
    voice = {"voice_name": "Anna", "voice_url": "https://example.com/a.wav", "external_task_id": "cs-1"}
    await call(server, "POST", PATHS["kling/voice"], voice)
    _, told = await call(server, "GET", f"{PATHS['kling/voice']}/cs-1")
    assert told["data"]["task_result"]["voices"][0]["voice_name"] == "Anna"


def test_sounds_play_and_differ() -> None:
    """Each recording decodes, and two marks never give equal bytes."""
    first, second = marked_sound("one"), marked_sound("two", 1000)
    with av.open(io.BytesIO(second), "r") as container:
        assert next(container.decode(audio=0)).samples
    assert len(second) - len(first) == 1000


def test_codes_are_those_of_the_table() -> None:
    """Every code but success, each with a status that clients must not judge by."""
    assert len(CODES) == 21
    assert {code for code, (status, _) in CODES.items() if status == 429} == {1100, 1101, 1102, 1302, 1303, 1304}


# --- key pairs --------------------------------------------------------------------------------------------------------


def signed(server: FakeServer, **changes: Any) -> str:
    """A token of the server's key pair, as documented but for the changes."""
    now = int(time.time())
    claims = {"iss": server.keys.access_key, "exp": now + 1800, "nbf": now - 5, **changes}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encoded(hmac.digest(server.keys.secret_key.encode(), text.encode(), hashlib.sha256))}"


def encoded(raw: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_signed_token(server: FakeServer) -> None:
    """A token that is signed with the pair opens the door, and is remembered."""
    token = signed(server)
    assert (await call(server, "GET", AVATAR, token=token))[0] == 200
    assert server.keys.signed == {token}


@pytest.mark.parametrize(
    ("ahead_s", "code"), [pytest.param(3600, 1004, id="server ahead"), pytest.param(-3600, 1003, id="server behind")]
)
async def test_other_clock(server: FakeServer, ahead_s: int, code: int) -> None:
    """The server judges by its own clock, which its `Date` tells."""
    server.keys.ahead_s = ahead_s
    assert (await call(server, "GET", AVATAR, token=signed(server)))[1]["code"] == code
    now = int(time.time()) + ahead_s
    assert (await call(server, "GET", AVATAR, token=signed(server, exp=now + 1800, nbf=now - 5)))[0] == 200


@pytest.mark.parametrize("change", [{"iss": "AK-other"}, {"exp": "soon"}, {"exp": int(time.time()) + 86_400}])
async def test_wrong_claims(server: FakeServer, change: dict[str, Any]) -> None:
    """Another name, no number, or a life of a day: refused with 1000."""
    assert (await call(server, "GET", AVATAR, token=signed(server, **change)))[1]["code"] == 1000


@pytest.mark.parametrize(("token", "code"), [("", 1001), ("sk-other", 1000), ("a.b.c", 1000)])
async def test_wrong_tokens(server: FakeServer, token: str, code: int) -> None:
    """No credential, another one, and one that is signed with nothing."""
    assert (await call(server, "GET", AVATAR, token=token))[1]["code"] == code


# --- video ------------------------------------------------------------------------------------------------------------


async def test_unified_video(server: FakeServer) -> None:
    """The id has a colon, the query's answer has another id, and the address stands where this host puts it."""
    server.video.address_at = ("data", "url")
    _, made = await call(server, "POST", "/v1/video/create", {"model": "sora-2", "prompt": "a boat"})
    assert made["id"].startswith("sora-2:")
    _, told = await call(server, "GET", f"/v1/video/query?id={made['id'].replace(':', '%3A')}")
    assert told["id"] != made["id"]
    assert told["data"]["url"].startswith(server.cdn_origin)
    assert (await call(server, "GET", "/v1/video/query?id=none"))[1]["code"] == "task_not_exist"


async def test_form_of_a_submission(server: FakeServer) -> None:
    """A form is read field by field, its file as bytes."""
    form = aiohttp.FormData({"model": "sora-2", "prompt": "a böat"})
    form.add_field("input_reference", b"\x89PNG\r\n", filename="a.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.base_url}/v1/videos", data=form) as reply,
    ):
        assert (await reply.json())["status"] == "queued"
    [create] = server.ledger.creates
    assert create.fields == {"model": "sora-2", "prompt": "a böat", "input_reference": b"\x89PNG\r\n"}
    assert create.speech == "a böat"


async def test_content_needs_the_credential(server: FakeServer) -> None:
    """The bytes of the OpenAI style are for those with the credential alone."""
    _, made = await call(server, "POST", "/v1/videos", {"model": "sora-2", "prompt": "a boat"})
    address = f"{server.base_url}/v1/videos/{made['id']}/content"
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as reply:
            assert reply.status == 401
        async with session.get(address, headers={"Authorization": f"Bearer {TOKEN}"}) as reply:
            assert await reply.read() == server.ledger.tasks[made["id"]].content
    assert [fetch.status for fetch in server.ledger.contents] == [401, 200]
