"""Manifests with thousands of faults: the time grows with them and not with their square."""

from __future__ import annotations

import json
from time import process_time
from typing import TYPE_CHECKING

import pytest

from runner.core.diagnostics import Severity
from runner.manifest.campaign import ManifestCampaign, open_campaign
from runner.manifest.flaws import closest
from runner.manifest.validate import check
from tests.unit.manifest.manifests import ADDRESSES, DEFAULTS, HEAD, written

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.collected import Found

MOST_SECONDS = 6.0
"""Each of these takes about one second, and took from ten to thirty when it grew with the square."""
JOB = "    uses: digital-human/avatar\n"
WITH = f"    with: {ADDRESSES}\n"


def look(folder: Path, text: str, **files: str) -> Found:
    """Everything that is wrong with a manifest."""
    campaign = open_campaign(written(folder, text, **files), display="manifest.yaml", defaults=DEFAULTS)
    return check(campaign) if isinstance(campaign, ManifestCampaign) else campaign


def two_bad_columns(folder: Path) -> Found:
    """Every row of a CSV file has two findings."""
    rows = "id,a,b\n" + "".join(f"{number},q,q\n" for number in range(16_000))
    schema = json.dumps({"properties": {"a": {"pattern": "^x"}, "b": {"pattern": "^x"}}})
    foreach = '    foreach: {csv: rows.csv, schema: row.json, key: "{{ row.id }}"}\n'
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}{foreach}{WITH}", rows_csv=rows, row_json=schema)


def combinations_of_bad_rows(folder: Path) -> Found:
    """Every row of a file of JSON lines has one fault, which two combinations meet."""
    rows = "".join(f'{{"id": {number}, "a": "q"}}\n' for number in range(9_000))
    foreach = '    foreach: {jsonl: rows.jsonl, key: "{{ row.id }}"}\n    matrix: {n: [1, 2]}\n'
    inputs = '    with: {avatar_url: "{{ row.a }}", audio_url: https://cdn.example.com/a.mp3}\n'
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}{foreach}{inputs}", rows_jsonl=rows)


def unknown_rows(folder: Path) -> Found:
    """Every row names a job of another block that is not there."""
    voices = "id\n" + "".join(f"{number}\n" for number in range(2_000))
    rows = "id,voice\n" + "".join(f"{number},{90_000 + number}\n" for number in range(300))
    inputs = """    with: {avatar_url: https://cdn.example.com/a.png, audio_url: "{{ jobs['v/' ~ row.voice].outputs.video_url }}"}\n"""
    text = (
        f'{HEAD}jobs:\n  v:\n{JOB}    foreach: {{csv: voices.csv, key: "{{{{ row.id }}}}"}}\n{WITH}'
        f'  b:\n{JOB}    foreach: {{csv: rows.csv, key: "{{{{ row.id }}}}"}}\n{inputs}'
    )
    return look(folder, text, rows_csv=rows, voices_csv=voices)


def misspelt_needs(folder: Path) -> Found:
    """Every job misspells the one that it needs."""
    jobs = (f"  job-{number}:\n{JOB}    needs: [jbo-{number}]\n{WITH}" for number in range(3_000))
    return look(folder, f"{HEAD}jobs:\n{''.join(jobs)}")


def many_needs(folder: Path) -> Found:
    """One job needs thousands that are not there."""
    needs = ", ".join(f"n{number}" for number in range(30_000))
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}    needs: [{needs}]\n{WITH}")


def renames(folder: Path) -> Found:
    """Thousands of renames lead to jobs that are not there."""
    moved = "".join(f"  - {{from: o{number}, to: n{number}}}\n" for number in range(20_000))
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}{WITH}moved:\n{moved}")


def renames_in_a_row(folder: Path) -> Found:
    """Thousands of renames lead one to the next, the last of them written first."""
    moved = "".join(f"  - {{from: o{number}, to: o{number + 1}}}\n" for number in reversed(range(20_000)))
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}{WITH}moved:\n{moved}")


def excludes(folder: Path) -> Found:
    """A matrix of almost as many combinations as are allowed, with hundreds of entries that each fit a few."""
    axis = list(range(1, 317))
    exclude = [{"x": number, "y": number} for number in range(1, 151)] + [{"x": 1, "y": 1}]
    include = [{"x": number, "colour": "red"} for number in range(1, 151)]
    matrix = json.dumps({"x": axis, "y": axis, "exclude": exclude, "include": include})
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}    matrix: {matrix}\n{WITH}")


def includes_for_all(folder: Path) -> Found:
    """Entries that each fit all combinations would need more memory than there is."""
    axis = list(range(1, 317))
    matrix = json.dumps({"x": axis, "y": axis, "include": [{f"c{number}": 1} for number in range(200)]})
    return look(folder, f"{HEAD}jobs:\n  a:\n{JOB}    matrix: {matrix}\n{WITH}")


@pytest.mark.parametrize(
    ("make", "errors", "warnings"),
    [
        (two_bad_columns, 32_000, 0),
        (combinations_of_bad_rows, 5_001, 0),
        (unknown_rows, 300, 0),
        (misspelt_needs, 3_000, 0),
        (many_needs, 30_000, 0),
        (renames, 0, 20_000),
        (renames_in_a_row, 0, 1),
        (excludes, 1, 0),
        (includes_for_all, 1, 0),
    ],
)
def test_time_grows_with_the_faults(tmp_path: Path, make: object, errors: int, warnings: int) -> None:
    """However many faults there are, each is found once and counted, in a time that is no square of their number."""
    assert callable(make)
    before = process_time()
    found: Found = make(tmp_path)
    assert process_time() - before < MOST_SECONDS
    assert (found.count(Severity.ERROR), found.count(Severity.WARNING)) == (errors, warnings)


def test_places_of_kept_findings(tmp_path: Path) -> None:
    """Every finding that is kept stands at its field, the second of a row as well as the first."""
    found = two_bad_columns(tmp_path)
    assert {it.span.column for it in found.diagnostics} == {
        len(f"{n},") + at for n in (1, 10, 100, 1_000) for at in (1, 3)
    }


def test_hints_for_what_is_shown(tmp_path: Path) -> None:
    """The first findings of a file say what was probably meant, and nobody looks it up for thousands."""
    hints = [it.hint for it in misspelt_needs(tmp_path).diagnostics]
    assert hints[:100] == [f"did you mean `job-{number}`?" for number in range(100)]
    assert not any(hints[100:])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("anna-vioce", "anna-voice"),
        ("ana-voice", "anna-voice"),
        ("anna_voicee", "anna-voice"),
        ("nothing-like-it", None),
        ("v" * 300, None),
    ],
)
def test_the_closest_of_thousands(word: str, meant: str | None) -> None:
    """Among thousands of names a slip of the pen is recognised as among ten."""
    assert closest(word, [*(f"ann-{number}" for number in range(1_900)), "anna-voice"]) == meant
