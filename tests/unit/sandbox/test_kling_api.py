"""Kling's avatar on loopback, asked by a real client: what it takes, what it refuses, and how its tasks end."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import pytest
from PIL import Image

from runner.sandbox import film, sound
from runner.sandbox.faults import TABLE, Stage
from tests.unit.sandbox.caller import BEARER, Caller, Got, calling

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/videos/avatar/image2video"
FACE = "https://cdn.example.com/anna.png"
SOUND = "https://cdn.example.com/anna.mp3"
SPEAKS = {"image": FACE, "sound_file": SOUND}

REFUSALS: dict[str, tuple[int, int]] = {
    "refuse": (400, 1201),
    "policy": (400, 1301),
    "key": (401, 1000),
    "forbidden": (403, 1103),
    "429": (429, 1302),
    "saturated": (429, 1303),
    "500": (500, 5000),
    "kling-1003": (401, 1003),
    "kling-1004": (401, 1004),
    "kling-1100": (429, 1100),
    "kling-1101": (429, 1101),
    "kling-1102": (429, 1102),
    "kling-1200": (400, 1200),
    "kling-1202": (404, 1202),
    "kling-1203": (404, 1203),
    "kling-1300": (400, 1300),
    "kling-1304": (429, 1304),
    "kling-5001": (503, 5001),
}
OTHER_REFUSALS = {"503": 503, "429-empty": 429, "too-large": 413, "redirect-post": 307}
RESELLERS = {
    "quota-402": 402,
    "quota-403": 403,
    "quota-key": 403,
    "quota-200-cn": 200,
    "saturated-500": 500,
    "no-channel": 503,
}
ACCEPTED = {"500-accepted": 500, "kling-5002": 504, "502-accepted": 502}
LOST: dict[str, type[Exception]] = {
    "reset": aiohttp.ClientOSError,
    "eof": aiohttp.ServerDisconnectedError,
    "silence": TimeoutError,
    "garbage": aiohttp.ClientResponseError,
    "half-reply": aiohttp.ClientPayloadError,
}
ENDINGS = {
    "fail": "Image pixel is invalid",
    "timeout-generation": "timed out",
    "moderated": "image",
    "moderated-text": "prompt",
}
QUESTIONS = {"poll-500": (500, "5000"), "poll-429": (429, "1302"), "poll-429-empty": (429, ""), "poll-502": (502, "<html>"), "poll-key": (401, "1000"), "poll-unknown": (404, "1203"),
             "poll-garbage": (200, "<html>"), "unknown-status": (200, "reviewing")}  # fmt: skip


def picture(width: int, height: int) -> str:
    """A picture of this size, in base64."""
    target = io.BytesIO()
    Image.new("RGB", (width, height)).save(target, "PNG")
    return b64encode(target.getvalue()).decode()


def asking(words: str = "smiles", **more: Any) -> dict[str, Any]:
    """A body whose prompt holds these words."""
    return {**SPEAKS, "prompt": words, **more}


async def create(caller: Caller, body: Any, **options: Any) -> Got:
    """A create; a long body is sent in pieces."""
    content = io.BytesIO(json.dumps(body).encode())
    return await caller.call("POST", PATH, **{"data": content, "headers": BEARER, **options})


async def poll(caller: Caller, task_id: str) -> Got:
    """One question about a task."""
    return await caller.call("GET", f"{PATH}/{task_id}", headers=BEARER)


async def task(caller: Caller, body: Any) -> str:
    """A create that is accepted: its task id."""
    return str((await create(caller, body)).json["data"]["task_id"])


async def ended(caller: Caller, body: Any) -> Any:
    """The task of a create, as it stands at its end (the sandbox's tasks must take no time)."""
    return (await poll(caller, await task(caller, body))).json["data"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"image": FACE}, "exactly one"),
        ({"image": FACE, "audio_id": "", "sound_file": ""}, "exactly one"),
        ({"image": FACE, "audio_id": "a", "sound_file": SOUND}, "exactly one"),
        ({"sound_file": SOUND}, "image is required"),
        ({"image": 7, "sound_file": SOUND}, "image must be an address or base64"),
        ({"image": "data:image/png;base64,iVBORw0KGgo=", "sound_file": SOUND}, "without a prefix"),
        ({"image": FACE, "sound_file": "not base64!"}, "sound_file must be"),
        ({"image": FACE, "sound_file": b64encode(bytes(5_000_001)).decode()}, "larger than"),
        ({"image": picture(299, 400), "sound_file": SOUND}, "Image pixel is invalid"),
        ({"image": picture(300, 751), "sound_file": SOUND}, "Image pixel is invalid"),
        ({"image": b64encode(b"a face").decode(), "sound_file": SOUND}, "image: the format cannot be read"),
        ({"image": FACE, "sound_file": picture(300, 300)}, "sound_file: the format cannot be read"),
        ({"image": FACE, "sound_file": b64encode(sound.recording(bytes(32), 1.5)).decode()}, "2 to 300 s"),
        ({"image": FACE, "audio_id": "a-77"}, "no such recording"),
        (asking("x" * 2501), "prompt"),
        (asking(mode="cheap"), "mode"),
        (asking(mode=["std"]), "mode"),
        (asking(watermark_info={"enabled": "yes"}), "watermark_info"),
        (asking(watermark_info=None), "watermark_info"),
        (asking(external_task_id=7), "external_task_id"),
        (asking(callback_url=7), "callback_url"),
        ([], "JSON object"),
    ],
)
async def test_wrong_inputs_are_refused(body: Any, words: str) -> None:
    """What the documents forbid is a 400 with code 1201, an id of the request and no task."""
    async with calling() as caller:
        got = await create(caller, body)
        assert (got.status, got.json["code"], got.json["data"]) == (400, 1201, None)
        assert words in got.json["message"]
        assert got.json["request_id"]
        assert caller.accepted() == 0


