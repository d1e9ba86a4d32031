"""`init` on a new machine: what it prints can be typed as it stands, and leads from nothing to videos."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commandline import CommandLine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def callsheet(tmp_path: Path) -> CommandLine:
    """Starts the product with an empty home, in an empty folder whose name has a space."""
    folder, home, logs = (tmp_path / name for name in ("my work", "home", "logs"))
    for each in (folder, home, logs):
        each.mkdir()
    return CommandLine(folder, home, logs)


def test_from_nothing_to_videos(callsheet: CommandLine) -> None:
    """`init`, then every command that it prints, as printed; the same run again sends nothing, and git sees no secret and no video."""
    said = callsheet("init", "spring 2026").expect(0).stdout
    steps = [shlex.split(line) for line in re.findall(r"^  (callsheet .+)$", said, flags=re.MULTILINE)]
    assert [step[1] for step in steps] == ["validate", "plan", "run"]
    finished = [callsheet(*step[1:]).expect(0) for step in steps]
    assert finished[-1].stdout.splitlines()[-1].startswith("Done. OK=7 FAILED=0 ")
    campaign = callsheet.folder / "spring 2026"
    ledger = campaign / ".callsheet" / "my-campaign.sandbox" / "sandbox.jsonl"
    creates = ledger.read_text(encoding="utf-8").count('"event":"create"')
    again = callsheet(*steps[-1][1:]).expect(0)
    assert again.stdout.splitlines()[-1].startswith("Done. OK=0 FAILED=0 DOUBT=0 SKIPPED=0 CACHED=7 ")
    assert ledger.read_text(encoding="utf-8").count('"event":"create"') == creates == 7
    assert not list(callsheet.home.iterdir())
    assert seen_by_git(campaign) == {
        ".env.example",
        ".gitignore",
        "callsheet.schema.json",
        "campaign.yaml",
        "customers.csv",
    }


def test_the_lock_file_is_not_ignored(callsheet: CommandLine) -> None:
    """What was paid is to be committed; the secret beside it is not."""
    callsheet("init").expect(0)
    for name in ("campaign.lock.jsonl", ".env"):
        (callsheet.folder / name).write_text("x", encoding="utf-8")
    seen = seen_by_git(callsheet.folder)
    assert "campaign.lock.jsonl" in seen
    assert ".env" not in seen


def test_the_editor_line_names_the_schema_that_is_written(callsheet: CommandLine) -> None:
    """The relative path leads to a file that holds what `callsheet schema` prints."""
    callsheet("init", "spring").expect(0)
    campaign = callsheet.folder / "spring"
    first = (campaign / "campaign.yaml").read_text(encoding="utf-8").splitlines()[0]
    schema = campaign / first.partition("$schema=")[2]
    assert json.loads(schema.read_text(encoding="utf-8")) == json.loads(callsheet("schema").expect(0).stdout)


def seen_by_git(folder: Path) -> set[str]:
    """The files that `git add .` would take, in a repository made here."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    words = ["git", "-C", str(folder), "ls-files", "--others", "--exclude-standard"]
    return set(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines())
