"""Findings by the thousand: what is kept, what is counted, what is one finding."""

from __future__ import annotations

import pytest

from runner.core.collected import SHOWN_OF_FILE, Collected, Found
from runner.core.diagnostics import Diagnostic, Label, Severity, Span


def finding(
    line: int,
    *,
    file: str = "a.csv",
    code: str = "M304",
    job: str | None = "a",
    severity: Severity = Severity.ERROR,
    label: str | None = None,
) -> Diagnostic:
    """A finding of which the test names what matters."""
    labels = (Label(Span("m.yaml", 1), label),) if label is not None else ()
    return Diagnostic(code=code, message="wrong", span=Span(file, line), severity=severity, job=job, labels=labels)


def collected(*findings: Diagnostic, most: int = 100) -> Found:
    """What is found after these."""
    takes = Collected(most)
    for each in findings:
        takes(each)
    return takes.found()


def test_all_are_counted_and_so_many_kept() -> None:
    """Past the bound findings are counted by file and severity."""
    rows = [finding(line, severity=severity) for line in range(200) for severity in Severity]
    found = collected(*rows, most=100)
    assert len(found.diagnostics) == 100
    assert found.count(Severity.ERROR) + found.count(Severity.WARNING) == sum(found.not_kept.values()) + 100
    assert found.not_kept_of("a.csv") == sum(found.not_kept.values()) == 100
    assert found.not_kept_of("b.csv") == 0


@pytest.mark.parametrize("other", [{"file": "b.csv"}, {"job": "b/1"}, {"code": "M401"}])
def test_a_flood_hides_nothing_else(other: dict[str, str]) -> None:
    """The first findings of another file, block or code are kept behind any number of the same."""
    flood = [finding(line, job=f"a/{line}") for line in range(1_000)]
    late = [finding(line, **{"job": "a/1", **other}) for line in range(2_000, 2_050)]  # type: ignore[arg-type]
    found = collected(*flood, *late)
    assert [it.span.line for it in found.diagnostics[100:]] == list(range(2_000, 2_000 + SHOWN_OF_FILE))
    assert found.count(Severity.ERROR) == 1_050


def test_there_is_an_end_to_what_is_kept() -> None:
    """However many files and blocks there are, at most twice the bound is kept."""
    found = collected(*(finding(1, file=f"{number}.csv") for number in range(1_000)))
    assert (len(found.diagnostics), found.count(Severity.ERROR)) == (200, 1_000)


def test_a_hidden_error_is_an_error() -> None:
    """Whether a run may start is decided by the counts, not by what was kept."""
    flood = [finding(line, severity=Severity.WARNING) for line in range(1_000)]
    assert collected(*flood).is_valid
    assert not collected(*flood, finding(2_000), most=10).is_valid


def test_one_place_is_one_finding() -> None:
    """What several jobs have in one place is one finding, with the places of the first few and how many more have it."""
    found = collected(*(finding(1, job=f"a/{number}", label=f"here {number % 7}") for number in range(10)))
    (one,) = found.diagnostics
    assert (one.job, one.notes) == ("a/0", ("9 more jobs have it",))
    assert [label.text for label in one.labels] == [f"here {number}" for number in range(5)]


def test_one_place_is_one_finding_past_the_bound() -> None:
    """The combinations of a row that all have a fault are counted once, kept or not."""
    found = collected(*(finding(line, job=f"a/{line}/{part}") for line in range(300) for part in ("en", "zh")))
    assert found.count(Severity.ERROR) == 300


def test_sums() -> None:
    """Several manifests are one result; a count of jobs that nobody has is no zero."""
    unread, read = Found((finding(1),)), collected(*map(finding, range(30)), most=25)
    both = unread + Found(read.diagnostics, read.not_kept, 7) + unread
    assert (both.count(Severity.ERROR), both.jobs_read) == (32, 7)
    assert (unread + unread).jobs_read is None
