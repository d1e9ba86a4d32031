"""Printing what is wrong with a manifest."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner.cli.screen import say, tell, wants_color
from runner.core.collected import Found
from runner.manifest.printing.formats import render, summary
from runner.manifest.text.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.diagnostics import Diagnostic
    from runner.core.errors import ManifestInvalid

Format = Literal["full", "concise", "json", "github"]

_MOST_SOURCE_BYTES = 64 * 1024 * 1024
_MOST_CODES = 5
"""Whoever has more kinds of errors than this reads one page after the other."""


def found_in(invalid: ManifestInvalid) -> Found:
    """The findings that an error carries."""
    return Found(invalid.diagnostics, invalid.not_kept, invalid.jobs_read)


def tell_findings(found: Found) -> None:
    """Print findings that ended a command to standard error."""
    text = render(found, format="full", sources=sources_of(found.diagnostics), color=wants_color(sys.stderr))
    tell(text.rstrip("\n"))
    tell(f"\n{summary(found)}")
    _tell_more(found.diagnostics)


def say_findings(found: Found, form: Format, *, show_all: bool) -> None:
    """Print findings as the result of `validate`."""
    sources = sources_of(found.diagnostics) if form == "full" else {}
    text = render(found, format=form, sources=sources, color=wants_color(sys.stdout), all=show_all)
    if text:
        say(text.rstrip("\n"))
    if form in ("full", "concise"):
        tell(summary(found))
    if form == "full":
        _tell_more(found.diagnostics)


def _tell_more(diagnostics: Sequence[Diagnostic]) -> None:
    """The command that says more about what was found, runnable as printed; the commonest codes first."""
    commonest = Counter(finding.code for finding in diagnostics).most_common(_MOST_CODES)
    if commonest:
        tell(f"more: {shlex.join(['callsheet', 'explain', *(code for code, _ in commonest)])}")


def sources_of(diagnostics: Sequence[Diagnostic]) -> Mapping[str, Sequence[str]]:
    """The lines of every file that a finding points into; a file that cannot be read is left out."""
    names = {
        span.file
        for finding in diagnostics
        for span in (finding.span, *(label.span for label in finding.labels))
        if span.line
    }
    sources: dict[str, Sequence[str]] = {}
    for name in names:
        try:
            with Path(name).open("rb") as file:
                sources[name] = Lines.of_file(file.read(_MOST_SOURCE_BYTES))
        except OSError:
            continue
    return sources
