"""Kling's lists of tasks and its tokens, asked by a real client."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.sandbox.caller import BEARER, Caller, Got, calling

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/v1/videos/avatar/image2video"
SPEAKS = {"image": "https://cdn.example.com/anna.png", "sound_file": "https://cdn.example.com/anna.mp3"}


async def made(caller: Caller, *prompts: str) -> list[str]:
    """Tasks with these prompts: their ids."""
    replies = [await caller.call("POST", PATH, json={**SPEAKS, "prompt": it}, headers=BEARER) for it in prompts]
    return [reply.json["data"]["task_id"] for reply in replies]


async def listed(caller: Caller, query: str = "") -> Got:
    """One page."""
    return await caller.call("GET", PATH + query, headers=BEARER)


async def ids(caller: Caller, query: str = "") -> list[str]:
    """The ids on one page."""
    return [task["task_id"] for task in (await listed(caller, query)).json["data"]]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_hold_every_task_once(order: str) -> None:
    """Pages of two hold five tasks in order; the last one has fewer, and one beyond it none."""
    async with calling(list_order=order) as caller:
        tasks = await made(caller, "one", "two", "three", "four", "five")
        pages = [await ids(caller, f"?pageNum={page}&pageSize=2") for page in (1, 2, 3, 4)]
        in_order = tasks if order == "oldest" else tasks[::-1]
        assert pages == [in_order[:2], in_order[2:4], in_order[4:], []]
        assert await ids(caller) == in_order
        (entry, *_) = caller.sandbox.ledger.of("list")
        assert (entry["page"], entry["size"], entry["status"], entry["authorization"]) == (1, 2, 200, True)


@pytest.mark.parametrize(
    "query", ["?pageNum=0", "?pageNum=1001", "?pageSize=0", "?pageSize=501", "?pageSize=-1", "?pageNum=x", "?pageSize="]
)
async def test_pages_out_of_bounds_are_refused(query: str) -> None:
    """1 to 1000 pages of 1 to 500 tasks; the rest is code 1201."""
    async with calling() as caller:
        assert ((await listed(caller, query)).status, (await listed(caller, query)).json["code"]) == (400, 1201)
        assert (await listed(caller, "?pageNum=1000&pageSize=500")).json["data"] == []


async def test_a_list_says_what_the_query_says() -> None:
    """A task in a list is the one that the query shows, result included; tasks of other operations are not in it."""
    async with calling() as caller:
        (task_id,) = await made(caller, "smiles")
        await caller.call("POST", "/v1/general/custom-voices", json={"voice_name": "a", "voice_url": "https://a.example"},
                          headers=BEARER)  # fmt: skip
        (shown,) = (await listed(caller)).json["data"]
        asked = (await caller.call("GET", f"{PATH}/{task_id}", headers=BEARER)).json["data"]
        for one in (shown, asked):
            del one["updated_at"]
            one["task_result"]["videos"][0]["url"] = one["task_result"]["videos"][0]["url"].partition("?")[0]
        assert shown == asked


async def test_tasks_that_a_list_does_not_show() -> None:
    """`unlisted` never, `list-lag` later; by option all tasks come later."""
    async with calling() as caller:
        _, late, plain = await made(caller, "sandbox:unlisted", "sandbox:list-lag=0.3", "smiles")
        assert await ids(caller) == [plain]
        await asyncio.sleep(0.32)
        assert await ids(caller) == [plain, late]
    async with calling(list_lag_s=0.3) as caller:
        tasks = await made(caller, "smiles")
        before = await ids(caller)
        await asyncio.sleep(0.32)
        assert (before, await ids(caller)) == ([], tasks)


async def test_words_about_one_task_change_lists_and_other_faults_leave_them_alone() -> None:
    """`unknown-status@1` and `no-address@1` strike in a list; `poll-500` strikes questions about that one task alone."""
    async with calling() as caller:
        await made(caller, "sandbox:unknown-status@1", "sandbox:no-address@1", "sandbox:poll-500")
        first, second = [(await listed(caller)).json["data"] for _ in range(2)]
        assert [task["task_status"] for task in first] == ["succeed", "succeed", "reviewing"]
        assert first[1]["task_result"]["videos"][0]["url"] == ""
        assert [task["task_status"] for task in second] == ["succeed"] * 3
        assert second[1]["task_result"]["videos"][0]["url"]


async def test_lists_go_wrong_by_rate() -> None:
    """With a rate of 1 every list is struck, whatever its tasks ask for."""
    async with calling(faults={"poll-502": 1.0}) as caller:
        assert [(await listed(caller)).status for _ in range(2)] == [502, 502]


async def test_a_list_needs_a_key() -> None:
    """Without a key there is no list."""
    async with calling() as caller:
        assert (await caller.call("GET", PATH)).json["code"] == 1001


def jwt(secret: str = "SK", *, alg: str = "HS256", **claims: Any) -> dict[str, str]:
    """The header of a request that is signed by a key pair."""
    times = {"iss": "AK", "exp": int(time()) + 1800, "nbf": int(time()) - 5} | claims
    parts = [part(json.dumps(it).encode()) for it in ({"alg": alg, "typ": "JWT"}, times)]
    signature = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return {"Authorization": f"Bearer {'.'.join([*parts, part(signature)])}"}


def part(content: bytes) -> str:
    """A part of a JWT."""
    return urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (jwt, 0),
        (lambda: jwt(nbf=time() + 60), 1003),
        (lambda: jwt(exp=time() - 1), 1004),
        (lambda: jwt(alg="none"), 1002),
        (lambda: jwt(exp="soon"), 1002),
        (lambda: jwt(iss=7), 1002),
        (lambda: {"Authorization": "Bearer a.b.c"}, 1002),
    ],
    ids=["good", "too young", "too old", "no signature", "no number", "nobody's", "no JSON"],
)
async def test_tokens_of_key_pairs_are_looked_into(headers: Callable[[], dict[str, str]], code: int) -> None:
    """Form and times of a JWT are judged; without a pair to hold it against, any signature passes."""
    async with calling() as caller:
        assert (await caller.call("GET", PATH, headers=headers())).json["code"] == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [(jwt, 0), (lambda: jwt("other"), 1002), (lambda: jwt(iss="XX"), 1002), (lambda: BEARER, 1002)],
    ids=["good", "another secret", "another key", "plain"],
)
async def test_a_pair_must_have_signed(headers: Callable[[], dict[str, str]], code: int) -> None:
    """With the option `credential` as a pair, only what that pair has signed passes."""
    async with calling(credential="AK:SK") as caller:
        assert (await caller.call("GET", PATH, headers=headers())).json["code"] == code


async def test_a_clock_that_is_ahead() -> None:
    """A sandbox whose clock is an hour ahead says so in `Date`, and a fresh token is too old for it."""
    async with calling(clock_skew_s=3600.0) as caller:
        got = await caller.call("GET", PATH, headers=jwt())
        ahead_s = parsedate_to_datetime(got.headers["Date"]).timestamp() - time()
        assert got.json["code"] == 1004
        assert ahead_s == pytest.approx(3600, abs=3)
