"""What jobs ask of those whose outputs they use, read from the operations' own schemas."""

from __future__ import annotations

from math import inf
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
        (SOUND_FILE, Chained("voice", (("voice", MONTH_S),), (("voice", 2, 300),))),
        ("sound_file: https://cdn.example.com/a.mp3", NOT_CHAINED),
        ("""sound_file: "{{ jobs['voice'].outputs.audio_url }}?x=1\"""", Chained(None, (("voice", MONTH_S),))),
        ("""sound_file: "https://cdn.example.com/{{ jobs['voice'].outputs.duration_s }}.mp3\"""", NOT_CHAINED),
        (f"""{AUDIO_ID}, prompt: "like {{{{ jobs['voice'].outputs.audio_id }}}}\"""",
         Chained("voice", (("voice", MONTH_S),), (("voice", 2, 300),))),
    ],
)  # fmt: skip
def test_a_job_knows_what_it_asks_of_a_recording(tmp_path: Path, sound: str, expected: Chained) -> None:
    """Age by what Kling forgets, length by whatever stands alone as its sound; text around it names no recording."""
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


@pytest.mark.parametrize(
    ("kept_s", "accepts", "expected"),
    [(60.0, {}, 60.0), (inf, {}, MONTH_S), (60.0, {"max_age_s": 30}, 30), (90.0, {"max_age_s": 120}, 90.0)],
)
def test_the_shorter_time_counts(kept_s: float, accepts: dict[str, float], expected: float) -> None:
    """That of the input, which the account may say otherwise, or that of the output."""
    chains = Chains("kling/avatar", {"audio_id": accepts})
    inputs = {"audio_id": marker(OutputRef("voice", "audio_id"))}
    assert chains.of(inputs, lambda _: kept_s).ageing == (("voice", expected),)


def test_a_job_of_another_provider_takes_an_address_no_longer_than_it_is_kept(tmp_path: Path) -> None:
    """The time belongs to the output: whoever uses it asks for it young."""
    face = "  ben:\n    uses: digital-human/avatar\n    with: {avatar_url: https://cdn.example.com/b.png, %s}\n"
    url = """audio_url: "{{ jobs['voice'].outputs.audio_url }}\""""
    path = written(tmp_path, f"{HEAD}jobs:\n{VOICE}{face % url}")
    assert jobs(path)[1].ageing == (("voice", MONTH_S),)
    assert opened(path).ageing == {"kling/tts": MONTH_S}


def test_two_jobs_without_files_need_no_paths_of_their_own(tmp_path: Path) -> None:
    """Nothing is written there; jobs with files still may not share one."""
    shared = "    output: same\n"
    voice = "    uses: kling/voice\n    with: {voice_name: %s, voice_url: https://cdn.example.com/a.mp3}\n"
    many = "".join(f"  {name}:\n{voice % name}{shared}" for name in ("anna", "ben"))
    path = written(tmp_path, f"{HEAD}jobs:\n{many}{VOICE}{shared}")
    assert [job.delivers_file for job in jobs(path)] == [False, False, True]
