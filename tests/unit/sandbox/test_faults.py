"""Each kind of fault does what the table says, seen by a real client."""

from __future__ import annotations

import asyncio
import gzip
import io
import time
from typing import Any

import aiohttp
import av
import pytest

from runner.sandbox import film
from runner.sandbox.faults import TABLE, Stage
from tests.unit.sandbox.caller import Caller, calling, spoken

REFUSALS: dict[str, tuple[int, str]] = {
    "refuse": (400, "invalid_request"),
    "policy": (400, "sensitive_words_detected"),
    "too-large": (413, "request_body_too_large"),
    "key": (401, "无效的令牌"),
    "forbidden": (403, "access_denied"),
    "quota-402": (402, "insufficient_balance"),
    "quota-403": (403, "insufficient_user_quota"),
    "quota-key": (403, "pre_consume_token_quota_failed"),
    "quota-200-cn": (200, "用户额度不足"),
    "429": (429, ""),
    "429-empty": (429, ""),
    "saturated": (429, "当前分组上游负载已饱和"),
    "saturated-500": (500, "当前分组上游负载已饱和"),
    "no-channel": (503, "model_not_found"),
    "503": (503, "<html>"),
    "500": (500, "do_request_failed"),
    "redirect-post": (307, ""),
}
LOST: dict[str, type[Exception]] = {
    "reset": aiohttp.ClientOSError,
    "eof": aiohttp.ServerDisconnectedError,
    "silence": TimeoutError,
    "garbage": aiohttp.ClientResponseError,
    "half-reply": aiohttp.ClientPayloadError,
}
REPLIES: dict[str, tuple[int, str]] = {
    "500-accepted": (500, "fail_to_fetch_task"),
    "502-accepted": (502, "<html>"),
    "no-id": (200, '"data": ""'),
    "id-in-object": (200, '"data": {"task_id": "'),
    "id-at-top": (200, '{"id": "'),
    "slow": (200, '"data": "'),
}
ENDINGS: dict[str, tuple[int, str]] = {
    "timeout-generation": (-2, "timed out"),
    "no-money": (-3, "积分不足"),
    "moderated": (-101, "nudity"),
    "moderated-text": (-102, "敏感词"),
}
QUESTIONS: dict[str, tuple[int, str]] = {
    "poll-500": (500, "fail_to_fetch_task"),
    "poll-429": (429, ""),
    "poll-429-empty": (429, ""),
    "poll-502": (502, "<html>"),
    "poll-key": (401, "无效的令牌"),
    "poll-unknown": (400, "task_not_exist"),
    "poll-garbage": (200, "<html>"),
    "unknown-status": (200, "REVIEWING"),
}
REPLACED: dict[str, tuple[int, bytes]] = {
    "cdn-404": (404, b"<html>"),
    "cdn-500": (500, b"<html>"),
    "html-200": (200, b"<html>"),
    "redirect-private": (302, b""),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refused_create_makes_no_task_and_passes_after_its_count(kind: str) -> None:
    """A refusal has its status and words, and makes no task; with `@1` the second try of the same body is accepted."""
    async with calling() as caller:
        got = await caller.create(spoken(f"sandbox:{kind}@1"))
        status, words = REFUSALS[kind]
        assert (got.status, caller.accepted()) == (status, 0)
        assert words in got.body.decode()
        assert caller.sandbox.ledger.of("create")[0]["fault"] == kind
        assert (await caller.create(spoken(f"sandbox:{kind}@1"))).json["code"] == "success"
        assert caller.accepted() == 1


@pytest.mark.parametrize("kind", LOST)
async def test_a_lost_reply_leaves_a_real_task(kind: str) -> None:
    """The client learns nothing, and the ledger has the create as accepted, with a task that can be asked for."""
    async with calling() as caller:
        with pytest.raises(LOST[kind]):
            await caller.create(spoken(f"sandbox:{kind}"), timeout=aiohttp.ClientTimeout(total=0.3))
        (entry,) = caller.sandbox.ledger.of("create")
        assert (entry["accepted"], entry["fault"]) == (True, kind)
        assert (await caller.poll(entry["task_id"])).json["data"]["status"] == "SUCCESS"


@pytest.mark.parametrize("kind", REPLIES)
async def test_an_odd_reply_belongs_to_a_real_task(kind: str) -> None:
    """The reply is as the table says, and the create is accepted."""
    async with calling() as caller:
        got = await caller.create(spoken(f"sandbox:{kind}=0" if kind == "slow" else f"sandbox:{kind}"))
        status, words = REPLIES[kind]
        assert (got.status, caller.accepted()) == (status, 1)
        assert words in got.body.decode()


async def test_a_slow_reply_takes_the_seconds_that_were_asked_for() -> None:
    """`slow=0.3` takes 0.3 s."""
    async with calling() as caller:
        before = time.monotonic()
        await caller.create(spoken("sandbox:slow=0.3"))
        assert 0.3 <= time.monotonic() - before < 2


async def test_a_number_after_429_is_a_retry_after() -> None:
    """`429=3` says Retry-After: 3, and plain 429 says none."""
    async with calling() as caller:
        assert (await caller.create(spoken("sandbox:429=3"))).headers["Retry-After"] == "3"
        assert "Retry-After" not in (await caller.create(spoken("sandbox:429"))).headers


async def test_a_failed_task_has_a_reason_and_no_inner_object() -> None:
    """`fail` ends as the documents' example does."""
    async with calling() as caller:
        envelope = (await caller.poll(await caller.task(spoken("sandbox:fail")))).json["data"]
        assert (envelope["status"], envelope["fail_reason"], envelope["data"]) == ("FAILURE", "no face found", None)
        flat = (await caller.poll(await caller.task(spoken("sandbox:fail sandbox:shape-flat")))).json
        assert (flat["web_work_status"], flat["work_video_path"]) == (-1, "")


@pytest.mark.parametrize("kind", ENDINGS)
async def test_a_task_ends_badly(kind: str) -> None:
    """The end is in the inner status and in the envelope's reason, and there is no address."""
    async with calling() as caller:
        envelope = (await caller.poll(await caller.task(spoken(f"sandbox:{kind}")))).json["data"]
        work_status, reason = ENDINGS[kind]
        assert (envelope["status"], envelope["data"]["web_work_status"]) == ("FAILURE", work_status)
        assert reason in envelope["fail_reason"]
        assert envelope["data"]["work_video_path"] == ""


async def test_a_task_takes_as_long_as_asked() -> None:
    """`task-s=0.3` runs on at first and is done after 0.3 s."""
    async with calling() as caller:
        task_id = await caller.task(spoken("sandbox:task-s=0.3"))
        assert (await caller.poll(task_id)).json["data"]["status"] != "SUCCESS"
        await asyncio.sleep(0.32)
        assert (await caller.poll(task_id)).json["data"]["status"] == "SUCCESS"


async def test_a_video_lasts_as_long_as_asked() -> None:
    """`lasts-s=4` gives a video of four seconds."""
    async with calling() as caller:
        got = await caller.fetch(await caller.address(spoken("sandbox:lasts-s=4")))
        with av.open(io.BytesIO(got.body), "r") as container:
            assert (container.duration or 0) / 1_000_000 == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "path"), [("shape-flat", ()), ("shape-data", ("data",)), ("shape-data-data", ("data", "data"))]
)
async def test_shapes_by_word_and_by_option(kind: str, path: tuple[str, ...]) -> None:
    """The inner object is wrapped as often as the word, or the option, says."""
    option = kind.removeprefix("shape-").replace("-", ".")
    by_word: dict[str, Any] = {}
    for words, options in ((f"sandbox:{kind}", by_word), ("Hello", {"shape": option})):
        async with calling(**options) as caller:
            found: Any = (await caller.poll(await caller.task(spoken(words)))).json
            for step in path:
                found = found[step]
            assert found["web_work_status"] == 200


