"""What stands in `Authorization`: a key as it is, or a token that a pair of keys signs for a while.

The token of a key pair holds times, and a server refuses it when the two clocks disagree. Its own time stands in the `Date` of every reply:
once it has refused a token, tokens are signed by its clock.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Final, Protocol

import jwt

from runner.providers.reply_headers import sent_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VALID_S: Final = 1800
"""How long a token holds (api-facts.md section 1.1)."""

_EARLIER_S: Final = 5
"""How much before now it begins to hold, for servers whose clock is a little behind."""

_MUCH_EARLIER_S: Final = 300
"""The same after a refusal that no difference of the clocks explains: a token that is not valid yet needs a smaller `nbf` (section 1.5)."""

_MOST_AHEAD_S: Final = 48 * 3600.0
"""No clock that means anything is further off; what a server says beyond this is not learnt."""

_LEAST_LEFT_S: Final = 300
"""A token that ends sooner than this is signed again: a large submission is minutes on its way."""


class Signer(Protocol):
    """Gives the wire of an account what stands in `Authorization`."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, besides what `token` gives."""

    def token(self) -> str:
        """What follows `Bearer`."""

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take notice of a reply's headers (names in lower case): the server's time may stand there."""

    def sign_again(self) -> None:
        """The server has refused the token: forget it."""


class PlainKey:
    """A key that is sent as it is.

    Args:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self._key,)

    def token(self) -> str:
        """The key."""
        return self._key

    def learn(self, headers: Mapping[str, str]) -> None:
        """Nothing to learn: a key has no times."""

    def sign_again(self) -> None:
        """Nothing to do: there is no other form of the key."""


class KeyPairSigner:
    """An access key with its secret key: signs JSON Web Tokens (HS256) that hold for 30 minutes.

    Args:
        access_key: Names the account.
        secret_key: Signs.
        wall: Unix seconds.

    Source:
        RFC 7519; claims and times as in api-facts.md section 1.1.
    """

    def __init__(self, access_key: str, secret_key: str, *, wall: Callable[[], float] = time.time) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._wall = wall
        self._token: str | None = None
        self._former: str | None = None
        self._earlier_s = _EARLIER_S
        self._signed_at = 0.0
        self._server_is_ahead_s = 0.0
        self._ahead_s = 0.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Both keys, and the token before this one: a reply to it may still come."""
        return (self._access_key, self._secret_key, *filter(None, [self._former]))

    def token(self) -> str:
        """A token that holds for at least five minutes more, the same as before while there is one."""
        now = self._wall() + self._ahead_s
        # A clock that was set back would make the old token look younger than it is.
        if self._token is None or not 0 <= now - self._signed_at <= VALID_S - _LEAST_LEFT_S:
            self._former, self._token = self._token or self._former, self._sign(int(now))
            self._signed_at = now
        return self._token

    def learn(self, headers: Mapping[str, str]) -> None:
        """Note how far the server's clock is ahead of ours; without a `Date` that can be right, what was noted last stands."""
        moment = sent_at(headers)
        if moment is not None and abs(moment - self._wall()) <= _MOST_AHEAD_S:
            self._server_is_ahead_s = moment - self._wall()

    def sign_again(self) -> None:
        """Sign the next token by the server's clock; where that is the one that we signed by, have the token begin to hold earlier."""
        if abs(self._server_is_ahead_s - self._ahead_s) < _EARLIER_S:
            self._earlier_s = _MUCH_EARLIER_S
        self._former, self._token = self._token or self._former, None
        self._ahead_s = self._server_is_ahead_s

    def _sign(self, now: int) -> str:
        claims = {"iss": self._access_key, "exp": now + VALID_S, "nbf": now - self._earlier_s}
        with warnings.catch_warnings():
            # How long its keys are is the provider's business; whoever runs a campaign cannot change it.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            return jwt.encode(claims, self._secret_key, algorithm="HS256")
