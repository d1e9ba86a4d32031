"""What jobs ask of those whose outputs they use, read from the operations' own schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.core.references import OutputRef, marker
from runner.manifest.chains import NOT_CHAINED, Chained, Chains
from tests.unit.manifest.manifests import HEAD, jobs, opened, written

if TYPE_CHECKING:
    from pathlib import Path

MONTH_S = 2_592_000
VOICE = "  voice:\n    uses: kling/tts\n    with: {text: Hello, voice_id: oversea_male1, voice_language: en}\n"
AVATAR = "  anna:\n    uses: kling/avatar\n    with: {image: https://cdn.example.com/a.png, %s}\n"
AUDIO_ID = """audio_id: "{{ jobs['voice'].outputs.audio_id }}\""""
SOUND_FILE = """sound_file: "{{ jobs['voice'].outputs.audio_url }}\""""


def manifest(folder: Path, sound: str, head: str = "") -> Path:
    """A recording, and an avatar that speaks something."""
    return written(folder, f"{HEAD}{head}jobs:\n{VOICE}{AVATAR % sound}")


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (AUDIO_ID, Chained("voice", (("voice", MONTH_S),), (("voice", 2, 300),))),
        (SOUND_FILE, Chained("voice", (), (("voice", 2, 300),))),
        ("sound_file: https://cdn.example.com/a.mp3", NOT_CHAINED),
        ("""sound_file: "{{ jobs['voice'].outputs.audio_url }}?x=1\"""", NOT_CHAINED),
        (f"""{AUDIO_ID}, prompt: "like {{{{ jobs['voice'].outputs.audio_id }}}}\"""",
         Chained("voice", (("voice", MONTH_S),), (("voice", 2, 300),))),
    ],
)  # fmt: skip
def test_a_job_knows_what_it_asks_of_a_recording(tmp_path: Path, sound: str, expected: Chained) -> None:
    """Age by the id, length by whatever stands alone as its sound; text around it names no recording."""
    job = jobs(manifest(tmp_path, sound))[1]
    assert Chained(job.lasts_as, job.ageing, job.lengths) == expected


@pytest.mark.parametrize(("sound", "ageing"), [(AUDIO_ID, {"kling/tts": MONTH_S}), ("audio_id: a-1", {})])
def test_a_manifest_knows_what_may_grow_too_old(tmp_path: Path, sound: str, ageing: dict[str, float]) -> None:
    """Without a reference in an input that takes young outputs only, nothing has to be looked through."""
    assert opened(manifest(tmp_path, sound)).ageing == ageing


def test_a_computed_id_may_be_any_job(tmp_path: Path) -> None:
    """Which jobs an expression makes up is known only when its rows are: every operation of the manifest may be meant."""
    rows = '    foreach: {rows: [{n: voice}], key: "{{ row.n }}"}\n'
    text = AVATAR % """audio_id: "{{ jobs[row.n].outputs.audio_id }}\""""
    text = text.replace("    with", rows + "    with")
    path = written(tmp_path, f"{HEAD}jobs:\n{VOICE}{text}")
    assert opened(path).ageing == {"kling/tts": MONTH_S, "kling/avatar": MONTH_S}
    assert jobs(path)[1].ageing == (("voice", MONTH_S),)


def test_an_account_may_say_otherwise() -> None:
    """Its limits replace those of the schema, one by one."""
    chains = Chains("kling/avatar", {"audio_id": {"max_age_s": 60, "max_duration_s": 10}})
    inputs = {"audio_id": marker(OutputRef("voice", "audio_id"))}
    assert chains.of(inputs) == Chained("voice", (("voice", 60),), (("voice", 2, 10),))
    assert chains.least_age_s == 60


def test_an_unknown_operation_asks_nothing() -> None:
    """Whatever is put into it."""
    assert Chains(None, {}).of({"audio_url": marker(OutputRef("voice", "x"))}) is NOT_CHAINED
