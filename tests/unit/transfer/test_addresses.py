"""The address rule: what may be fetched, and from where."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from runner.core.ports import FetchProblem, NotDelivered
from runner.transfer.addresses import Address, Forbidden, is_public, read_address
from runner.transfer.sessions import NotPublic, _guarded_socket
from tests.unit.transfer.cdn import Cdn, status

if TYPE_CHECKING:
    from runner.transfer.delivery import FileDelivery

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001:81b::200e",
]

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::10.0.0.1",
    "64:ff9b:1:ffff::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "not an address",
    "",
]

FORBIDDEN = [
    "http://cdn.example.com/v.mp4",
    "ftp://cdn.example.com/v.mp4",
    "file:///etc/passwd",
    "data:video/mp4;base64,AAAA",
    "gopher://cdn.example.com/",
    "javascript:alert(1)",
    "//cdn.example.com/v.mp4",
    "/v.mp4",
    "v.mp4",
    "",
    "https://",
    "https:///v.mp4",
    "https://cdn.example.com:444/v.mp4",
    "https://cdn.example.com:80/v.mp4",
    "https://cdn.example.com:8443/v.mp4",
    "https://cdn.example.com:99999/v.mp4",
    "https://cdn.example.com:x/v.mp4",
    "https://user@cdn.example.com/v.mp4",
    "https://user:pass@cdn.example.com/v.mp4",
    "https://@cdn.example.com/v.mp4",
    "https://:@cdn.example.com/v.mp4",
    "https://cdn.example.com@127.0.0.1/v.mp4",
    "https://cdn.example.com\\@127.0.0.1/v.mp4",
    "https:\\\\127.0.0.1\\v.mp4",
    "https://127.0.0.1/v.mp4",
    "https://127.1/v.mp4",
    "https://127.0.1/v.mp4",
    "https://0/v.mp4",
    "https://0x7f.1/v.mp4",
    "https://0x7f000001/v.mp4",
    "https://0x7f.0x0.0x0.0x1/v.mp4",
    "https://2130706433/v.mp4",
    "https://017700000001/v.mp4",
    "https://0177.0.0.1/v.mp4",
    "https://127.0.0.01/v.mp4",
    "https://127.0.0.1./v.mp4",
    "https://1.2.3.4.5/v.mp4",
    "https://256.256.256.256/v.mp4",
    "https://foo.0x7f/v.mp4",
    "https://10.0.0.8/v.mp4",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.168.1.1/v.mp4",
    "https://[::1]/v.mp4",
    "https://[::]/v.mp4",
    "https://[::ffff:127.0.0.1]/v.mp4",
    "https://[::ffff:7f00:1]/v.mp4",
    "https://[64:ff9b::7f00:1]/v.mp4",
    "https://[2002:7f00:1::]/v.mp4",
    "https://[fe80::1%25eth0]/v.mp4",
    "https://[fe80::1%eth0]/v.mp4",
    "https://[fd00::1]/v.mp4",
    "https://[::1/v.mp4",
    "https://[v1.x]/v.mp4",
    "https://%31%32%37.0.0.1/v.mp4",
    "https://127.0.0.1%2f.example.com/v.mp4",
    "https://cdn.example.com%00.evil.example/v.mp4",
    "https://127。0。0。1/v.mp4",
    "https://１２７.0.0.1/v.mp4",
    "https://a\u200db.com/v.mp4",
    "https://℀.com/v.mp4",
    "https://user@视频.example.com/v.mp4",
    "https://cdn.example.com\u202e/v.mp4",
    "https://cdn .example.com/v.mp4",
    "https://cdn.example.com\r\nHost: evil/v.mp4",
    "https://cdn.example.com/v.mp4\r\nX-Evil: 1",
    "https://cdn.example.com/v\0.mp4",
    "https://-cdn.example.com/v.mp4",
    "https://cdn..example.com/v.mp4",
    "https://.example.com/v.mp4",
    "https://" + "a" * 64 + ".example.com/v.mp4",
    "https://" + "a." * 140 + "example.com/v.mp4",
    "https://cdn.example.com/" + "a" * 9000,
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    """What anybody may have is public, up to the edges of every special network."""
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address: str) -> None:
    """Special networks, wrapped addresses and nonsense are not public; no socket is made for them."""
    assert not is_public(address)
    with pytest.raises(NotPublic):
        _guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)))


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden(address: str) -> None:
    """Each trick is refused before any connection, in words that hold neither path nor query."""
    judged = read_address(address, ())
    assert isinstance(judged, Forbidden)
    assert "v.mp4" not in judged.reason
    assert judged.reason.isprintable()


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.example.com/v.mp4",
        "https://cdn.example.com:443/v.mp4",
        "https://CDN.Example.COM/v.mp4",
        "https://my_bucket.s3.example.com/v.mp4",
        "https://xn--exmple-cua.com/v.mp4",
        "https://8.8.8.8/v.mp4",
        "https://[2606:4700:4700::1111]/v.mp4",
        "https://cdn.example.com./v.mp4",
        "https://1-2-3-4.example.com/v.mp4",
        "https://cdn.example.com?sig=1",
    ],
)
def test_allowed(address: str) -> None:
    """Ordinary addresses of results pass, and are not trusted."""
    judged = read_address(address, ())
    assert isinstance(judged, Address)
    assert not judged.is_trusted


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://视频.example.com/v.mp4", "xn--cy2a840a.example.com"),
        ("https://视频.example.com:443/视//频.mp4", "xn--cy2a840a.example.com"),
        ("https://cdn.exämple.com?sig=1", "cdn.xn--exmple-cua.com"),
        ("https://cdn。example。com/v.mp4", "cdn.example.com"),
        ("https://cdn.example.com/视//频.mp4", "cdn.example.com"),
    ],
)
def test_a_host_in_other_letters_is_asked_by_its_name_in_ascii(address: str, host: str) -> None:
    """As name servers know it; path and query are left alone."""
    judged = read_address(address, ())
    assert isinstance(judged, Address)
    assert judged.url.raw_host == host


def test_a_redirect_to_a_path_with_two_slashes_is_no_host() -> None:
    """Only what an address begins with is a host."""
    judged = read_address("/a//视频/v.mp4", (), base=URL("https://cdn.example.com/"))
    assert isinstance(judged, Address)
    assert str(judged.url) == "https://cdn.example.com/a//%E8%A7%86%E9%A2%91/v.mp4"


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://a.example/x%2Fy?sig=a%2Bb+c%20d%3D&e=%e4", "/x%2Fy?sig=a%2Bb+c%20d%3D&e=%e4"),
        ("https://a.example/中/v 1.mp4?t=ä", "/%E4%B8%AD/v%201.mp4?t=%C3%A4"),
        ("https://a.example/../v.mp4", "/../v.mp4"),
    ],
)
def test_a_signed_address_goes_out_as_it_is(address: str, asked: str) -> None:
    """A signature may cover every byte: only what cannot be sent is encoded."""
    judged = read_address(address, ())
    assert isinstance(judged, Address)
    assert judged.url.raw_path_qs == asked


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        ("http://127.0.0.1:8080/v.mp4", True),
        ("http://127.0.0.1:8081/v.mp4", False),
        ("https://127.0.0.1:8080/v.mp4", False),
        ("http://127.0.0.1/v.mp4", False),
        ("https://files.corp.example/v.mp4", True),
        ("https://FILES.corp.example:443/v.mp4", True),
        ("http://files.corp.example/v.mp4", False),
        ("http://127.0.0.1:8080@evil.example/v.mp4", False),
    ],
)
def test_trust_is_exact(address: str, is_trusted: bool) -> None:
    """Scheme, host and port must all be those of a trusted origin."""
    judged = read_address(address, ("http://127.0.0.1:8080", "https://files.corp.example"))
    assert (isinstance(judged, Address) and judged.is_trusted) is is_trusted


def test_a_redirect_is_judged_like_an_address() -> None:
    """A relative redirect stays on its origin; an absolute one is judged by its own."""
    base = URL("https://cdn.example.com/a/b?x=1")
    judged = read_address("../c?sig=%2F", (), base=base)
    assert isinstance(judged, Address)
    assert str(judged.url) == "https://cdn.example.com/c?sig=%2F"
    assert isinstance(read_address("//10.0.0.1/c", (), base=base), Forbidden)
    assert isinstance(read_address("http://cdn.example.com/c", (), base=base), Forbidden)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST"])
async def test_a_name_is_judged_by_where_it_leads(cdn: Cdn, delivery: FileDelivery, host: str) -> None:
    """A harmless-looking name that resolves to loopback is refused at the socket."""
    found = await delivery.deliver(replace(cdn.order(), address=f"https://{host}/v.mp4?sig=SECRET"))
    assert isinstance(found, NotDelivered)
    assert found.problem is FetchProblem.BLOCKED
    assert host.lower() in found.message.lower()
    assert "SECRET" not in found.message


async def test_a_redirect_from_a_trusted_origin_is_guarded(cdn: Cdn, delivery: FileDelivery) -> None:
    """Trust in one origin does not follow its redirects into our network."""
    async with Cdn(b"secret of the intranet" * 10) as inside:
        cdn.answers = [status(302, Location=f"{inside.origin}/v.mp4")]
        found = await delivery.deliver(cdn.order())
        assert isinstance(found, NotDelivered)
        assert found.problem is FetchProblem.BLOCKED
        assert inside.asked == []


async def test_an_untrusted_server_is_never_connected(cdn: Cdn, delivery: FileDelivery) -> None:
    """Not even a connection is opened to an address that the rule forbids."""
    connected = asyncio.Event()
    server = await asyncio.start_server(lambda *_: connected.set(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for address in (f"https://127.0.0.1:{port}/", f"http://localhost:{port}/"):
        found = await delivery.deliver(replace(cdn.order(), address=address))
        assert isinstance(found, NotDelivered)
        assert found.problem is FetchProblem.BLOCKED
    server.close()
    await server.wait_closed()
    assert not connected.is_set()
