"""What a provider that comes with Callsheet has beyond the contract in `runner.core.ports`: the defaults of its accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from runner.core.ports import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDefaults:
    """What an account of this provider has when the manifest does not say.

    Args:
        base_url: Scheme and host, without a slash at the end.
        credential_env: Name of the environment variable that holds the credential.
        in_flight: Tasks at once.
    """

    base_url: str
    credential_env: str
    in_flight: int


class BuiltIn(Provider, Protocol):
    """A provider with defaults."""

    @property
    def defaults(self) -> ProviderDefaults:
        """The defaults of its accounts."""
