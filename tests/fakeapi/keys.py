"""Which credentials the APIs take: one token, or tokens signed with one key pair by a clock of the server's own.

Written from api-facts 1.1 (HS256, `iss`, `exp`, `nbf`), with the standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_LIFE_S = 1800 + 5
"""From `nbf` to `exp` as documented."""


class Verdict(Enum):
    """What is thought of a credential."""

    WELCOME = "welcome"
    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"

    @property
    def is_welcome(self) -> bool:
        """Whether it opens the door."""
        return self is Verdict.WELCOME

    @property
    def knows_secret(self) -> bool:
        """Whether who sent it has the secret."""
        return self in (Verdict.WELCOME, Verdict.NOT_YET_VALID, Verdict.EXPIRED)


@dataclass(slots=True)
class Keys:
    """The credentials that are good.

    Args:
        token: As `Authorization: Bearer`.
        access_key: Names the key pair.
        secret_key: Signs for it.
        ahead_s: Seconds that the server's clock is ahead of the true time; negative when it is behind.
        signed: Every signed token that came.
    """

    token: str
    access_key: str
    secret_key: str
    ahead_s: float = 0.0
    signed: set[str] = field(default_factory=set)

    def now(self) -> float:
        """The server's time, Unix seconds."""
        return time.time() + self.ahead_s

    def date(self) -> str:
        """The server's time as an HTTP header has it."""
        return formatdate(self.now(), usegmt=True)

    def judge(self, headers: Mapping[str, str]) -> Verdict:
        """What is thought of a request's credential."""
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        if not given or scheme != "Bearer":
            return Verdict.MISSING
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return Verdict.WELCOME
        return self._judge_signed(given) if given.count(".") == 2 else Verdict.UNKNOWN

    def _judge_signed(self, given: str) -> Verdict:
        signed, _, signature = given.rpartition(".")
        right = hmac.new(self.secret_key.encode(), signed.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_plain(signature), right):
            return Verdict.UNKNOWN
        self.signed.add(given)
        head, claims = (_object(part) for part in signed.split("."))
        if head != {"alg": "HS256", "typ": "JWT"} or claims.get("iss") != self.access_key:
            return Verdict.UNKNOWN
        return self._judge_times(claims)

    def _judge_times(self, claims: Mapping[str, Any]) -> Verdict:
        begins, ends = claims.get("nbf"), claims.get("exp")
        if not isinstance(begins, int) or not isinstance(ends, int) or ends - begins > _LONGEST_LIFE_S:
            return Verdict.UNKNOWN
        if self.now() < begins:
            return Verdict.NOT_YET_VALID
        return Verdict.EXPIRED if self.now() >= ends else Verdict.WELCOME


def _plain(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return b""


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_plain(part))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