async def test_the_fail_reason_trap() -> None:
    """A success may carry its address in `fail_reason`."""
    async with calling() as caller:
        envelope = (await caller.poll(await caller.task(spoken("sandbox:url-in-fail-reason")))).json["data"]
        assert envelope["status"] == "SUCCESS"
        assert envelope["fail_reason"] == envelope["data"]["work_video_path"] != ""


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_a_question_goes_wrong_as_often_as_asked(kind: str) -> None:
    """The first question is answered as the table says, the second well."""
    async with calling() as caller:
        task_id = await caller.task(spoken(f"sandbox:{kind}@1"))
        got = await caller.poll(task_id)
        status, words = QUESTIONS[kind]
        assert got.status == status
        assert words in got.body.decode()
        assert (await caller.poll(task_id)).json["data"]["status"] == "SUCCESS"
        assert [entry["fault"] for entry in caller.sandbox.ledger.of("poll")] == [kind, None]


async def test_a_question_is_reset() -> None:
    """`poll-reset` resets the connection (a client may hide the first by trying again, so all are reset)."""
    async with calling() as caller:
        task_id = await caller.task(spoken("sandbox:poll-reset"))
        with pytest.raises(aiohttp.ClientConnectionError):
            await caller.poll(task_id)


async def test_a_success_without_address() -> None:
    """`no-address@1` withholds the address once."""
    async with calling() as caller:
        task_id = await caller.task(spoken("sandbox:no-address@1"))
        first, second = [(await caller.poll(task_id)).json["data"]["data"] for _ in range(2)]
        assert (first["web_work_status"], first["work_video_path"]) == (200, "")
        assert second["work_video_path"]


