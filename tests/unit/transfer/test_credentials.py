"""A result that only the key's owner may fetch: the credential goes to its origin, and nowhere else."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner.core.ports import FetchProblem, NotDelivered
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from tests.unit.transfer.cdn import Cdn, cut_after, status
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.unit.transfer.cdn import Answer

KEY = "sk-secret-ABC"
SECRET = f"Bearer {KEY}"


@pytest.fixture
async def authorized(root: Path) -> AsyncIterator[FileDelivery]:
    """A delivery that knows the credential of the account `gateway`."""
    made = FileDelivery(root, probe=probe, reserve_bytes=0)
    made.introduce("gateway", lambda: SECRET, lambda: (KEY,))
    yield made
    await made.close()


async def test_the_credential_goes_with_the_order(cdn: Cdn, authorized: FileDelivery, root: Path) -> None:
    """An order that names an account is fetched with its credential, one that names none without."""
    output(await authorized.deliver(cdn.order(path="/v1/videos/v-1/content", credential_of="gateway")))
    output(await authorized.deliver(cdn.order("other", task_id="t-2")))
    assert cdn.authorizations == [SECRET, None]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_the_rest_is_asked_for_with_the_credential(cdn: Cdn, authorized: FileDelivery, root: Path) -> None:
    """A torn download goes on with a range, and with the credential as before."""
    cdn.answers = [cut_after(300_000)]
    output(await authorized.deliver(cdn.order(credential_of="gateway")))
    assert cdn.ranges == [None, "bytes=300000-"]
    assert cdn.authorizations == [SECRET, SECRET]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_the_header_is_made_for_each_request(cdn: Cdn, root: Path) -> None:
    """A signature lives for minutes and a download for hours: each request has one of its own."""
    numbers = count(1)
    delivery = FileDelivery(root, probe=probe, reserve_bytes=0)
    delivery.introduce("gateway", lambda: f"signature {next(numbers)}", tuple)
    cdn.answers = [cut_after(300_000)]
    output(await delivery.deliver(cdn.order(credential_of="gateway")))
    await delivery.close()
    assert cdn.authorizations == ["signature 1", "signature 2"]


def _to(address: str) -> Answer:
    return status(302, Location=address)


async def test_a_redirect_at_home_keeps_the_credential(cdn: Cdn, authorized: FileDelivery) -> None:
    """A redirect within the origin is the API's own."""
    cdn.answers = [_to("/elsewhere.mp4")]
    output(await authorized.deliver(cdn.order(credential_of="gateway")))
    assert cdn.authorizations == [SECRET, SECRET]


async def test_a_redirect_away_drops_the_credential(cdn: Cdn, authorized: FileDelivery) -> None:
    """Another origin, even one that is trusted, gets no credential; neither does ours once the way has led elsewhere."""
    async with Cdn(CONTENT) as other:
        cdn.answers = [_to(f"{other.origin}/away.mp4")]
        other.answers = [_to(f"{cdn.origin}/back.mp4")]
        order = cdn.order(credential_of="gateway", trusted_origins=(cdn.origin, other.origin))
        output(await authorized.deliver(order))
        assert other.authorizations == [None]
    assert cdn.authorizations == [SECRET, None]


@pytest.mark.parametrize(
    "address",
    [
        f"http://{KEY}.evil.example/x",
        f"https://{KEY.lower()}.evil.example/x",
        f"https://evil.example/x?key={KEY}",
        f"https://evil.example/{quote(KEY)}",
        f"{KEY}://evil.example/",
    ],
)
async def test_a_redirect_that_holds_the_credential_is_not_followed(
    cdn: Cdn, authorized: FileDelivery, root: Path, address: str
) -> None:
    """Its host would be told to name servers, and stand in the message: neither happens."""
    cdn.answers = [_to(address)]
    result = problem(await authorized.deliver(cdn.order(credential_of="gateway")))
    assert result.problem is FetchProblem.BLOCKED
    assert "holds the account's credential" in result.message
    assert KEY.lower() not in result.message.lower()
    assert files(root) == []


async def test_headers_that_hold_the_credential_are_not_kept(cdn: Cdn, authorized: FileDelivery, root: Path) -> None:
    """A server that repeats it in what is noted beside the partial file: the note has none of it, and such a validator is none."""
    cdn.etag, cdn.content_type = f'"{KEY}"', f"video/mp4; key={KEY}"
    cdn.answers = [cut_after(300_000), status(500)]
    problem(await authorized.deliver(cdn.order(credential_of="gateway")))
    kept = {name: (root / name).read_bytes() for name in files(root)}
    assert kept
    assert not any(KEY.encode() in content for content in kept.values())
    output(await authorized.deliver(cdn.order(credential_of="gateway")))
    assert cdn.ranges[-1] is None
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_another_port_is_another_origin(cdn: Cdn, authorized: FileDelivery) -> None:
    """The address rule judges where a redirect leads: a host of our own network is refused on any port but the trusted one."""
    async with Cdn(CONTENT) as other:
        cdn.answers = [_to(f"{other.origin}/v.mp4")]
        result = problem(await authorized.deliver(cdn.order(credential_of="gateway")))
        assert result.problem is FetchProblem.BLOCKED
        assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(410), FetchProblem.EXPIRED),
        (status(404), FetchProblem.EXPIRED),
        (status(401), FetchProblem.UNREACHABLE),
        (status(500), FetchProblem.UNREACHABLE),
    ],
    ids=["gone", "not found", "key refused", "server"],
)
async def test_no_trace_of_the_credential_stays(
    cdn: Cdn, authorized: FileDelivery, root: Path, answer: Answer, expected: FetchProblem
) -> None:
    """Whatever goes wrong is told, and what lies on the disk then is continued later, without a word of the credential."""
    cdn.answers = [cut_after(300_000), answer]
    result = await authorized.deliver(cdn.order(credential_of="gateway"))
    assert isinstance(result, NotDelivered)
    assert result.problem is expected
    kept = b"".join((root / name).read_bytes() for name in files(root))
    assert kept
    assert KEY not in result.message
    assert KEY.encode() not in kept