@pytest.mark.parametrize(
    "body",
    [
        SPEAKS,
        {"image": picture(300, 750), "sound_file": b64encode(sound.recording(bytes(32), 5.0)).decode()},
        asking(mode="pro", watermark_info={"enabled": True}, callback_url="https://hooks.example.com/k"),
    ],
    ids=["addresses", "bytes", "all fields"],
)
async def test_documented_inputs_are_accepted(body: Any) -> None:
    """Every documented way to ask gets a task that ends with a video that plays, and units that it cost."""
    async with calling() as caller:
        found = await ended(caller, body)
        (video,) = found["task_result"]["videos"]
        got = await caller.fetch(video["url"])
        with av.open(io.BytesIO(got.body), "r") as container:
            assert container.duration is not None
            assert container.duration / 1e6 == pytest.approx(float(video["duration"]), abs=0.11)
        assert int(found["final_unit_deduction"]) > 0


async def test_the_envelope_is_the_documented_one() -> None:
    """Create and query have code, message and request id, times in milliseconds, and our own id where one was given."""
    async with calling() as caller:
        made = (await create(caller, asking(external_task_id="cs-1"))).json
        assert (made["code"], made["message"], made["data"]["task_status"]) == (0, "SUCCEED", "submitted")
        assert made["data"]["task_info"] == {"external_task_id": "cs-1"}
        assert made["data"]["created_at"] > 10**12
        seen = (await poll(caller, made["data"]["task_id"])).json
        assert seen["data"]["task_info"] == {"external_task_id": "cs-1"}
        assert (seen["data"]["task_status"], seen["data"]["watermark_info"]) == ("succeed", {"enabled": False})


