"""Our providers, held to the suite that those of other packages are held to, over the recorded replies of their APIs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from runner.contract import ProviderContract
from runner.providers.gateway import MONEY_CODES, REFUSAL_CODES
from runner.providers.kling.codes import CODES, Maintenance, Unclear
from runner.providers.registry import PROVIDERS

REPLIES: Final = Path(__file__).with_name("replies")
KLING_CODES: Final = frozenset(str(code) for code, said in CODES.items() if not isinstance(said, Unclear | Maintenance))
"""One digit makes another of them: no reader can tell that from the provider's word."""
GATEWAY_CODES: Final = frozenset(REFUSAL_CODES) | {code for code in MONEY_CODES if "_" in code} | {"model_not_found"}


class TestDigitalHuman(ProviderContract):
    provider = PROVIDERS["digital-human"]
    replies = REPLIES
    clear_words = GATEWAY_CODES


class TestKling(ProviderContract):
    provider = PROVIDERS["kling"]
    replies = REPLIES
    clear_words = KLING_CODES | GATEWAY_CODES


class TestVideo(ProviderContract):
    provider = PROVIDERS["video"]
    replies = REPLIES
    clear_words = GATEWAY_CODES


def test_every_provider_is_held_to_the_suite() -> None:
    """No provider that comes with Callsheet goes without."""
    held = {suite.provider.type for suite in ProviderContract.__subclasses__()}
    assert set(PROVIDERS) <= held


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_registry_calls_a_provider_by_its_type(kind: str) -> None:
    """A manifest's `type` finds the provider of that type."""
    assert PROVIDERS[kind].type == kind


def test_every_recording_belongs_to_a_provider() -> None:
    """No folder of replies lies there unread."""
    known = {folder for suite in ProviderContract.__subclasses__() for folder in suite().operations()} | set(PROVIDERS)
    assert {path.name for path in REPLIES.iterdir()} <= known