async def test_an_expired_address_is_refused_and_a_fresh_one_works() -> None:
    """`expired-url@1` hands out an address that gives 403, then one that works."""
    async with calling() as caller:
        task_id = await caller.task(spoken("sandbox:expired-url@1"))
        first, second = [(await caller.poll(task_id)).json["data"]["data"]["work_video_path"] for _ in range(2)]
        assert (await caller.fetch(first)).status == 403
        assert (await caller.fetch(second)).status == 200


@pytest.mark.parametrize("kind", REPLACED)
async def test_something_else_is_served(kind: str) -> None:
    """The CDN answers something else once, and then the file."""
    async with calling() as caller:
        address = await caller.address(spoken(f"sandbox:{kind}@1"))
        got = await caller.fetch(address)
        status, beginning = REPLACED[kind]
        assert got.status == status
        assert got.body.startswith(beginning)
        assert (await caller.fetch(address)).headers["Content-Type"] == "video/mp4"
        assert [entry["faults"] for entry in caller.sandbox.ledger.of("cdn")] == [[kind], []]


async def test_redirects() -> None:
    """One redirect leads to the file, the other to an address that nobody may follow."""
    async with calling() as caller:
        first = await caller.fetch(await caller.address(spoken("sandbox:redirect")))
        assert first.status == 302
        assert plays((await caller.fetch(caller.sandbox.cdn_origin + first.headers["Location"])).body)
        private = await caller.fetch(await caller.address(spoken("sandbox:redirect-private")))
        assert private.headers["Location"].startswith("http://169.254.169.254/")


@pytest.mark.parametrize("kind", ["damaged", "truncated"])
async def test_a_spoilt_file_comes_whole_and_does_not_play(kind: str) -> None:
    """The length is what the header says, and the bytes do not decode to the end."""
    async with calling() as caller:
        got = await caller.fetch(await caller.address(spoken(f"sandbox:{kind}")))
        assert (got.status, int(got.headers["Content-Length"])) == (200, len(got.body))
        assert not plays(got.body)


async def test_a_dropped_delivery_is_completed_by_ranges() -> None:
    """Each reply drops in the middle; ranges bring the whole file home nevertheless."""
    async with calling() as caller:
        address = await caller.address(spoken("sandbox:cdn-drop"))
        received, is_whole, replies = b"", False, 0
        while not is_whole and replies < 10:
            received, is_whole = await continued(caller, address, received)
            replies += 1
        assert (is_whole, replies > 2) == (True, True)
        (entry,) = caller.sandbox.ledger.of("create")
        assert received == film.video(film.Scene("sandbox:cdn-drop", entry["task_id"]))


