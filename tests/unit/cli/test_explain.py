"""`callsheet explain`, and the lines that lead to it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from runner.explanations.library import codes, read_page
from runner.explanations.reference import reference
from tests.commandline import REPOSITORY
from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from tests.unit.cli.shell import Shell

BAD = "version: 1\nname: BAD NAME\nbudgt: 1\njobs: {}\n"


@pytest.mark.parametrize("typed", ["M103", "m103"])
def test_a_page_is_printed_as_it_is_written(shell: Shell, typed: str) -> None:
    """Piped it is plain Markdown, to the letter; small letters do."""
    assert shell("explain", typed).stdout == read_page("M103").text


def test_several_pages_follow_one_another(shell: Shell) -> None:
    """In the order asked for, with an empty line between."""
    assert shell("explain", "E201", "M103").stdout == f"{read_page('E201').text}\n{read_page('M103').text}"


def test_a_terminal_gets_it_painted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where colour is wanted, headings and examples have it, and the marks of Markdown are gone."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    painted = shell("explain", "M103").stdout
    assert "\x1b[" in painted
    assert "```" not in painted
    assert "# M103" not in painted


def test_without_a_code_all_are_listed(shell: Shell) -> None:
    """One line each, with the page's title."""
    listed = shell("explain").stdout
    assert re.findall(r"^  ([MPE]\d{3})  ", listed, flags=re.MULTILINE) == codes()
    assert all(f"  {code}  {read_page(code).title}\n" in listed for code in codes())


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("M13", "did you mean `M130`?"),
        ("e20", "did you mean `E201`?"),
        ("nonsense", "`callsheet explain` lists all codes"),
        ("../pages/M103", "there is no code `../pages/M103`"),
    ],
)
def test_an_unknown_code_is_a_wrong_command_line(shell: Shell, typed: str, hint: str) -> None:
    """Exit 2 with the code that was probably meant; nothing is printed as a result."""
    finished = shell("explain", "M103", typed, code=2)
    assert hint in finished.stderr
    assert finished.stdout == ""


def typed_after(finished_stderr: str) -> list[str]:
    """The words of the command that the output ends with."""
    label, _, command = finished_stderr.splitlines()[-1].strip().partition(": ")
    assert label == "more"
    program, *words = shlex.split(command)
    assert program == "callsheet"
    return words


@pytest.mark.parametrize(("command", "where"), [("validate", "stdout"), ("plan", "stderr")])
def test_findings_end_with_a_command_that_says_more(shell: Shell, command: str, where: str) -> None:
    """Once, in the last line, runnable as printed, with every code that was found."""
    (shell.folder / "bad.yaml").write_text(BAD, encoding="utf-8")
    finished = shell(command, "bad.yaml", code=4)
    found = set(re.findall(r"^error\[(\w+)\]", getattr(finished, where), flags=re.MULTILINE))
    words = typed_after(finished.stderr)
    assert finished.stderr.count("callsheet explain") == 1
    assert set(words[1:]) == found
    assert shell(*words).stdout.startswith("# M")


@pytest.mark.parametrize("form", ["concise", "json", "github"])
def test_other_formats_are_for_programmes(shell: Shell, form: str) -> None:
    """`concise`, `json` and `github` say nothing of pages."""
    (shell.folder / "bad.yaml").write_text(BAD, encoding="utf-8")
    finished = shell("validate", "bad.yaml", "--format", form, code=4)
    assert "explain" not in finished.stdout + finished.stderr


def test_no_finding_needs_no_page(shell: Shell) -> None:
    """A manifest that holds is not followed by advice."""
    shell.write()
    assert "explain" not in shell("validate", MANIFEST).stderr


def test_an_error_says_its_code_and_where_to_read_more(shell: Shell) -> None:
    """What ended a command begins with its code, says what to do, and names its page."""
    shell.write()
    finished = shell("run", MANIFEST, code=78)
    first, *rest = finished.stderr.splitlines()
    assert first.startswith("error[E401]: a credential is missing")
    assert any(line.startswith("  next: ") for line in rest)
    assert shell(*typed_after(finished.stderr)).stdout == read_page("E401").text


def test_the_document_holds_every_page() -> None:
    """`docs/errors.md` is what `python -m runner.explanations.reference` prints."""
    assert (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8") == reference()


def test_every_code_of_the_table_leads_to_its_anchor() -> None:
    """Each link has just one anchor, in the same order; an example's comments did not become headings."""
    text = reference()
    links = re.findall(r"^\| \[\w+\]\(#(\w+)\)", text, flags=re.MULTILINE)
    assert links == re.findall(r'^<a id="(\w+)"></a>$', text, flags=re.MULTILINE)
    assert links == [code.lower() for code in codes()]


def test_a_process_of_its_own_prints_the_document(callsheet: CommandLine) -> None:
    """The command line works without a terminal, a home or a manifest."""
    assert callsheet("explain", "e201").expect(0).stdout == read_page("E201").text