async def test_an_own_id_is_unique_and_finds_its_task(tmp_path: Path) -> None:
    """A second create with the id of an accepted one is refused, in a later sandbox too; a question takes either id."""
    path = tmp_path / "ledger.jsonl"
    async with calling(ledger_path=path) as caller:
        refused = await create(caller, asking("sandbox:429@1", external_task_id="cs-1"))
        task_id = await task(caller, asking("sandbox:429@1", external_task_id="cs-1"))
        assert refused.json["code"] == 1302
        again = await create(caller, asking("other words", external_task_id="cs-1"))
        assert (again.status, again.json["code"], caller.accepted()) == (400, 1201, 1)
        assert "external_task_id" in again.json["message"]
        assert (await poll(caller, "cs-1")).json["data"]["task_id"] == task_id
    async with calling(ledger_path=path) as later:
        assert (await poll(later, "cs-1")).json["data"]["task_id"] == task_id
        assert (await create(later, asking(external_task_id="cs-1"))).json["code"] == 1201


async def test_the_ledger_holds_digests_and_not_bytes(tmp_path: Path) -> None:
    """A picture of 1 MB leaves its digest in the books, and a restarted sandbox draws the same video from it."""
    path, content = tmp_path / "ledger.jsonl", b64encode(bytes(1_000_000)).decode()
    async with calling(ledger_path=path, lenient=True) as caller:
        body = {"image": content, "sound_file": content}
        task_id = await task(caller, body)
        (entry,) = caller.sandbox.ledger.of("create")
        digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        assert entry["body"] == {"image": digest, "sound_file": digest}
        assert entry["body_sha256"] == hashlib.sha256(json.dumps(body).encode()).hexdigest()
        assert path.stat().st_size < 2000
    async with calling(ledger_path=path) as later:
        video = (await poll(later, task_id)).json["data"]["task_result"]["videos"][0]
        assert (await later.fetch(video["url"])).body == film.video(film.Scene(digest, task_id))


async def test_a_video_lasts_as_long_as_its_sound(tmp_path: Path) -> None:
    """A recording of 4.2 s, sent as bytes, gives a video of 4.2 s and units for 5, in a restarted sandbox too."""
    path, content = tmp_path / "ledger.jsonl", b64encode(sound.recording(bytes(32), 4.2)).decode()
    async with calling(ledger_path=path) as caller:
        task_id = await task(caller, {"image": FACE, "sound_file": content})
    async with calling(ledger_path=path) as later:
        found = (await poll(later, task_id)).json["data"]
        (video,) = found["task_result"]["videos"]
        assert float(video["duration"]) == pytest.approx(4.2, abs=0.1)
        assert found["final_unit_deduction"] == "5"
        with av.open(io.BytesIO((await later.fetch(video["url"])).body), "r") as container:
            assert (container.duration or 0) / 1_000_000 == pytest.approx(4.2, abs=0.15)


async def test_a_marked_copy_is_made_when_asked_for() -> None:
    """`watermark_info` adds a second address, whose file is another one."""
    async with calling() as caller:
        plain = (await ended(caller, asking()))["task_result"]["videos"][0]
        both = (await ended(caller, asking(watermark_info={"enabled": True})))["task_result"]["videos"][0]
        assert plain["watermark_url"] == ""
        assert (await caller.fetch(both["url"])).body != (await caller.fetch(both["watermark_url"])).body


@pytest.mark.parametrize(
    ("options", "headers", "code"),
    [
        ({}, {}, 1001),
        ({"credential": "right"}, {"Authorization": "Bearer wrong"}, 1002),
        ({"credential": "right"}, {"Authorization": "Bearer right"}, 0),
        ({"require_credential": False}, {}, 0),
    ],
)
async def test_credentials(options: dict[str, Any], headers: dict[str, str], code: int) -> None:
    """A key must be there and be the right one; a sandbox inside a run wants none."""
    async with calling(**options) as caller:
        assert (await create(caller, SPEAKS, headers=headers)).json["code"] == code
        question = await caller.call("GET", f"{PATH}/unknown", headers=headers)
        assert question.json["code"] == (code or 1203)


async def test_tasks_of_the_other_api_are_unknown() -> None:
    """Each API knows its own tasks only."""
    async with calling() as caller:
        task_id = await task(caller, SPEAKS)
        assert (await caller.poll(task_id)).json["code"] == "task_not_exist"


