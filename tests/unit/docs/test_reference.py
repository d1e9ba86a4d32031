"""The reference pages are what the schemas say."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from runner.manifest.schema.reference import PAGES
from tests.commandline import REPOSITORY

FOLDER = REPOSITORY / "docs" / "reference"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_the_schemas_say(page: str) -> None:
    """`docs/reference/` holds what `make reference` writes."""
    done = subprocess.run(
        [sys.executable, "-m", "runner.manifest.schema.reference", page],
        capture_output=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert (FOLDER / f"{page}.md").read_bytes() == done.stdout, "make reference writes it anew"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every link within a page has its heading, once, and every link to another page its file."""
    text = PAGES[page]()
    headings = [
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    ]
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert headings.count(link[1:]) == 1, link
        else:
            assert (FOLDER / link).is_file(), link


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_whole(page: str) -> None:
    """Every row of a table has five cells, whatever stands in them."""
    rows = [line for line in PAGES[page]().splitlines() if line.startswith("|")]
    assert len(rows) > 20
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
