"""Asking an account for its voices."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from runner.cli.embedded import sandbox_for
from runner.cli.providers import provider_of
from runner.cli.screen import say, tell
from runner.cli.wires import make_asking_wire
from runner.core.answers import Reply
from runner.core.error_codes import ErrorCode
from runner.core.errors import SettingMissing
from runner.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.ports import Voice
    from runner.core.spec import Campaign


def list_voices(campaign: Campaign, account: str, language: str | None, *, as_json: bool) -> None:
    """Print the voices of an account, one a line.

    Raises:
        SettingMissing: The credential is missing, or the API gives no list.
    """
    voices = asyncio.run(_ask(campaign, account, language))
    if as_json:
        listed = [
            {"inputs": dict(v.inputs), "name": v.name, "language": v.language, "labels": list(v.labels)} for v in voices
        ]
        say(json.dumps({"version": 1, "voices": listed}, ensure_ascii=False, indent=2))
        return
    for voice in voices:
        inputs = "  ".join(f"{name}: {value}" for name, value in voice.inputs.items())
        say(visible(f"{voice.language:<5} {voice.name:<20} {inputs}  {', '.join(voice.labels)}".rstrip()))
    mute = sum(not voice.language for voice in voices) if language is not None else 0
    if mute:
        tell(f"The API does not say what {mute:,} of these voices speak; they are listed whatever --language says.")
    if not voices:
        tell(f"Account `{account}` lists no voices.")


async def _ask(campaign: Campaign, account: str, language: str | None) -> Sequence[Voice]:
    async with sandbox_for(campaign):
        provider = provider_of(campaign.accounts[account])
        wire = make_asking_wire(campaign, account)
        found: list[Voice] = []
        try:
            for request in provider.voices(language):
                exchange = await wire.get(request)
                voices = provider.read_voices(exchange) if isinstance(exchange, Reply) else exchange.message
                if isinstance(voices, str):
                    raise SettingMissing(
                        f"account `{account}` gave no list of voices: {voices}",
                        next_step=f"callsheet doctor {campaign.path}",
                        code=ErrorCode.NO_VOICES,
                    )
                found += [voice for voice in voices if language is None or voice.language in ("", language)]
        finally:
            await wire.close()
        return found
