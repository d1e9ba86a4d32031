"""Kling's speech and voices on loopback: what they take and refuse, and how an avatar speaks what was recorded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import pytest

from runner.sandbox.server import Sandbox, SandboxOptions
from tests.unit.sandbox.caller import BEARER, Caller, Got, calling

if TYPE_CHECKING:
    from pathlib import Path

SPEECH = "/v1/audio/tts"
VOICES = "/v1/general/custom-voices"
PRESETS = "/v1/general/presets-voices"
AVATAR = "/v1/videos/avatar/image2video"
FACE = "https://cdn.example.com/anna.png"
WORDS = {"text": "Hello, I am Anna.", "voice_id": "oversea_male1", "voice_language": "en"}
SAMPLE = {"voice_name": "anna", "voice_url": "https://cdn.example.com/anna.mp3"}


async def post(caller: Caller, path: str, body: Any) -> Got:
    """A create."""
    return await caller.call("POST", path, json=body, headers=BEARER)


async def get(caller: Caller, path: str) -> Got:
    """A question."""
    return await caller.call("GET", path, headers=BEARER)


async def said(caller: Caller, **changes: Any) -> Any:
    """The task of a speech that was made at once, and its recording."""
    found = (await post(caller, SPEECH, {**WORDS, **changes})).json["data"]
    return found, found["task_result"]["audios"][0]


def length_of(content: bytes) -> float:
    """Seconds of a sound."""
    with av.open(io.BytesIO(content), "r") as container:
        assert container.streams.audio
        return (container.duration or 0) / 1_000_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": ""}, "text is required"),
        ({"text": "x" * 1001}, "text is required"),
        ({"text": 7}, "text is required"),
        ({"voice_id": ""}, "voice_id is required"),
        ({"voice_language": "fr"}, "voice_language must be one of"),
        ({"voice_speed": "fast"}, "voice_speed must be a number"),
        ({"voice_id": "nobody"}, "voice id not found"),
        ({"voice_language": "zh"}, "voice id not found"),
    ],
)
async def test_wrong_words_are_refused(changes: Any, words: str) -> None:
    """What the documents forbid is a 400 with code 1201, and makes no task."""
    async with calling() as caller:
        got = await post(caller, SPEECH, {**WORDS, **changes})
        assert (got.status, got.json["code"], caller.accepted()) == (400, 1201, 0)
        assert words in got.json["message"]


async def test_the_reply_has_the_recording() -> None:
    """The reply to the create says success, units, and the address of a sound that lasts as long as it says."""
    async with calling(task_s=9.0) as caller:
        found, audio = await said(
            caller, text="A sentence that takes its time, since it goes on for quite a while. " * 2
        )
        got = await caller.fetch(audio["url"])
        assert (found["task_status"], found["final_unit_deduction"], got.headers["Content-Type"]) == (
            "succeed",
            "0.05",
            "audio/mpeg",
        )
        assert 5 < float(audio["duration"]) < 12
        assert length_of(got.body) == pytest.approx(float(audio["duration"]), abs=0.15)


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 10.4), (2.0, 5.2), (9.0, 5.2), (0.1, 13.0), (1.04, 10.4)])
async def test_speed_shortens(speed: float, seconds: float) -> None:
    """160 letters take 10.4 s at the usual speed; one decimal counts, and what is out of bounds counts as the bound."""
    async with calling() as caller:
        _, audio = await said(caller, text="x" * 160, voice_speed=speed)
        assert float(audio["duration"]) == pytest.approx(seconds)


async def test_a_recording_cannot_be_asked_for_unless_it_is_asynchronous() -> None:
    """The documents have no query: 404. With the word `asynchronous` the result comes by it, after the task's time."""
    async with calling(task_s=0.0) as caller:
        found, _ = await said(caller)
        assert (await get(caller, f"{SPEECH}/{found['task_id']}")).json["code"] == 1203
        begun = (await post(caller, SPEECH, {**WORDS, "text": "sandbox:asynchronous Hello"})).json["data"]
        assert (begun["task_status"], "task_result" in begun) == ("submitted", False)
        later = (await get(caller, f"{SPEECH}/{begun['task_id']}")).json["data"]
        assert later["task_result"]["audios"][0]["id"]


async def test_results_that_are_not_there_at_once() -> None:
    """`no-address@1` and `expired-url` strike the reply itself, since there is no other answer."""
    async with calling() as caller:
        assert (await said(caller, text="sandbox:no-address@1"))[1]["url"] == ""
        assert (await caller.fetch((await said(caller, text="sandbox:expired-url"))[1]["url"])).status == 403
        failed = (await post(caller, SPEECH, {**WORDS, "text": "sandbox:fail"})).json
        assert (failed["code"], failed["data"]["task_status"], failed["data"]["task_result"]) == (0, "failed", {})


async def test_an_avatar_speaks_a_recording(tmp_path: Path) -> None:
    """An avatar takes the name of a recording, also of an earlier sandbox with the same ledger, and lasts as long."""
    path = tmp_path / "ledger.jsonl"
    async with calling(ledger_path=path) as caller:
        _, audio = await said(caller, text="x" * 80)
    async with calling(ledger_path=path) as later:
        begun = (await post(later, AVATAR, {"image": FACE, "audio_id": audio["id"]})).json["data"]
        (video,) = (await get(later, f"{AVATAR}/{begun['task_id']}")).json["data"]["task_result"]["videos"]
        assert float(video["duration"]) == float(audio["duration"]) == pytest.approx(5.2)


