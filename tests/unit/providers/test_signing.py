"""What stands in `Authorization`, and by whose clock it is signed."""

from __future__ import annotations

import base64
import json
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from runner.core.answers import NoReply, Reply, Request
from runner.providers.signing import KeyPairSigner, PlainKey
from tests.unit.providers.raw_server import raw_server, reply, say_and_hang_up, wire_to

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_760_000_000.0
ACCESS, SECRET = "AK_EXAMPLE", "SK_EXAMPLE"
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBS19FWEFNUExFIiwiZXhwIjoxNzYwMDAxODAwLCJuYmYiOjE3NTk5OTk5OTV9"
    ".XK99D-f3vgJNom4Z2SQtW8lNFyTOB8izWcZR2ubkVCs"
)
GET = Request("GET", "/v1/videos/avatar/image2video/1")


class Hand:
    """The hand of a clock that tests turn."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Unix seconds."""
        return self.now


def signer_at(clock: Callable[[], float]) -> KeyPairSigner:
    """A signer with the keys of the documentation."""
    return KeyPairSigner(ACCESS, SECRET, wall=clock)


def claims_of(token: str) -> dict[str, object]:
    """What a token claims."""
    part = token.split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def dated(seconds: float) -> dict[str, str]:
    """The headers of a server whose clock says so."""
    return {"date": formatdate(seconds, usegmt=True)}


def test_the_vector_of_the_documentation() -> None:
    """Compact JSON, keys in the documented order, to the byte (api-facts 1.1)."""
    assert signer_at(lambda: NOW).token() == VECTOR


def test_a_plain_key_stays_as_it_is() -> None:
    """Whatever a server says, a key has no other form."""
    key = PlainKey("sk-plain")
    key.learn(dated(NOW + 7200))
    key.sign_again()
    assert key.token() == "sk-plain"
    assert key.secrets == ("sk-plain",)


@pytest.mark.parametrize(
    ("later_s", "is_same"), [(0, True), (1.0, True), (1500.0, True), (1501.0, False), (1e6, False), (-1.0, False)]
)
def test_a_token_is_kept_while_five_minutes_are_left(later_s: float, is_same: bool) -> None:
    """It is signed again before it ends, and when the clock was set back, so that nobody knows how old it is."""
    clock = Hand()
    signer = signer_at(clock)
    first = signer.token()
    clock.now += later_s
    assert (signer.token() == first) == is_same
    assert claims_of(signer.token())["exp"] == int((NOW if is_same else clock.now) + 1800)


@pytest.mark.parametrize("ahead_s", [-172_800.0, -3600.0, 5.0, 3600.0, 172_800.0])
def test_after_a_refusal_the_servers_clock_counts(ahead_s: float) -> None:
    """Both clocks may be wrong by hours: what the server says about the time is what it judges by."""
    signer = signer_at(lambda: NOW)
    signer.learn(dated(NOW + ahead_s))
    assert claims_of(signer.token())["exp"] == NOW + 1800
    signer.sign_again()
    assert claims_of(signer.token()) == {"iss": ACCESS, "exp": NOW + ahead_s + 1800, "nbf": NOW + ahead_s - 5}


