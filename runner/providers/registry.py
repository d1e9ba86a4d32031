"""The providers that come with Callsheet. A new API is a new file and a new line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.providers.built_in import BuiltIn, ProviderDefaults
from runner.providers.digital_human import DIGITAL_HUMAN
from runner.providers.kling import KLING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROVIDERS", "BuiltIn", "ProviderDefaults"]

PROVIDERS: Final[Mapping[str, BuiltIn]] = {
    "digital-human": DIGITAL_HUMAN,
    "kling": KLING,
}
"""By type, as in the manifest; `PROVIDERS[type].defaults` are the account's defaults."""
