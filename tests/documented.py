"""What the documents allow a submission to hold (api-facts 1.3, 1.8, 1.9, 2.2, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fakeapi.ledger import Create


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of an operation.

    Args:
        needed: Must be there.
        one_of: Exactly one must be there; empty where nothing is to be chosen.
        more: May be there; None when the set is open.
    """

    needed: frozenset[str]
    one_of: frozenset[str] = frozenset()
    more: frozenset[str] | None = frozenset()

    def complaints(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the fields of a body."""
        given = fields.keys()
        if not self.needed <= given:
            yield f"lacks {sorted(self.needed - given)}"
        if self.one_of and len(self.one_of & given) != 1:
            yield f"has {sorted(self.one_of & given)}, not one of {sorted(self.one_of)}"
        if self.more is not None and not given <= self.needed | self.one_of | self.more:
            yield f"has {sorted(given - self.needed - self.one_of - self.more)}"


FORMS: Final = {
    "digital-human/avatar": Form(
        needed=frozenset({"avatar_url"}),
        one_of=frozenset({"audio_url", "create_voice", "use_voice"}),
        more=frozenset({"no_watermark"}),
    ),
    "kling/avatar": Form(
        needed=frozenset({"image", "external_task_id"}),
        one_of=frozenset({"audio_id", "sound_file"}),
        more=frozenset({"prompt", "mode", "watermark_info", "callback_url"}),
    ),
    "kling/tts": Form(needed=frozenset({"text", "voice_id", "voice_language"}), more=frozenset({"voice_speed"})),
    "kling/voice": Form(
        needed=frozenset({"voice_name", "external_task_id"}),
        one_of=frozenset({"voice_url", "video_id"}),
        more=frozenset({"callback_url"}),
    ),
    "video/generate": Form(needed=frozenset({"model", "prompt"}), more=None),
}
_VOICES: Final = {
    "create_voice": {"audio_url", "language", "text"},
    "use_voice": {"voice_engine_id", "audio_id", "language", "text"},
}


def undocumented(create: Create) -> Iterator[str]:
    """What no document allows about a submission, in words."""
    fields = create.fields
    for complaint in FORMS[create.operation].complaints(fields):
        yield f"a submission of {create.operation} {complaint}"
    for name, wanted in _VOICES.items():
        if name in fields and fields[name].keys() != wanted:
            yield f"{name} has the fields {sorted(fields[name])}"
    if any(isinstance(value, str) and value.startswith("data:") for value in fields.values()):
        yield f"a submission of {create.operation} holds a data: address"
    if not create.knows_secret:
        yield "a submission came without the credential"
    if create.media_type != "application/json" and create.operation != "video/generate":
        yield f"a submission came as {create.media_type}"
