from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import av
import pytest

from tests.unit.sandbox.caller import AVATAR, BEARER, calling, spoken

VOICE = {"voice_engine_id": "e", "audio_id": "a", "language": "en", "text": "Hi"}
MADE = {"audio_url": "https://cdn.example.com/a.mp3", "language": "en", "text": "Hi"}


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields but one."""
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"avatar_url": AVATAR}, "exactly one"),
        ({"avatar_url": AVATAR, "audio_url": AVATAR, "use_voice": VOICE}, "exactly one"),
        ({"audio_url": AVATAR}, "avatar_url"),
        ({"avatar_url": "anna.png", "audio_url": AVATAR}, "avatar_url"),
        ({"avatar_url": AVATAR, "audio_url": 7}, "audio_url"),
        ({"avatar_url": AVATAR, "audio_url": AVATAR, "no_watermark": "yes"}, "no_watermark"),
        ({"avatar_url": AVATAR, "use_voice": "ann"}, "use_voice must be an object"),
        *(({"avatar_url": AVATAR, "create_voice": without(MADE, name)}, f"create_voice.{name}") for name in MADE),
        *(({"avatar_url": AVATAR, "use_voice": without(VOICE, name)}, f"use_voice.{name}") for name in VOICE),
        ({"avatar_url": AVATAR, "create_voice": {**MADE, "language": "cn"}}, "zh"),
        ({"avatar_url": AVATAR, "create_voice": {**MADE, "audio_url": "a.mp3"}}, "create_voice.audio_url"),
        ({"avatar_url": AVATAR, "use_voice": VOICE}, "no such voice"),
        ([], "JSON object"),
    ],
)
async def test_wrong_inputs_are_refused(body: Any, words: str) -> None:
    """What the documents forbid is a 400 in the shape of the task relay, and makes no task."""
    async with calling() as caller:
        got = await caller.create(body)
        assert (got.status, got.json["code"], got.json["data"]) == (400, "invalid_request", None)
        assert words in got.json["message"]
        assert caller.accepted() == 0


async def test_a_body_that_is_not_json_is_refused() -> None:
    """Bytes that do not parse are a 400, and stand in the ledger by their digest."""
    async with calling() as caller:
        got = await caller.call("POST", "/avatar/generation", data=b"{nonsense", headers=BEARER)
        (entry,) = caller.sandbox.ledger.of("create")
        assert (got.status, entry["body"], entry["accepted"]) == (400, None, False)


async def test_the_three_ways_to_speak_are_accepted() -> None:
    """Sound by address, a voice that is made, a preset voice: each is accepted and ends with addresses."""
    async with calling() as caller:
        presets = (await caller.call("GET", "/avatar/voice?language=en", headers=BEARER)).json["data"]["audio_list"]
        chosen = {name: presets[0][name] for name in ("voice_engine_id", "audio_id", "language")}
        for way in ({"audio_url": AVATAR}, {"create_voice": MADE}, {"use_voice": {**chosen, "text": "Hi"}}):
            assert (await caller.work({"avatar_url": AVATAR, **way}))["work_video_path"]


async def test_a_made_voice_can_be_used() -> None:
    """`animate_params_str` names a voice of its own for each task, and `use_voice` takes it, in a later sandbox too."""
    async with calling() as caller:
        first, second = [voice_of(await caller.work(spoken(text))) for text in ("One", "Two")]
        assert len({*first.values(), *second.values()}) == 4
    async with calling() as later:
        voice = {**first, "language": "en", "text": "Hi"}
        assert voice_of(await later.work({"avatar_url": AVATAR, "use_voice": voice})) == first
        mixed = {**voice, "audio_id": second["audio_id"]}
        assert (await later.create({"avatar_url": AVATAR, "use_voice": mixed})).status == 400
    async with calling(lenient=True) as lenient:
        assert await lenient.work({"avatar_url": AVATAR, "use_voice": VOICE})


def voice_of(work: Any) -> dict[str, str]:
    """The voice that the result names."""
    (facts,) = json.loads(work["animate_params_str"])["pt_infos"]
    return {name: facts[name] for name in ("voice_engine_id", "audio_id")}


@pytest.mark.parametrize(
    ("query", "languages"), [("?language=en", {"en"}), ("?language=zh", {"zh"}), ("", {"en", "zh"})]
)
async def test_voices_are_listed(query: str, languages: set[str]) -> None:
    """The list has the documented fields, for one language or both."""
    async with calling() as caller:
        voices = (await caller.call("GET", f"/avatar/voice{query}", headers=BEARER)).json["data"]["audio_list"]
        assert {voice["language"] for voice in voices} == languages
        assert all(voice["voice_engine_id"] and voice["audio_id"] and voice["labels"] for voice in voices)
        assert (await caller.call("GET", "/avatar/voice?language=fr", headers=BEARER)).status == 400


@pytest.mark.parametrize(
    ("options", "headers", "status"),
    [
        ({}, {}, 401),
        ({}, {"Authorization": "Basic abc"}, 401),
        ({}, {"Authorization": "Bearer anything"}, 200),
        ({"credential": "right"}, {"Authorization": "Bearer right"}, 200),
        ({"credential": "right"}, {"Authorization": "Bearer wrong"}, 401),
        ({"require_credential": False}, {}, 200),
    ],
)
async def test_credentials(options: dict[str, Any], headers: dict[str, str], status: int) -> None:
    """A token must be there, and be the right one if one is set; an embedded sandbox wants none. A 401 has the gateway's shape."""
    async with calling(**options) as caller:
        got = await caller.create(spoken("Hello"), headers=headers)
        voices = await caller.call("GET", "/avatar/voice", headers=headers)
        question = await caller.call("GET", "/avatar/task/unknown", headers=headers)
        assert (got.status, voices.status, question.status) == (status, status, 401 if status == 401 else 400)
        if status == 401:
            assert got.json["error"]["type"] == "new_api_error"


