"""Unified video and OpenAI's form on loopback: what they take, how their tasks go on and end, and where results stand."""

from __future__ import annotations

import asyncio
import io
from base64 import b64encode
from functools import reduce
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import pytest
from PIL import Image

from runner.sandbox.faults import ADDRESS_PLACES, TABLE, Stage
from tests.unit.sandbox.caller import BEARER, Caller, Got, calling

if TYPE_CHECKING:
    from pathlib import Path

CREATE = {"unified": "/v1/video/create", "openai": "/v1/videos"}
ASKED = {"model": "grok-video-3", "prompt": "a paper boat"}
RECEIPTS: dict[str, tuple[str | int, ...]] = {
    "id-in-object": ("data", "task_id"),
    "id-in-data": ("data", "id"),
    "id-in-envelope": ("data", "id"),
    "id-as-task-id": ("task_id",),
    "id-as-data": ("data",),
}
PLACES: dict[str, tuple[str | int, ...]] = {
    "in-video-url": ("video_url",),
    "in-url": ("url",),
    "in-data-video-url": ("data", "video_url"),
    "in-data-url": ("data", "url"),
    "in-data-output": ("data", "output"),
    "in-data-result-url": ("data", "result_url"),
    "in-data-result-urls": ("data", "result_urls", 0),
    "in-data-list": ("data", 0, "url"),
    "in-metadata": ("metadata", "url"),
    "in-detail": ("detail", "video_url"),
}
ENDINGS = {
    "fail": ("failed", "generation failed"),
    "timeout-generation": ("video_generation_failed", "timed out"),
    "no-money": ("failed", "余额不足"),
    "moderated": ("failed", "output_moderation"),
    "moderated-text": ("error", "prompt_moderation"),
    "cancelled": ("cancelled", "cancelled"),
    "expired": ("expired", "expired"),
    "upsampling-failed": ("video_upsampling_failed", "upsampling failed"),
}
REFUSALS = {"refuse": 400, "policy": 400, "too-large": 413, "key": 401, "forbidden": 403, "quota-402": 402, "quota-403": 403,
            "quota-key": 403, "quota-200-cn": 200, "429": 429, "429-empty": 429, "saturated": 429, "saturated-500": 500,
            "no-channel": 503, "503": 503, "500": 500, "redirect-post": 307}  # fmt: skip
ACCEPTED = {"500-accepted": 500, "502-accepted": 502, "no-id": 200, "slow": 200}
LOST = {"reset", "eof", "silence", "garbage", "half-reply"}
QUESTIONS = {"poll-500": 500, "poll-502": 502, "poll-429": 429, "poll-429-empty": 429, "poll-key": 401, "poll-unknown": 400,
             "poll-garbage": 200, "unknown-status": 200}  # fmt: skip
WALKS = {
    "walk-relay": ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"],
    "walk-newer": ["queued", "running", "succeeded"],
    "walk-veo": ["pending", "image_downloading", "video_generating", "video_generation_completed", "video_upsampling",
                 "video_upsampling_completed", "completed"],
}  # fmt: skip


def asking(words: str, **more: Any) -> dict[str, Any]:
    """A body whose prompt holds these words."""
    return {**ASKED, "prompt": words, **more}


async def create(caller: Caller, body: Any, form: str = "unified", **options: Any) -> Got:
    """A create."""
    return await caller.call("POST", CREATE[form], **{"json": body, "headers": BEARER, **options})


async def poll(caller: Caller, task_id: str) -> Got:
    """One question about a task, in the form that its id belongs to."""
    if task_id.startswith("video_"):
        return await caller.call("GET", f"/v1/videos/{task_id}", headers=BEARER)
    return await caller.call("GET", "/v1/video/query", params={"id": task_id}, headers=BEARER)


async def task(caller: Caller, body: Any, form: str = "unified") -> str:
    """A create that is accepted: its task id."""
    return str((await create(caller, body, form)).json["id"])


async def ended(caller: Caller, body: Any, form: str = "unified") -> Any:
    """The task of a create, as it stands at its end (the sandbox's tasks must take no time)."""
    return (await poll(caller, await task(caller, body, form))).json


