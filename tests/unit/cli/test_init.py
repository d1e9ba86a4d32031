"""`callsheet init`: what it says, and what it refuses. What it writes is tested beside `runner.manifest.example`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell


def test_it_says_what_it_wrote_and_what_to_type(shell: Shell) -> None:
    """One line for each file, then three commands."""
    assert shell("init", "spring").stdout.splitlines() == [
        "wrote spring/campaign.yaml",
        "wrote spring/customers.csv",
        "wrote spring/.env.example",
        "wrote spring/callsheet.schema.json",
        "wrote spring/.gitignore",
        "next:",
        "  callsheet validate spring/campaign.yaml",
        "  callsheet plan spring/campaign.yaml --sandbox",
        "  callsheet run spring/campaign.yaml --sandbox",
    ]


def test_it_says_what_it_added_to_an_ignore_list(shell: Shell) -> None:
    """The list is not named among the files that it wrote."""
    (shell.folder / ".gitignore").write_text("outputs/\n", encoding="utf-8")
    lines = shell("init").stdout.splitlines()
    assert "added to .gitignore: .env, .callsheet/" in lines
    assert "wrote .gitignore" not in lines


def test_it_names_every_file_that_is_in_its_way(shell: Shell) -> None:
    """Exit 2, and nothing is written."""
    for name in ("campaign.yaml", "customers.csv"):
        (shell.folder / name).write_text("mine", encoding="utf-8")
    said = shell("init", code=2).stderr
    assert "nothing was written, because this is there already: campaign.yaml, customers.csv" in said
    assert {path.name for path in shell.folder.iterdir()} == {"campaign.yaml", "customers.csv"}


@pytest.mark.parametrize(("folder", "code"), [("file/below", 74), ("file", 2)])
def test_a_place_that_cannot_be_written_is_no_bug(shell: Shell, folder: str, code: int) -> None:
    """A file where a folder should be is named; there is no traceback."""
    (shell.folder / "file").write_text("mine", encoding="utf-8")
    said = shell("init", folder, code=code).stderr
    assert folder in said
    assert "bug" not in said