@pytest.mark.parametrize(
    "date",
    [
        {},
        {"date": ""},
        {"date": "yesterday"},
        {"date": "Fri, 20 Nov 2026 10:00:00 -0000"},
        {"date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"date": "Mon, 01 Jan 0001 00:00:00 GMT"},
        dated(NOW + 172_801),
        dated(NOW),
    ],
    ids=["none", "empty", "a word", "no zone", "year 9999", "year 1", "more than two days", "the same"],
)
def test_where_the_clocks_explain_nothing_the_token_holds_earlier(date: dict[str, str]) -> None:
    """The same token would be refused again: the next one begins to hold five minutes ago, and ends when it would have (api-facts 1.5)."""
    signer = signer_at(lambda: NOW)
    signer.learn(date)
    signer.sign_again()
    assert claims_of(signer.token()) == {"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 300}


def test_the_token_before_is_a_secret_still() -> None:
    """A reply to it may come after the next one was signed."""
    signer = signer_at(lambda: NOW)
    assert signer.token() == VECTOR
    signer.sign_again()
    assert signer.token() != VECTOR
    assert signer.secrets == (ACCESS, SECRET, VECTOR)


def test_what_was_learnt_last_stands() -> None:
    """A reply without a date does not undo what one with a date has said."""
    signer = signer_at(lambda: NOW)
    signer.learn(dated(NOW + 3600))
    signer.learn({})
    signer.sign_again()
    assert claims_of(signer.token())["exp"] == NOW + 5400


async def test_a_refused_query_is_signed_by_the_servers_clock_next_time() -> None:
    """Without anybody saying so: a poll that was refused must not be repeated with the same token for ever."""
    refusal = reply(b'{"code":1003}', b"Date: " + formatdate(NOW + 3600, usegmt=True).encode(), status=b"401 No")
    signer = signer_at(lambda: NOW)
    async with raw_server(refusal) as server, wire_to(server.url(), signer=signer) as wire:
        await wire.get(GET)
        await wire.get(GET)
    sent = [head.split(b"Authorization: Bearer ")[1].split(b"\r\n")[0].decode() for head in server.requests]
    assert [claims_of(token)["exp"] for token in sent] == [NOW + 1800, NOW + 5400]


async def test_an_accepted_query_keeps_its_token() -> None:
    """A server whose clock differs, and which takes the token all the same, is left in peace."""
    answer = reply(b"{}", b"Date: " + formatdate(NOW + 3600, usegmt=True).encode())
    async with raw_server(answer) as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        await wire.get(GET)
        await wire.get(GET)
    assert all(VECTOR.encode() in request for request in server.requests)


async def test_the_wire_signs_anew_when_it_is_told() -> None:
    """What the engine asks for after 1003 and 1004, in whatever status they come."""
    answer = reply(b"{}", b"Date: " + formatdate(NOW - 3600, usegmt=True).encode())
    async with raw_server(answer) as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        await wire.get(GET)
        wire.sign_again()
        assert claims_of(wire.authorization().removeprefix("Bearer "))["exp"] == NOW - 1800


async def test_neither_keys_nor_tokens_come_back() -> None:
    """A server that repeats the request, or quotes a key, leaves no trace of them."""
    said = " ".join([VECTOR, ACCESS, SECRET, base64.b64encode(SECRET.encode()).decode()]).encode()
    answer = reply(said, b"X-Echo: Bearer " + VECTOR.encode())
    async with raw_server(answer) as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        result = await wire.get(GET)
    assert isinstance(result, Reply)
    assert result.body.split() == [b"[redacted]"] * 3 + [result.body.split()[3]]
    assert base64.b64encode(SECRET.encode())[:12] not in result.body
    assert result.headers["x-echo"] == "Bearer [redacted]"


async def test_the_token_of_the_request_is_redacted_though_another_follows() -> None:
    """The refusal quotes the token that was sent, not the one that will be sent next."""
    answer = reply(VECTOR.encode(), b"Date: " + formatdate(NOW + 9, usegmt=True).encode(), status=b"401 No")
    async with raw_server(answer) as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        result = await wire.get(GET)
    assert isinstance(result, Reply)
    assert result.body == b"[redacted]"


async def test_the_wire_names_all_secrets_of_its_account() -> None:
    """Whoever is handed the header is handed what must be kept out of every text, too."""
    async with raw_server() as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        assert wire.authorization() == f"Bearer {VECTOR}"
        assert set(wire.secrets()) == {VECTOR, ACCESS, SECRET}


async def test_messages_do_not_hold_the_token() -> None:
    """A broken reply that quotes the token leaves it out of the message."""
    answer = say_and_hang_up(f"bad {VECTOR} {SECRET}\r\n\r\n".encode())
    async with raw_server(answer) as server, wire_to(server.url(), signer=signer_at(lambda: NOW)) as wire:
        failed = await wire.get(GET)
    assert isinstance(failed, NoReply)
    assert VECTOR not in failed.message
    assert SECRET not in failed.message