def at(body: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path."""
    return reduce(lambda found, step: found[step], path, body)


def length_of(content: bytes) -> float:
    """Seconds of a video."""
    with av.open(io.BytesIO(content), "r") as container:
        assert container.streams.video
        return (container.duration or 0) / 1_000_000


@pytest.mark.parametrize("form", CREATE)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "a boat"}, "model is required"),
        ({"model": "veo3.1", "prompt": " "}, "prompt is required"),
        ({**ASKED, "images": [7]}, "images must be addresses"),
        ({**ASKED, "seconds": "long"}, "the length must be"),
        ({**ASKED, "duration": -1}, "the length must be"),
        ({**ASKED, "input_reference": b64encode(b"a boat").decode()}, "input_reference is no picture"),
        ([], "neither a JSON object nor a form"),
    ],
)
async def test_wrong_inputs_are_refused(form: str, body: Any, words: str) -> None:
    """A 400 of the task relay, and no task."""
    async with calling() as caller:
        got = await create(caller, body, form)
        assert (got.status, got.json["code"], caller.accepted()) == (400, "invalid_request", 0)
        assert words in got.json["message"]


async def test_sora_wants_a_size() -> None:
    """As a real gateway complains; a sandbox inside a run does not."""
    body = {"model": "sora-2", "prompt": "a boat"}
    async with calling() as caller:
        assert "size is required for sora-2" in (await create(caller, body)).json["message"]
        assert (await create(caller, {**body, "size": "small"})).status == 200
    async with calling(lenient=True) as caller:
        assert (await create(caller, body)).status == 200


async def test_any_model_with_any_fields_is_taken() -> None:
    """Models are an open set; fields that no document lists are taken and booked."""
    async with calling() as caller:
        found = await ended(caller, {**ASKED, "model": "some/new:model", "seed": 7})
        assert found["id"].startswith("some/new:model:task_")
        assert caller.sandbox.ledger.of("create")[0]["unknown_fields"] == ["seed"]
        assert (await caller.fetch(found["video_url"])).status == 200


async def test_the_unified_form_is_the_documented_one() -> None:
    """Id with the model, milliseconds, no address while it runs, `detail` with the inputs; then the address of a video that plays."""
    async with calling(task_s=0.3) as caller:
        begun = (await create(caller, asking("a boat", size="small", duration=6))).json
        assert (begun["status"], begun["status_update_time"] > 10**12) == ("pending", True)
        running = (await poll(caller, begun["id"])).json
        assert ("video_url" in running, running["detail"]["input"]["size"]) == (False, "small")
        assert running["detail"]["pending_info"]["progress_pct"] < 1
        await asyncio.sleep(0.32)
        done = (await poll(caller, begun["id"])).json
        assert (done["status"], done["id"]) == ("completed", begun["id"])
        assert length_of((await caller.fetch(done["video_url"])).body) == pytest.approx(6, abs=0.15)


async def test_veo_answers_in_its_own_way() -> None:
    """`enhanced_prompt` and `detail.req`, as veo's gateways show them."""
    async with calling() as caller:
        found = await ended(caller, {"model": "veo3.1-fast", "prompt": "a boat", "enhance_prompt": True})
        assert (found["enhanced_prompt"], found["detail"]["req"]["model"]) == ("a boat", "veo3.1-fast")
        assert found["detail"]["running"] is False


@pytest.mark.parametrize("kind", WALKS)
async def test_statuses_are_walked_through(kind: str) -> None:
    """A task has every status of its walk in order, and the address with the last."""
    times = 60
    async with calling(task_s=0.6) as caller:
        task_id, seen, addresses = await task(caller, asking(f"sandbox:{kind}")), [""], set()
        for _ in range(times):
            found = (await poll(caller, task_id)).json
            seen.append(found["status"])
            addresses.add((found["status"], bool(found.get("video_url"))))
            if found.get("video_url"):
                break
            await asyncio.sleep(0.015)
        walk = list(dict.fromkeys(seen[1:]))
        assert walk == [status for status in WALKS[kind] if status in walk]
        assert (walk[-1], len(walk) > 2) == (WALKS[kind][-1], True)
        assert {status for status, has_address in addresses if has_address} == {WALKS[kind][-1]}


@pytest.mark.parametrize(
    ("more", "steps"),
    [({}, 4), ({"images": ["https://cdn.example.com/a.png"]}, 5), ({"enable_upsample": True}, 6)],
    ids=["plain", "pictures", "upsampling"],
)
async def test_veo_does_what_it_is_asked_to(more: Any, steps: int) -> None:
    """Pictures and upsampling add their statuses, in as many equal parts of the task's time."""
    async with calling(task_s=1.0) as caller:
        task_id, seen = await task(caller, {"model": "veo3.1", "prompt": "a boat", **more}), []
        while "completed" not in seen:
            seen.append((await poll(caller, task_id)).json["status"])
            await asyncio.sleep(0.02)
        assert len(dict.fromkeys(seen)) == steps


@pytest.mark.parametrize("kind", PLACES)
async def test_the_address_stands_where_it_is_asked_to(kind: str) -> None:
    """Any of the documented places, in both forms, and nowhere else; it leads to the video."""
    async with calling() as caller:
        for form in CREATE:
            found = await ended(caller, asking(f"sandbox:{kind}"), form)
            assert (await caller.fetch(at(found, PLACES[kind]))).status == 200
            assert str(found).count("/cdn/") == 1


@pytest.mark.parametrize("kind", RECEIPTS)
async def test_the_id_stands_where_it_is_asked_to(kind: str) -> None:
    """Any of the documented places; it is the task's."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}"))
        assert (await poll(caller, at(got.json, RECEIPTS[kind]))).json["status"] == "completed"


@pytest.mark.parametrize("form", CREATE)
@pytest.mark.parametrize("kind", ENDINGS)
async def test_a_task_ends_badly(kind: str, form: str) -> None:
    """The gateway's word and its reason; no address."""
    async with calling() as caller:
        found = await ended(caller, asking(f"sandbox:{kind}"), form)
        status, reason = ENDINGS[kind]
        assert (found["status"], found.get("video_url")) == (status, None)
        assert reason in str(found)


async def test_the_video_before_upsampling_failed_is_there() -> None:
    """A failed upsampling may leave the video of the step before."""
    async with calling() as caller:
        found = await ended(caller, asking("sandbox:upsampling-failed-with-video"))
        assert (found["status"], (await caller.fetch(found["video_url"])).status) == ("video_upsampling_failed", 200)


async def test_recorded_oddities_of_the_unified_form() -> None:
    """Another id in the answer, seconds, a progress as text, the address in `fail_reason`, no address at first."""
    async with calling() as caller:
        task_id = await task(caller, asking("sandbox:other-id sandbox:times-in-seconds sandbox:progress-text"))
        found = (await poll(caller, task_id)).json
        assert (found["id"] != task_id, found["status_update_time"] < 10**11, found["progress"]) == (True, True, "100%")
        found = await ended(caller, asking("sandbox:url-in-fail-reason"))
        assert found["fail_reason"] == found["video_url"]
        late = await task(caller, asking("sandbox:no-address@1"))
        assert [bool((await poll(caller, late)).json["video_url"]) for _ in range(2)] == [False, True]
        stale = await task(caller, asking("sandbox:expired-url@1"))
        addresses = [(await poll(caller, stale)).json["video_url"] for _ in range(2)]
        assert [(await caller.fetch(address)).status for address in addresses] == [403, 200]


@pytest.mark.parametrize("form", CREATE)
@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refused_create_makes_no_task(kind: str, form: str) -> None:
    """A refusal has its status and makes no task; with `@1` the second try of the same body is accepted."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}@1"), form)
        assert (got.status, caller.accepted()) == (REFUSALS[kind], 0)
        assert (await create(caller, asking(f"sandbox:{kind}@1"), form)).json["id"]


@pytest.mark.parametrize("kind", ACCEPTED)
async def test_an_odd_reply_belongs_to_a_real_task(kind: str) -> None:
    """The reply is as the table says, and the create is accepted."""
    async with calling() as caller:
        got = await create(caller, asking(f"sandbox:{kind}=0"))
        assert (got.status, caller.accepted()) == (ACCEPTED[kind], 1)
        assert kind != "no-id" or got.json["id"] == ""


@pytest.mark.parametrize("kind", sorted(LOST))
async def test_a_lost_reply_leaves_a_real_task(kind: str) -> None:
    """The client learns nothing, and the ledger has a task that can be asked for."""
    async with calling() as caller:
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await create(caller, asking(f"sandbox:{kind}"), timeout=aiohttp.ClientTimeout(total=0.3))
        (entry,) = caller.sandbox.ledger.of("create")
        assert (await poll(caller, entry["task_id"])).json["status"] == "completed"


@pytest.mark.parametrize("form", CREATE)
@pytest.mark.parametrize("kind", QUESTIONS)
async def test_a_question_goes_wrong_as_often_as_asked(kind: str, form: str) -> None:
    """The first question is answered as the table says, the second well."""
    async with calling() as caller:
        task_id = await task(caller, asking(f"sandbox:{kind}@1"), form)
        got = await poll(caller, task_id)
        assert got.status == QUESTIONS[kind]
        assert kind != "unknown-status" or got.json["status"] == "reviewing"
        assert (await poll(caller, task_id)).json["status"] == "completed"


@pytest.mark.parametrize(
    "path", ["/v1/video/query?id=unknown", "/v1/video/query", "/v1/videos/unknown", "/v1/videos/unknown/content"]
)
async def test_unknown_tasks(path: str) -> None:
    """An id that nobody gave is a 400 task_not_exist, as new-api says it."""
    async with calling() as caller:
        got = await caller.call("GET", path, headers=BEARER)
        assert (got.status, got.json["code"]) == (400, "task_not_exist")


async def test_openais_form_is_the_documented_one() -> None:
    """Queued, in progress, completed; the length as text; no address, and the bytes for the holder of the key alone, by ranges too."""
    async with calling(task_s=0.2) as caller:
        begun = (await create(caller, asking("a boat", seconds="4", size="1280x720"), "openai")).json
        assert (begun["object"], begun["status"], begun["seconds"]) == ("video", "queued", "4")
        path = f"/v1/videos/{begun['id']}/content"
        assert (await caller.call("GET", path, headers=BEARER)).status == 400
        await asyncio.sleep(0.22)
        done = (await poll(caller, begun["id"])).json
        assert (done["status"], done["progress"], done["size"], done["error"]) == ("completed", 100, "1280x720", None)
        assert ("/cdn/" in str(done), done["expires_at"] - done["completed_at"]) == (False, 3600)
        assert (await caller.call("GET", path)).status == 401
        whole = await caller.call("GET", path, headers=BEARER)
        assert length_of(whole.body) == pytest.approx(4, abs=0.15)
        part = await caller.call("GET", path, headers={**BEARER, "Range": "bytes=100-"})
        assert (part.status, part.body) == (206, whole.body[100:])


async def test_content_that_lies_elsewhere() -> None:
    """`content-redirect` leads to the CDN, where no key is wanted; faults of the delivery strike `/content` as well."""
    async with calling() as caller:
        task_id = await task(caller, asking("sandbox:content-redirect"), "openai")
        got = await caller.call("GET", f"/v1/videos/{task_id}/content", headers=BEARER)
        assert (got.status, (await caller.fetch(got.headers["Location"])).status) == (302, 200)
        task_id = await task(caller, asking("sandbox:cdn-500@1"), "openai")
        replies = [await caller.call("GET", f"/v1/videos/{task_id}/content", headers=BEARER) for _ in range(2)]
        assert [reply.status for reply in replies] == [500, 200]


async def test_a_form_with_a_picture(tmp_path: Path) -> None:
    """A multipart create is read like JSON: its texts, and a picture that leaves its size and digest in the books."""
    target, path = io.BytesIO(), tmp_path / "ledger.jsonl"
    Image.new("RGB", (64, 48)).save(target, "PNG")
    async with calling(ledger_path=path) as caller:
        form = aiohttp.FormData({"model": "sora-2", "prompt": "a boat", "seconds": "8"})
        form.add_field("input_reference", target.getvalue(), filename="boat.png", content_type="image/png")
        got = await caller.call("POST", "/v1/videos", data=form, headers=BEARER)
        (entry,) = caller.sandbox.ledger.of("create")
        assert (got.status, got.json["seconds"], got.json["model"]) == (200, "8", "sora-2")
        assert entry["body"]["input_reference"].startswith("sha256:")
        assert entry["measured"]["input_reference"]["width"] == 64
    async with calling(ledger_path=path) as later:
        assert (await poll(later, got.json["id"])).json["status"] == "completed"


async def test_a_form_that_is_none() -> None:
    """A body that only calls itself a form is refused."""
    async with calling() as caller:
        headers = {**BEARER, "Content-Type": "multipart/form-data; boundary=x"}
        assert (await caller.call("POST", "/v1/videos", data=b"nonsense", headers=headers)).status == 400


@pytest.mark.parametrize("form", CREATE)
async def test_every_kind_that_video_plays_is_tried_here(form: str) -> None:
    """No kind that these forms play without a test above; deliveries are the same for all APIs."""
    tried = {
        *REFUSALS,
        *ACCEPTED,
        *LOST,
        *RECEIPTS,
        *ENDINGS,
        *QUESTIONS,
        *WALKS,
        *PLACES,
        "poll-reset",
        "task-s",
        "lasts-s",
    }
    tried |= {"no-address", "expired-url", "progress-text", "upsampling-failed-with-video"}
    tried |= {"other-id", "times-in-seconds", "url-in-fail-reason"} if form == "unified" else {"content-redirect"}
    async with calling() as caller:
        got = await create(caller, asking("sandbox:explode"), form)
        played = set(got.json["message"].partition("there are ")[2].partition(" (request id")[0].split(", "))
    assert {kind for kind in played if TABLE[kind].stage is not Stage.CDN} == tried
    assert set(PLACES) == set(ADDRESS_PLACES)
