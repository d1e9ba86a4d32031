"""Which rows an operation has to show, by the folder of its recorded replies and the kind of reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.contract.providers.rows import digital_human, gateway, kling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.providers.rows.row import Row

TABLES: Final[Mapping[tuple[str, str], tuple[Row, ...]]] = {
    ("digital-human.avatar", "submit"): digital_human.SUBMIT + gateway.SUBMIT,
    ("digital-human.avatar", "query"): digital_human.QUERY + gateway.QUERY,
    ("kling.avatar", "submit"): kling.SUBMIT + gateway.SUBMIT,
    ("kling.avatar", "query"): kling.AVATAR_QUERY + gateway.QUERY,
    ("kling.avatar", "lookup"): kling.LOOKUP,
    ("kling.avatar", "list"): kling.LIST,
    ("kling.tts", "submit"): kling.SPEECH_SUBMIT + gateway.SUBMIT,
    ("kling.tts", "query"): kling.SPEECH_QUERY + gateway.QUERY,
    ("kling.voice", "submit"): kling.SUBMIT + gateway.SUBMIT,
    ("kling.voice", "query"): kling.VOICE_QUERY + gateway.QUERY,
    ("kling.voice", "lookup"): kling.LOOKUP,
    ("kling.voice", "list"): kling.LIST,
    # What a video's replies look like depends on where things stand in them: `test_video.py` looks at each place.
    ("video.generate", "submit"): gateway.SUBMIT,
    ("video.generate", "query"): gateway.QUERY,
    ("video.generate.openai", "submit"): gateway.SUBMIT,
    ("video.generate.openai", "query"): gateway.QUERY,
}
