"""Acme clips: an actor reads a script.

Documentation: none; the API is invented for this example. Credential: `Authorization: Bearer`, in `ACME_KEY`. Two clips at a time. Clips are kept for a
day; failed ones are not charged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from callsheet_acme.clip import Clip
from callsheet_acme.errors import words_of
from runner.core.answers import Request
from runner.core.ports import Operation, ProviderDefaults, Voice
from runner.providers.json_body import Unreadable, mapping, read_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import Reply
    from runner.core.ports import InstalledProvider

_DEFAULTS: Final = ProviderDefaults(base_url="https://api.acme.example/v1", credential_env="ACME_KEY", in_flight=2)


def _schemas() -> dict[str, Any]:
    """The schemas that lie beside this module: `<operation>.schema.json`."""
    return {"clip": json.loads((files(__package__) / "clip.schema.json").read_text(encoding="utf-8"))}


@dataclass(frozen=True, slots=True)
class Acme:
    """The provider `acme` (`runner.core.ports.InstalledProvider`)."""

    type: str = "acme"
    defaults: ProviderDefaults = _DEFAULTS
    operations: Mapping[str, Operation] = field(default_factory=lambda: {"clip": Clip()})
    styles: Mapping[str, Mapping[str, Operation]] = field(default_factory=dict)
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=_schemas)

    def voices(self, language: str | None) -> Sequence[Request]:  # noqa: ARG002  the actors speak every language
        """`GET /actors`."""
        return [Request("GET", "/actors")]

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:
        """The actors; one without a name cannot be asked for and is left out."""
        body = read_object(reply)
        actors = None if isinstance(body, Unreadable) else body.get("actors")
        if reply.status != 200 or not isinstance(actors, list):
            return words_of(reply)
        names = [(text(mapping(actor).get("name")), text(mapping(actor).get("language"))) for actor in actors]
        return [Voice(inputs={"actor": name}, name=name, language=language) for name, language in names if name]


PROVIDER: Final[InstalledProvider] = Acme()