async def test_unknown_tasks_and_paths() -> None:
    """An unknown task is a 400 (not 404), an unknown path a 404 in the gateway's words."""
    async with calling() as caller:
        unknown = await caller.poll("0" * 32)
        assert (unknown.status, unknown.json["code"]) == (400, "task_not_exist")
        path = await caller.call("GET", "/v1/nothing", headers=BEARER)
        assert (path.status, "Invalid URL" in path.json["error"]["message"]) == (404, True)


async def test_a_task_runs_through_its_statuses() -> None:
    """Statuses only go forward, from before the work to success, with rising progress; addresses come at the end."""
    async with calling(task_s=0.4) as caller:
        task_id = await caller.task(spoken("Hello"))
        seen: list[tuple[str, int]] = []
        while not seen or seen[-1][0] != "SUCCESS":
            envelope = (await caller.poll(task_id)).json["data"]
            seen.append((envelope["status"], int(envelope["progress"].rstrip("%"))))
            is_done = envelope["status"] == "SUCCESS"
            assert bool(envelope["data"] and envelope["data"]["work_video_path"]) == is_done
            await asyncio.sleep(0.01)
        order = ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"]
        assert list(dict(seen)) == [status for status in order if status in dict(seen)]
        assert {"QUEUED", "IN_PROGRESS"} < set(dict(seen))
        assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)


async def test_the_addresses_follow_the_watermark() -> None:
    """Without a watermark there are a clean and a marked file; with one, the clean address is empty."""
    async with calling() as caller:
        clean = await caller.work(spoken("Hi", no_watermark=True))
        assert clean["work_video_path"] == clean["no_wm_work_video_path"] != clean["wm_work_video_path"]
        marked = await caller.work(spoken("Hi", no_watermark=False))
        assert (marked["work_video_path"], marked["no_wm_work_video_path"]) == (marked["wm_work_video_path"], "")
        files = [(await caller.fetch(clean[f"{name}work_video_path"])).body for name in ("", "wm_")]
        assert files[0] != files[1]


async def test_jitter_makes_tasks_last_differently() -> None:
    """Tasks of no time at all take up to a thousand seconds with that much jitter, and each takes its own."""
    async with calling(task_s=0.0, task_jitter_s=1000.0) as caller:
        tasks = [caller.sandbox.tasks.get(await caller.task(spoken(f"Hello {number}"))) for number in range(5)]
        assert len({task.duration_s for task in tasks if task and 0 < task.duration_s <= 1000}) == 5


async def test_twenty_tasks_give_twenty_different_videos() -> None:
    """Tasks of different texts, made at once, are all playable and all different; the sandbox answers while it draws."""
    async with calling() as caller:
        addresses = [await caller.address(spoken(f"Hello number {number}")) for number in range(20)]
        slowest_s = 0.0

        async def watch() -> None:
            nonlocal slowest_s
            loop = asyncio.get_running_loop()
            while True:
                before = loop.time()
                await caller.call("GET", "/_sandbox/health")
                slowest_s = max(slowest_s, loop.time() - before)

        watching = asyncio.create_task(watch())
        films = [got.body for got in await asyncio.gather(*map(caller.fetch, addresses))]
        watching.cancel()
        assert len(set(films)) == 20
        for content in films:
            with av.open(io.BytesIO(content), "r") as container:
                assert next(container.decode(video=0)).width == 320
        assert 0 < slowest_s < 0.5


async def test_one_film_for_all() -> None:
    """For measurements all tasks share one video."""
    async with calling(one_film=True) as caller:
        films = {(await caller.fetch(await caller.address(spoken(text)))).body for text in ("One", "Two")}
        assert len(films) == 1


async def test_no_more_tasks_at_once_than_allowed() -> None:
    """The third task of two is refused as saturated, and accepted when one has ended."""
    async with calling(task_s=0.3, max_in_flight=2) as caller:
        statuses = [(await caller.create(spoken(f"Hello {number}"))).status for number in range(3)]
        assert statuses == [200, 200, 429]
        await asyncio.sleep(0.32)
        assert (await caller.create(spoken("Hello 2"))).status == 200
        assert caller.sandbox.ledger.max_in_flight == 2
        assert caller.sandbox.ledger.of("create")[2]["fault"] == "max_in_flight"


async def test_no_more_creates_a_minute_than_allowed() -> None:
    """The fourth create of three a minute is a 429 with an empty body."""
    async with calling(requests_per_minute=3) as caller:
        got = [await caller.create(spoken(f"Hello {number}")) for number in range(4)]
        assert [one.status for one in got] == [200, 200, 200, 429]
        assert got[3].body == b""


async def test_a_request_id_comes_with_a_refusal() -> None:
    """The header holds the id that the message names."""
    async with calling() as caller:
        got = await caller.create(spoken("sandbox:refuse"))
        assert got.headers["X-Oneapi-Request-Id"] in got.json["message"]
