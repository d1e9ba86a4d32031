"""Which addresses a result may be fetched from.

A result's address comes from outside and may point into our own network. Two checks share this module: what the address says
(`read_address`), and where a connection really goes (`is_public`), which alone knows what a name resolved to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

from yarl import URL

MOST_CHARACTERS: Final = 8192
"""Longest address; signed ones have about one thousand."""

_PORTS: Final = {"http": 80, "https": 443}
_NEVER: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_AUTHORITY: Final = re.compile(r"((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)([^/?#@:\[\]]+)")
"""What an address begins with, and its host; of one with a user name, or with a colon in odd places, something that is judged later."""
_NOT_PLAIN: Final = re.compile(r"[^\x21-\x7e]+")
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
_NAME_CHARACTERS: Final = 254
_NUMBER_AT_END: Final = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)\.?$")
"""What browsers read as an IPv4 address (https://url.spec.whatwg.org/#ends-in-a-number-checker), and so do C libraries."""

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network"
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relay
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
"""All that was ever given out. Outside lie loopback, mapped and compatible IPv4, NAT64, unique local, link-local, multicast."""

_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (wraps an IPv4 address) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet may have.

    Addresses that wrap another one (mapped, compatible, NAT64, 6to4, Teredo) are never public: the packet would end somewhere else.

    Args:
        address: As `getaddrinfo` writes it; an IPv6 zone may follow.

    Source: IANA special-purpose address registries for IPv4 and IPv6, read 2026-11-20.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    return found in _PUBLIC_6 and not any(found in network for network in _NOT_PUBLIC_6)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that the rule lets pass.

    Args:
        url: Exactly what will be asked for.
        is_trusted: Whether its origin stands in the order: then the connected address is not looked at.
    """

    url: URL
    is_trusted: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port, for messages: without path and query."""
        return str(self.url.origin())


@dataclass(frozen=True, slots=True)
class Forbidden:
    """An address that the rule forbids.

    Args:
        reason: One sentence for people; names the host, never path or query.
    """

    reason: str


def read_address(text: str, trusted_origins: tuple[str, ...], *, base: URL | None = None) -> Address | Forbidden:
    """Judge an address by what it says.

    Args:
        text: Absolute, or relative to `base`. Spaces and letters outside ASCII are percent-encoded in path and query, and a host in such
            letters is written in ASCII; everything else stays as it is, since a signature may cover every byte.
        trusted_origins: `scheme://host[:port]`, exact; these may be `http`, have any port and lie in any network.
        base: Where a redirect came from; None for an order's own address.
    """
    url = _parse(text, base)
    if isinstance(url, Forbidden):
        return url
    host = url.raw_host or ""
    if url.scheme not in _PORTS:
        return Forbidden(f"`{_printable(url.scheme)}` is not a way to fetch a result; only https is")
    if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
        return Forbidden(f"the address holds a user name before the host {_printable(host)}")
    if not _is_host(host) or ("[" in url.raw_authority and ":" not in host):
        return Forbidden(f"{_printable(host)!r} is not a host name")
    if _origin(url) in _origins(trusted_origins):
        return Address(url, is_trusted=True)
    return _judge_untrusted(url, host)


def _judge_untrusted(url: URL, host: str) -> Address | Forbidden:
    if url.scheme != "https":
        return Forbidden(
            f"{host} is asked over plain http; only https is fetched from origins that the account does not name"
        )
    if url.port != _PORTS["https"]:
        return Forbidden(
            f"{host}:{url.port} is not a standard port; only 443 is fetched from origins that the account does not name"
        )
    if _is_literal(host) and not is_public(host):
        return Forbidden(not_public(host))
    return Address(url, is_trusted=False)


def not_public(host: str) -> str:
    """The sentence for a host whose address is not public."""
    return f"{host} is not a public address; list its origin in the account's `download_origins` if it is meant"


def _parse(text: str, base: URL | None) -> URL | Forbidden:
    """One parser for the check and the request: two would disagree on hostile addresses."""
    if len(text) > MOST_CHARACTERS:
        return Forbidden(f"the address is longer than {MOST_CHARACTERS} characters")
    if _NEVER.search(text):
        return Forbidden("the address holds characters that no address may hold")
    try:
        url = URL(_NOT_PLAIN.sub(_percent_encoded, _with_ascii_host(text)), encoded=True)
        url = base.join(url) if base is not None else url
        # The port is parsed when it is asked for.
        _ = url.port
    except ValueError:
        return Forbidden("the address cannot be read")
    return url if url.absolute and url.raw_host else Forbidden("the address names no host")


def _with_ascii_host(text: str) -> str:
    """The address, its host as name servers know it (RFC 5891); one that cannot be written so is left as it is, to be judged as it is.

    The encoding maps some letters to others, full-width digits to plain ones among them: it comes before every judgement.
    """
    found = _AUTHORITY.match(text)
    if found is None or found[2].isascii():
        return text
    try:
        host = URL.build(scheme="https", host=found[2]).raw_host or ""
    except ValueError:
        return text
    return found[1] + host + text[found.end() :] if _NAME.fullmatch(host) else text


def _percent_encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))


def _is_host(host: str) -> bool:
    """Whether it is a plain ASCII name, a canonical IPv4 address or an IPv6 address without a zone."""
    if _is_literal(host):
        return "%" not in host
    return (
        len(host) <= _NAME_CHARACTERS
        and _NAME.fullmatch(host.lower()) is not None
        and _NUMBER_AT_END.search(host.lower()) is None
    )


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _origins(texts: tuple[str, ...]) -> frozenset[tuple[str, str, int | None]]:
    return frozenset(_origin(URL(text)) for text in texts)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.raw_host or "").lower(), url.port


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:80])
