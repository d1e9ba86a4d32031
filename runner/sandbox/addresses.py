"""Addresses of results: signed, and with an end where the options say so, as CDNs make them."""

from __future__ import annotations

import hashlib
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


class Pass(Enum):
    """What the CDN makes of an address."""

    GOOD = auto()
    EXPIRED = auto()
    FORGED = auto()


class Addresses:
    """Writes and checks addresses of the CDN.

    Args:
        origin: Scheme, host and port of the CDN.
        lifetime_s: Seconds that an address works; None for ever.
    """

    def __init__(self, origin: str, lifetime_s: float | None) -> None:
        self._origin = origin
        self._lifetime_s = lifetime_s

    def of(self, name: str, now: float, *, expired: bool = False) -> str:
        """The address of a file, good from now on.

        Args:
            name: File name, e.g. `<task id>.mp4`; needs no escapes.
            now: Unix seconds.
            expired: Hand out an address that has ended already.
        """
        ends = now - 1 if expired else now + self._lifetime_s if self._lifetime_s is not None else None
        expires = "" if ends is None else f"{ends:.3f}"
        query = {"expires": expires} if expires else {}
        return f"{self._origin}/cdn/{name}?{urlencode({**query, 'sig': _signature(name, expires)})}"

    def check(self, name: str, query: Mapping[str, str], now: float) -> Pass:
        """Whether a request for a file with this query may have it."""
        expires = query.get("expires", "")
        if query.get("sig") != _signature(name, expires):
            return Pass.FORGED
        return Pass.EXPIRED if expires and float(expires) < now else Pass.GOOD


def _signature(name: str, expires: str) -> str:
    # A fixed salt: an address must also hold for the next sandbox, and guards nothing of worth.
    return hashlib.sha256(f"callsheet sandbox/{name}/{expires}".encode()).hexdigest()[:24]