@pytest.mark.parametrize("lenient", [False, True])
async def test_a_recording_that_is_too_short_or_too_old_is_refused(lenient: bool) -> None:
    """Under 2 s, or more than 30 days old, an avatar refuses it; a sandbox that takes unknown names does so too."""
    times = [1_000_000.0]
    sandbox = Sandbox(SandboxOptions(task_s=0.0, lenient=lenient), now=lambda: times[0])
    await sandbox.start()
    try:
        async with calling() as other:
            caller = Caller(sandbox, other.session)
            short, fine = [(await said(caller, text=text))[1]["id"] for text in ("sandbox:lasts-s=1.9", "Hello")]
            codes = [(await post(caller, AVATAR, {"image": FACE, "audio_id": it})).json["code"] for it in (short, fine)]
            times[0] += 30 * 86_400 + 1
            aged = (await post(caller, AVATAR, {"image": FACE, "audio_id": fine})).json
        assert (codes, aged["code"], "30 days" in aged["message"]) == ([1201, 0], 1201, True)
    finally:
        await sandbox.stop()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voice_name": ""}, "voice_name is required"),
        ({"voice_name": "x" * 21}, "voice_name is required"),
        ({"voice_url": ""}, "exactly one"),
        ({"video_id": "v-1"}, "exactly one"),
        ({"voice_url": "anna.mp3"}, "must be an http(s) address"),
        ({"voice_url": "", "video_id": "v-1"}, "no such video"),
        ({"callback_url": 7}, "callback_url must be a text"),
    ],
)
async def test_wrong_voices_are_refused(changes: Any, words: str) -> None:
    """What the documents forbid is a 400 with code 1201, and makes no task."""
    async with calling() as caller:
        got = await post(caller, VOICES, {**SAMPLE, **changes})
        assert (got.status, got.json["code"], caller.accepted()) == (400, 1201, 0)
        assert words in got.json["message"]


async def test_a_voice_is_made_and_speaks() -> None:
    """A voice comes by the query, by either id; it has a sample that plays, and speech takes its name in any language."""
    async with calling(task_s=0.0) as caller:
        begun = (await post(caller, VOICES, {**SAMPLE, "external_task_id": "cs-v"})).json["data"]
        assert begun["task_status"] == "submitted"
        found = (await get(caller, f"{VOICES}/cs-v")).json["data"]
        (voice,) = found["task_result"]["voices"]
        assert (found["task_id"], voice["voice_name"]) == (begun["task_id"], "anna")
        assert length_of((await caller.fetch(voice["trial_url"])).body) > 1
        for language in ("en", "zh"):
            assert (await said(caller, voice_id=voice["voice_id"], voice_language=language))[1]["id"]


async def test_a_voice_is_taken_from_a_video() -> None:
    """The name of a video that an avatar made is taken in the place of an address."""
    async with calling(task_s=0.0) as caller:
        body = {"image": FACE, "sound_file": "https://cdn.example.com/anna.mp3"}
        begun = (await post(caller, AVATAR, body)).json["data"]["task_id"]
        (video,) = (await get(caller, f"{AVATAR}/{begun}")).json["data"]["task_result"]["videos"]
        assert (await post(caller, VOICES, {"voice_name": "anna", "video_id": video["id"]})).json["code"] == 0


async def test_own_ids_are_unique_in_the_account() -> None:
    """What names a voice cannot name an avatar as well, and finds nothing among the avatars."""
    async with calling() as caller:
        assert (await post(caller, VOICES, {**SAMPLE, "external_task_id": "cs-1"})).json["code"] == 0
        body = {"image": FACE, "sound_file": "https://cdn.example.com/anna.mp3", "external_task_id": "cs-1"}
        assert (await post(caller, AVATAR, body)).json["code"] == 1201
        assert (await get(caller, f"{AVATAR}/cs-1")).json["code"] == 1203


async def test_presets_are_listed_page_by_page() -> None:
    """Every preset stands in the list once, under a name that speech takes."""
    async with calling() as caller:
        everything = (await get(caller, PRESETS)).json["data"]
        pages = [(await get(caller, f"{PRESETS}?pageNum={page}&pageSize=3")).json["data"] for page in (1, 2, 3)]
        assert [len(page) for page in pages] == [3, 1, 0]
        assert [*pages[0], *pages[1]] == everything
        names = [task["task_result"]["voices"][0]["voice_id"] for task in everything]
        assert "oversea_male1" in names
        assert (await get(caller, f"{PRESETS}?pageSize=0")).json["code"] == 1201


async def test_a_lenient_sandbox_takes_names_it_does_not_know() -> None:
    """Inside a run, real names in a manifest must not be refused: voices, recordings, videos."""
    async with calling(lenient=True) as caller:
        assert (await said(caller, voice_id="genshin_klee2"))[1]["id"]
        assert (await post(caller, AVATAR, {"image": FACE, "audio_id": "8400000000000000001"})).json["code"] == 0
        assert (await post(caller, VOICES, {"voice_name": "anna", "video_id": "v-77"})).json["code"] == 0
