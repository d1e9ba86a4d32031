"""Acme over its recorded replies: the suite of Callsheet does the rest."""

from pathlib import Path

from callsheet_acme import PROVIDER
from callsheet_acme.errors import REFUSALS

from runner.contract import ProviderContract


class TestAcme(ProviderContract):
    """All that a provider has to hold."""

    provider = PROVIDER
    replies = Path(__file__).with_name("replies")
    clear_words = frozenset(REFUSALS) | {"too_many_clips", "too_fast", "reference_taken"}
