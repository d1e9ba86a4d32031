"""What is committed before what: the order that keeps a crash from losing or paying twice."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from runner.core.events import ReplyReceived
from runner.core.identity import external_id
from runner.core.ports import FetchProblem, NotDelivered
from tests.unit.engine.api import LOST, TAKES, TAKES_AND_DIES, complaint, reply, unsent
from tests.unit.engine.world import World, spec, specs

if TYPE_CHECKING:
    import pytest

    from runner.core.answers import Exchange, Reply
    from runner.core.ports import Move


def test_every_step_is_durable_before_the_next(world: World) -> None:
    """Intent before POST, raw reply before its verdict, task id before the first poll, address before the download, file before tidying."""
    world.run([spec("anna")])
    about_anna = [entry for entry in world.log if entry[0] != "get"]
    assert about_anna == [
        ("commit", "anna: SubmitStarted"),
        ("post", "anna"),
        ("commit", "anna: ReplyReceived"),
        ("commit", "anna: Accepted"),
        ("commit", "anna: TaskReady"),
        ("deliver", "anna"),
        ("commit", "anna: Delivered"),
        ("tidy", "anna"),
    ]
    assert world.log.index(("commit", "anna: Accepted")) < world.log.index(("get", "anna"))


def test_the_reply_is_stored_as_it_came(world: World) -> None:
    """The stored reply holds status, headers and body of a reply that nobody could read."""
    seen: list[Reply] = []

    def look(move: Move) -> None:
        seen.extend(event.reply for event in move.events if isinstance(event, ReplyReceived))

    world.breaks = look
    world.api.posts_script["anna"] = [reply(200, b"\xff garbage", x_oneapi_request_id="r-1")]
    world.run([spec("anna")])
    (stored,) = seen
    assert (stored.status, stored.body, stored.headers["x-oneapi-request-id"]) == (200, b"\xff garbage", "r-1")


def test_the_intent_holds_what_is_sent(world: World) -> None:
    """Own id, exact bytes, their digest, reserved money and output path are durable with the intent."""
    world.price("0.20")
    world.run([spec("anna", output="eu/anna")])
    job, (post,) = world.rows()["anna"], world.api.posts
    assert job.external_id == external_id("spring", "anna", "f1", 1)
    assert (job.request, job.request_sha256) == (post.body, sha256(post.body).hexdigest())
    assert (str(job.reserved), job.output_stem) == ("0.20 USD", "eu/anna")


def test_a_body_that_holds_a_file_is_kept_as_digest(world: World) -> None:
    """Beyond 64 KiB only the digest of the request is stored."""
    inputs = {**spec("anna").inputs, "audio_url": "https://sounds.example.com/" + "a" * 70_000}
    world.run([spec("anna", inputs=inputs)])
    job, (post,) = world.rows()["anna"], world.api.posts
    assert (job.request, job.request_sha256) == (None, sha256(post.body).hexdigest())


ANSWERS: list[Exchange | str] = [
    TAKES,
    TAKES_AND_DIES,
    LOST,
    unsent(),
    complaint(400),
    complaint(429),
    complaint(500),
    reply(200, b"{"),
]


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
@given(script=st.lists(st.sampled_from(range(len(ANSWERS))), min_size=3, max_size=8))
def test_no_post_without_its_intent_and_no_verdict_without_its_reply(
    script: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the API answers: every POST follows an intent of its own, every verdict on a reply follows that reply's commit."""
    world = World(tmp_path_factory.mktemp("order"))
    world.api.posts_script["*"] = [ANSWERS[number] for number in script]
    outcome = world.run(specs(5))
    assert outcome.fatal is None
    for job_id in world.rows():
        story = [about.rpartition(" ")[2] if what == "commit" else what for what, about in world.log if job_id in about]
        for place, step in enumerate(story):
            if step == "post":
                assert story[place - 1] == "SubmitStarted"
            if step in ("Accepted", "Refused"):
                assert story[place - 1] == "ReplyReceived"


def test_the_same_job_always_sends_the_same_bytes(world: World) -> None:
    """A second submission after "not now" is the first one again, and its body holds the inputs alone."""
    world.api.posts_script["anna"] = [complaint(429), unsent(), TAKES]
    world.run([spec("anna")])
    bodies = {post.body for post in world.api.posts}
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == spec("anna").inputs


def test_a_fresh_address_is_durable_before_it_is_fetched(world: World) -> None:
    """An expired address is replaced in the state before the second download begins."""
    world.home.script["anna"] = [NotDelivered(problem=FetchProblem.EXPIRED, message="HTTP 403")]
    world.run([spec("anna")])
    tail = [entry for entry in world.log if entry[0] != "get"][-5:]
    assert tail == [
        ("commit", "anna: TaskReady"),
        ("commit", "anna: TaskReady"),
        ("deliver", "anna"),
        ("commit", "anna: Delivered"),
        ("tidy", "anna"),
    ]