async def test_a_slow_delivery_takes_its_time() -> None:
    """`cdn-slow=100000` needs about 0.4 s for 40 kB."""
    async with calling() as caller:
        address = await caller.address(spoken("sandbox:cdn-slow=100000"))
        before = time.monotonic()
        got = await caller.fetch(address)
        assert time.monotonic() - before >= len(got.body) / 100_000 * 0.9
        assert plays(got.body)


async def test_a_changing_file_makes_ranges_void() -> None:
    """Another length and ETag each time: a range with the old ETag gets the whole new file, which plays."""
    async with calling() as caller:
        address = await caller.address(spoken("sandbox:cdn-changed"))
        first = await caller.fetch(address)
        second = await caller.fetch(address, Range="bytes=100-", **{"If-Range": first.headers["ETag"]})
        assert (second.status, len(second.body) != len(first.body)) == (200, True)
        assert plays(second.body)


async def test_a_server_without_ranges() -> None:
    """A range gets 200 and everything."""
    async with calling() as caller:
        got = await caller.fetch(await caller.address(spoken("sandbox:no-range")), Range="bytes=100-")
        assert (got.status, "Accept-Ranges" in got.headers) == (200, False)
        assert plays(got.body)


async def test_a_content_encoding_that_nobody_asked_for() -> None:
    """The file comes as gzip."""
    async with calling() as caller:
        got = await caller.fetch(await caller.address(spoken("sandbox:cdn-gzip")))
        assert got.headers["Content-Encoding"] == "gzip"
        assert plays(gzip.decompress(got.body))


async def test_faults_by_rate() -> None:
    """With a rate of 1 every create is struck without any word."""
    async with calling(faults={"quota-403": 1.0}) as caller:
        assert [(await caller.create(spoken("Hello"))).status for _ in range(3)] == [403, 403, 403]


async def test_an_unknown_word_is_refused_with_the_list() -> None:
    """A word that does not exist is no silent success: the refusal names all that do."""
    async with calling() as caller:
        got = await caller.create(spoken("sandbox:explode"))
        assert got.status == 400
        assert all(word in got.json["message"] for word in ("explode", "reset", "quota-200-cn"))


async def test_every_kind_is_tried_here() -> None:
    """No kind that the digital human plays without a test above."""
    by_table = {*REFUSALS, *LOST, *REPLIES, *ENDINGS, *QUESTIONS, *REPLACED}
    alone = {
        "fail",
        "task-s",
        "shape-flat",
        "shape-data",
        "shape-data-data",
        "url-in-fail-reason",
        "poll-reset",
        "lasts-s",
    }
    alone |= {"no-address", "expired-url", "redirect", "damaged", "truncated", "cdn-drop", "cdn-slow", "cdn-changed"}
    async with calling() as caller:
        got = await caller.create(spoken("sandbox:explode"))
        own = set(got.json["message"].partition("there are ")[2].partition(" (request id")[0].split(", "))
    assert by_table | alone | {"no-range", "cdn-gzip"} == own
    assert {kind for kind in own if TABLE[kind].stage is Stage.REFUSAL} == set(REFUSALS)


async def continued(caller: Caller, address: str, received: bytes) -> tuple[bytes, bool]:
    """Ask for the rest: what is there afterwards, and whether the reply came whole."""
    headers = {"Range": f"bytes={len(received)}-"} if received else {}
    async with caller.session.get(address, headers=headers) as response:
        assert response.status == (206 if received else 200)
        try:
            async for piece in response.content.iter_any():
                received += piece
        except aiohttp.ClientPayloadError:
            return received, False
    return received, True


def plays(content: bytes) -> bool:
    """Whether every frame that a video of the sandbox has can be decoded."""
    try:
        with av.open(io.BytesIO(content), "r") as container:
            return sum(1 for _ in container.decode(video=0)) >= 21
    except av.FFmpegError:
        return False
