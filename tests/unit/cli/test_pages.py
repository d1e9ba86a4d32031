"""The pages of the codes: complete, and true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner.core import codes as core_codes
from runner.core.error_codes import ErrorCode
from runner.explanations.library import codes, read_page
from runner.manifest.codes import Code as ManifestCode
from runner.manifest.text.codes import SourceCode
from tests.commandline import REPOSITORY
from tests.unit.cli.page_examples import Example

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell

ENUMS = (SourceCode, ManifestCode, core_codes.Code, ErrorCode)
WITHOUT_EXAMPLE = {"M100", "M115"}
"""What our schemas can refuse has better words; the first is left for a schema of somebody else's operation. The second needs a broken package."""
ABOUT_MANIFESTS = [code for code in codes() if code.startswith("M") and code not in WITHOUT_EXAMPLE]


def test_every_code_has_one_page_and_every_page_a_code() -> None:
    """The enums and the folder list the same codes, and no two enums share one."""
    listed = [str(code) for enum in ENUMS for code in enum]
    assert sorted(listed) == sorted(codes())


def test_every_code_in_the_programme_has_a_page() -> None:
    """Rooms that may not import an enum write a code as text: none of those is without a page either."""
    modules = (REPOSITORY / "runner").rglob("*.py")
    written = {code for path in modules for code in re.findall(r'"([MPE]\d{3})"', path.read_text(encoding="utf-8"))}
    assert written
    assert written <= set(codes())


@pytest.mark.parametrize("code", codes())
def test_every_page_has_its_parts(code: str) -> None:
    """A title that names the code, what it means, why, and what to do; lines that a terminal shows whole."""
    page = read_page(code)
    parts = re.split(r"^## (.+)\n", page.text, flags=re.MULTILINE)
    assert page.text.startswith(f"# {code}: {page.title}\n\n")
    assert parts[1::2][:2] == ["Why", "What to do"]
    assert all(text.strip() for text in (parts[0].partition("\n")[2], *parts[2::2]))
    assert not page.title.endswith(".")
    assert max(map(len, page.text.splitlines())) <= 140


@pytest.mark.parametrize("code", core_codes.Code)
def test_a_job_is_told_the_title_of_its_page(code: core_codes.Code) -> None:
    """The words of the report and those of the page are the same."""
    assert read_page(code).title == core_codes.MEANING[code]


@pytest.mark.parametrize("code", ABOUT_MANIFESTS)
def test_the_wrong_example_has_this_finding_and_no_other(code: str, shell: Shell) -> None:
    """What the page shows as wrong is found to be wrong in just this way."""
    assert Example.under("Wrong", read_page(code).text).codes(shell) == {code}


@pytest.mark.parametrize("code", ABOUT_MANIFESTS)
def test_the_right_example_has_no_finding(code: str, shell: Shell) -> None:
    """What the page shows as right is."""
    assert Example.under("Right", read_page(code).text).codes(shell) == set()