async def test_a_task_runs_through_its_statuses() -> None:
    """Submitted, processing, succeed, in this order; the video comes at the end."""
    async with calling(task_s=0.4) as caller:
        task_id, seen = await task(caller, SPEAKS), [""]
        while seen[-1] != "succeed":
            found = (await poll(caller, task_id)).json["data"]
            seen.append(found["task_status"])
            assert bool(found["task_result"]) == (found["task_status"] == "succeed")
            await asyncio.sleep(0.01)
        assert list(dict.fromkeys(seen[1:])) == ["submitted", "processing", "succeed"]


async def test_more_tasks_than_allowed_are_told_so() -> None:
    """Over the limit of tasks the answer is 1303, over that of requests 1302; speech takes no slot of a resource pack."""
    async with calling(task_s=5.0, kling_parallel=1) as caller:
        assert [(await create(caller, SPEAKS)).json["code"] for _ in range(2)] == [0, 1303]
        words = {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}
        assert (await caller.call("POST", "/v1/audio/tts", json=words, headers=BEARER)).json["code"] == 0
    async with calling(task_s=5.0, max_in_flight=1) as caller:
        assert [(await create(caller, SPEAKS)).json["code"] for _ in range(2)] == [0, 1303]
    async with calling(requests_per_minute=1) as caller:
        assert [(await create(caller, SPEAKS)).json["code"] for _ in range(2)] == [0, 1302]


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refused_create_makes_no_task_and_passes_after_its_count(kind: str) -> None:
    """A refusal has its status and code and makes no task; with `@1` the second try of the same body is accepted."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}@1"))
        assert (got.status, got.json["code"], caller.accepted()) == (*REFUSALS[kind], 0)
        assert (await create(caller, asking(f"sandbox:{kind}@1"))).json["code"] == 0


@pytest.mark.parametrize("kind", RESELLERS)
async def test_a_reseller_refuses_in_its_own_words(kind: str) -> None:
    """Money and channels are the gateway's business: its shapes, and no task."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}"))
        assert (got.status, caller.accepted()) == (RESELLERS[kind], 0)
        assert type(got.json.get("code")) is not int


@pytest.mark.parametrize("kind", OTHER_REFUSALS)
async def test_a_create_that_kling_itself_never_saw(kind: str) -> None:
    """What stands in front of Kling answers in its own way."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}"))
        assert (got.status, caller.accepted()) == (OTHER_REFUSALS[kind], 0)


async def test_a_number_after_429_is_a_retry_after() -> None:
    """`429=3` says Retry-After: 3."""
    async with calling() as caller:
        assert (await create(caller, asking("sandbox:429=3"))).headers["Retry-After"] == "3"


@pytest.mark.parametrize("kind", ACCEPTED)
async def test_a_failure_that_hides_a_real_task(kind: str) -> None:
    """The status is a failure's, and the task is there under our own id."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}", external_task_id="cs-1"))
        assert (got.status, caller.accepted()) == (ACCEPTED[kind], 1)
        assert (await poll(caller, "cs-1")).json["data"]["task_status"] == "succeed"


@pytest.mark.parametrize("kind", LOST)
async def test_a_lost_reply_leaves_a_real_task(kind: str) -> None:
    """The client learns nothing, and the task is there under our own id."""
    async with calling() as caller:
        body = asking(f"sandbox:{kind}", external_task_id="cs-1")
        with pytest.raises(LOST[kind]):
            await create(caller, body, timeout=aiohttp.ClientTimeout(total=0.3))
        assert (await poll(caller, "cs-1")).json["data"]["task_status"] == "succeed"


async def test_odd_replies_to_a_create() -> None:
    """`no-id` names no task; `slow=0.1` comes late and good."""
    async with calling() as caller:
        assert (await create(caller, asking("sandbox:no-id"))).json["data"]["task_id"] == ""
        assert (await create(caller, asking("sandbox:slow=0.1"))).json["data"]["task_id"]
        assert caller.accepted() == 2


