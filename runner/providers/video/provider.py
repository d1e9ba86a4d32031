"""The provider `video`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.core.ports import ProviderDefaults
from runner.providers.video.openai import OpenAIGenerate
from runner.providers.video.unified import Generate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import Reply, Request
    from runner.core.ports import Operation, Voice

_DEFAULTS: Final = ProviderDefaults(base_url="https://az.gptplus5.com", credential_env="VIDEO_API_KEY", in_flight=8)
"""The host of the user's page. Whoever has a key of another gateway writes its `base_url`."""


@dataclass(frozen=True, slots=True)
class Video:
    """The provider `video`."""

    type: str = "video"
    operations: Mapping[str, Operation] = field(default_factory=lambda: {"generate": Generate()})
    styles: Mapping[str, Mapping[str, Operation]] = field(
        default_factory=lambda: {"openai": {"generate": OpenAIGenerate()}}
    )
    defaults: ProviderDefaults = _DEFAULTS

    def voices(self, language: str | None) -> Sequence[Request]:  # noqa: ARG002  there is nothing to choose from
        """None: no operation takes a voice."""
        return ()

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:  # noqa: ARG002  there is no such reply
        """Why there are none."""
        return "no operation of `video` takes a voice"


VIDEO: Final = Video()
