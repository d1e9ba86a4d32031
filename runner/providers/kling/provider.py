"""The provider `kling`: its operations, its voices and the defaults of its accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.core.ports import ProviderDefaults
from runner.providers.kling import voices
from runner.providers.kling.avatar import Avatar
from runner.providers.kling.tts import Speech
from runner.providers.kling.voice import CustomVoice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import Reply, Request
    from runner.core.ports import Operation, Voice

_DEFAULTS: Final = ProviderDefaults(
    base_url="https://api-singapore.klingai.com", credential_env="KLING_API_KEY", in_flight=3, takes_key_pair=True
)


def _operations() -> dict[str, Operation]:
    return {"avatar": Avatar(), "tts": Speech(), "voice": CustomVoice()}


@dataclass(frozen=True, slots=True)
class Kling:
    """The provider `kling`."""

    type: str = "kling"
    operations: Mapping[str, Operation] = field(default_factory=_operations)
    styles: Mapping[str, Mapping[str, Operation]] = field(default_factory=dict)
    defaults: ProviderDefaults = _DEFAULTS

    def voices(self, language: str | None) -> Sequence[Request]:  # noqa: ARG002  Kling lists all languages together
        """The presets and the account's own voices."""
        return voices.REQUESTS

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:
        """The voices of one reply, or why there are none."""
        return voices.read_voices(reply)


KLING: Final = Kling()