@pytest.mark.parametrize("kind", ENDINGS)
async def test_a_task_ends_badly(kind: str) -> None:
    """The reason stands in `task_status_msg` alone, the call itself worked, and nothing is deducted."""
    async with calling() as caller:
        got = await poll(caller, await task(caller, asking(f"sandbox:{kind}")))
        found = got.json["data"]
        assert (got.status, got.json["code"], got.json["message"]) == (200, 0, "SUCCEED")
        assert (found["task_status"], found["task_result"], found["final_unit_deduction"]) == ("failed", {}, "0")
        assert ENDINGS[kind] in found["task_status_msg"]


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_a_question_goes_wrong_as_often_as_asked(kind: str) -> None:
    """The first question is answered as the table says, the second well."""
    async with calling() as caller:
        task_id = await task(caller, asking(f"sandbox:{kind}@1"))
        got = await poll(caller, task_id)
        status, words = QUESTIONS[kind]
        assert got.status == status
        assert words in got.body.decode()
        assert (await poll(caller, task_id)).json["data"]["task_status"] == "succeed"


async def test_results_that_are_not_there() -> None:
    """`no-address` withholds the address, `expired-url` hands out one that is refused; the next answer is good."""
    async with calling() as caller:
        for kind, status in (("no-address", None), ("expired-url", 403)):
            task_id = await task(caller, asking(f"sandbox:{kind}@1"))
            first, second = [
                (await poll(caller, task_id)).json["data"]["task_result"]["videos"][0]["url"] for _ in range(2)
            ]
            assert (await caller.fetch(first)).status == status if status else first == ""
            assert (await caller.fetch(second)).status == 200


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("duration-number", "duration", float),
        ("units-number", "final_unit_deduction", int),
        ("newer-words", "task_status", "succeeded"),
    ],
)
async def test_recorded_oddities(kind: str, field: str, value: Any) -> None:
    """Numbers where texts are usual, and the word of the newer APIs."""
    async with calling() as caller:
        found = await ended(caller, asking(f"sandbox:{kind}"))
        found |= found["task_result"]["videos"][0]
        assert found[field] == value if isinstance(value, str) else type(found[field]) is value


async def test_a_look_up_that_lags_behind() -> None:
    """With `lookup-lag` the client's own id finds nothing at first, and the task's own name finds it all the time."""
    async with calling() as caller:
        task_id = await task(caller, asking("sandbox:lookup-lag=0.3", external_task_id="cs-1"))
        assert (await poll(caller, "cs-1")).json["code"] == 1203
        assert (await poll(caller, task_id)).json["code"] == 0
        await asyncio.sleep(0.32)
        assert (await poll(caller, "cs-1")).json["data"]["task_id"] == task_id


async def test_a_word_that_kling_does_not_know_is_refused_with_the_list() -> None:
    """What only the digital human plays is no silent success; chance never picks it either."""
    async with calling(faults={"url-in-fail-reason": 1.0, "shape-flat": 1.0}) as caller:
        got = await create(caller, asking("sandbox:url-in-fail-reason"))
        assert (got.status, "kling-1102" in got.json["message"], "shape-flat" in got.json["message"]) == (
            400,
            True,
            False,
        )
        assert (await ended(caller, asking()))["task_status"] == "succeed"


async def test_every_kind_that_kling_plays_is_tried_here() -> None:
    """No kind of create, task or question without a test above; results and deliveries are the same for all APIs."""
    tried = {*REFUSALS, *OTHER_REFUSALS, *RESELLERS, *ACCEPTED, *LOST, *ENDINGS, *QUESTIONS}
    tried |= {"no-id", "slow", "task-s", "lasts-s", "poll-reset", "no-address", "expired-url"}
    tried |= {"duration-number", "units-number", "newer-words", "lookup-lag", "list-lag", "unlisted"}
    async with calling() as caller:
        got = await create(caller, asking("sandbox:explode"))
        played = set(got.json["message"].partition("there are ")[2].split(", "))
    assert {kind for kind in played if TABLE[kind].stage is not Stage.CDN} == tried
    assert played >= {kind for kind in TABLE if TABLE[kind].stage is Stage.CDN}
