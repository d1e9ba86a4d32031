"""`validate`: what it counts, what it says about the rest, and how it exits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell

ROWS = 12_000
WITH = "    with: {avatar_url: https://cdn.example.com/a.png, audio_url: https://cdn.example.com/a.mp3}\n"
CSV_JOBS = (
    "version: 1\nname: spring\njobs:\n  a:\n    uses: digital-human/avatar\n"
    '    foreach: {csv: rows.csv, key: "{{ row.id }}"}\n' + WITH
)


@pytest.fixture
def flooded(shell: Shell) -> Shell:
    """A manifest whose CSV file has more bad rows than can be listed."""
    (shell.folder / "spring.yaml").write_text(CSV_JOBS, encoding="utf-8")
    (shell.folder / "rows.csv").write_text("id,name\n" + "x\n" * ROWS, encoding="utf-8")
    return shell


@pytest.mark.parametrize(
    ("options", "rest"),
    [
        ((), "rows.csv: and 11,980 more (--all lists 9,980; 2,000 counted, but too many to list)"),
        (("--all",), "rows.csv: and 2,000 counted, but too many to list"),
    ],
)
def test_more_than_can_be_listed(flooded: Shell, options: tuple[str, ...], rest: str) -> None:
    """All findings are counted, and what cannot be listed is said."""
    done = flooded("validate", "spring.yaml", "--format", "concise", *options, code=4)
    assert done.stdout.splitlines()[-1] == rest
    assert done.stderr == "12,000 errors, 12,000 jobs read. Nothing was sent to any provider.\n"


def test_json_counts_the_rest(flooded: Shell) -> None:
    """A programme learns how many findings it does not see."""
    told = flooded.json("validate", "spring.yaml", "--format", "json", code=4)
    assert (len(told["findings"]), told["not_listed"]) == (10_000, {"error": 2_000, "warning": 0})


@pytest.mark.parametrize("command", ["plan", "run"])
def test_plan_and_run_count_alike(flooded: Shell, command: str) -> None:
    """What `validate` counts, the commands that end by it count too."""
    assert "\n12,000 errors. Nothing was sent" in flooded(command, "spring.yaml", code=4).stderr


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_jobs_are_counted_where_the_manifest_does_not_open(shell: Shell, command: str) -> None:
    """The rows of a manifest with an error of its own were read all the same."""
    (shell.folder / "spring.yaml").write_text(CSV_JOBS + "prices: {nobody/avatar: {}}\n", encoding="utf-8")
    (shell.folder / "rows.csv").write_text("id\n1\n2\n.3\n", encoding="utf-8")
    assert "2 errors, 3 jobs read." in shell(command, "spring.yaml", code=4).stderr


def test_no_count_where_nobody_counted(shell: Shell) -> None:
    """A file that is no YAML has no number of jobs, and adds none to that of another."""
    (shell.folder / "bad.yaml").write_text("a: [", encoding="utf-8")
    assert "jobs read" not in shell("validate", "bad.yaml", code=4).stderr
    shell.write()
    assert "1 error, 1 job read." in shell("validate", "bad.yaml", "spring.yaml", code=4).stderr


def test_prices_of_a_manifest_that_does_not_open(shell: Shell) -> None:
    """A job without a price is found beside an error of another job, and only for what is sound."""
    shell.write()
    text = (shell.folder / "spring.yaml").read_text(encoding="utf-8").replace("digital-human/avatar:", "kling/avatar:")
    budget = 'budget: {max: "1.00", currency: USD}\n'
    bad = "  bad:\n    uses: kling/avatar\n    needs: [nobody]\n    with: {image: https://cdn.example.com/a.png, audio_id: a}\n"
    (shell.folder / "spring.yaml").write_text(budget + text + bad, encoding="utf-8")
    found = json.loads(shell("validate", "spring.yaml", "--format", "json", code=4).stdout)["findings"]
    assert sorted((it["code"], it["job"]) for it in found) == [("M401", "bad"), ("M601", "anna")]
