"""Readers are total: whatever strangers send, there is an answer, and never one that costs money."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.core.answers import (
    Accepted,
    AskAgain,
    Ended,
    InDoubt,
    NotNow,
    Ready,
    Refused,
    Reply,
    Running,
    SignAgain,
    UnknownTask,
)
from runner.providers.gateway import REFUSAL_CODES
from runner.providers.kling_codes import CODES, Maintenance, Unclear
from runner.providers.registry import PROVIDERS
from tests.contract.providers.replies import as_reply, cases, load

if TYPE_CHECKING:
    from runner.core.ports import Operation

OPERATIONS = [found for provider in PROVIDERS.values() for found in provider.operations.values()]

_STATUSES = st.sampled_from([100, 200, 201, 204, 302, 400, 401, 404, 409, 429, 500, 502, 503, 599])
_KEYS = ["code", "message", "data", "error", "type", "id", "task_id", "success"]
_TASK_KEYS = [
    "status",
    "fail_reason",
    "progress",
    "web_work_status",
    "work_video_path",
    "animate_params_str",
    "pt_infos",
    "task_status",
    "task_status_msg",
    "task_result",
    "videos",
    "url",
    "duration",
    "final_unit_deduction",
]
_NAMES = st.sampled_from([*_KEYS, *_TASK_KEYS])
_WORDS = st.sampled_from(
    [
        "success",
        "SUCCESS",
        "FAILURE",
        "IN_PROGRESS",
        "https://a.example/b",
        "http://[",
        "-3",
        "1e999",
        "\ud800",
        "succeed",
        "failed",
    ]
)
_CODES = st.sampled_from([0, *CODES])
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | _WORDS | _CODES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(), inner, max_size=6),
    max_leaves=12,
)
_BODIES = st.binary() | st.text().map(str.encode) | _JSON.map(lambda value: json.dumps(value).encode())
_HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date", "x-oneapi-request-id"]), st.text(), max_size=3)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: str(found.name))
@given(status=_STATUSES, body=_BODIES, headers=_HEADERS, truncated=st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_reply_has_an_answer(
    operation: Operation, status: int, headers: dict[str, str], body: bytes, *, truncated: bool
) -> None:
    """No status, header or body makes a reader raise, and what cannot be read never ends or begins anything."""
    reply = Reply(status, headers, body, truncated)
    submitted = operation.read_submission(reply)
    asked = operation.read_query(reply, {"no_watermark": True})
    assert isinstance(submitted, Accepted | Refused | NotNow | SignAgain | InDoubt)
    assert isinstance(asked, Running | Ready | Ended | UnknownTask | AskAgain)
    if truncated:
        assert isinstance(asked, AskAgain)
        assert not isinstance(submitted, Accepted)
    if truncated and 200 <= status < 300:
        assert isinstance(submitted, InDoubt)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: str(found.name))
@given(
    body=st.dictionaries(st.text(alphabet="uvwxyz", min_size=1), _JSON, max_size=5).map(
        lambda value: json.dumps(value).encode()
    )
)
@settings(max_examples=200, deadline=None)
def test_unknown_shapes_are_in_doubt(operation: Operation, body: bytes) -> None:
    """A 2xx whose keys nobody knows is neither an acceptance nor a refusal, and says nothing about a task."""
    reply = Reply(200, {}, body)
    assert isinstance(operation.read_submission(reply), InDoubt)
    assert isinstance(operation.read_query(reply, {}), AskAgain)


_CLEAR_CODES = [str(code).encode() for code, ruling in CODES.items() if not isinstance(ruling, Unclear | Maintenance)]
"""Codes of Kling that say whether something was taken."""


def _doubts() -> list[tuple[str, Reply]]:
    """The recorded doubts, but for those that are a refusal with an id: without the id, they are a refusal."""
    found = ((folder, load(folder, "submit", name)) for folder, name in cases("submit"))
    told = [(folder, as_reply(case["reply"])) for folder, case in found if case["expect"]["answer"] == "InDoubt"]
    return [(folder, reply) for folder, reply in told if not any(code.encode() in reply.body for code in REFUSAL_CODES)]


@given(recorded=st.sampled_from(_doubts()), place=st.floats(0, 1), junk=st.binary(max_size=4), width=st.integers(0, 4))
@settings(max_examples=600, deadline=None)
def test_a_damaged_doubt_stays_one(recorded: tuple[str, Reply], place: float, junk: bytes, width: int) -> None:
    """A few damaged bytes never turn a doubt into a refusal or a "not now": both would let it be sent again."""
    folder, reply = recorded
    provider, _, name = folder.partition(".")
    at = int(place * len(reply.body))
    damaged = Reply(reply.status, reply.headers, reply.body[:at] + junk + reply.body[at + width :], reply.truncated)
    # One digit makes another code of it: no reader can tell that from the provider's word.
    assume(not any(code in damaged.body for code in _CLEAR_CODES))
    answer = PROVIDERS[provider].operations[name].read_submission(damaged)
    if 200 <= reply.status < 300:
        assert isinstance(answer, InDoubt | Accepted)
    elif reply.status >= 500 or reply.status in (409, 499):
        assert isinstance(answer, InDoubt)


@pytest.mark.parametrize(
    ("folder", "name"),
    [found for found in cases("submit") if load(found[0], "submit", found[1])["expect"]["answer"] == "Accepted"],
)
def test_every_cut_of_an_acceptance_is_in_doubt(folder: str, name: str) -> None:
    """An acceptance that ends at any byte before its last is in doubt, and never another task's id."""
    reply = as_reply(load(folder, "submit", name)["reply"])
    provider, _, operation = folder.partition(".")
    for length in range(len(reply.body)):
        cut = Reply(reply.status, reply.headers, reply.body[:length])
        assert isinstance(PROVIDERS[provider].operations[operation].read_submission(cut), InDoubt), cut.body
