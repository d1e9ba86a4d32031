"""Findings for people, for `grep`, for programmes and for GitHub."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal

from runner.core.diagnostics import Severity
from runner.manifest.printing.snippet import colours, no_colours, snippet
from runner.manifest.printing.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runner.core.diagnostics import Diagnostic, Span

Format = Literal["full", "concise", "json", "github"]

MOST_PER_FILE: Final = 20
"""Findings of one file that are shown unless all are asked for."""
MOST_ANNOTATIONS: Final = 10
"""GitHub shows so many annotations of a kind for one step and drops the rest without a word."""
JSON_VERSION: Final = 1


def render(
    diagnostics: Sequence[Diagnostic],
    *,
    format: Format,  # noqa: A002 - the word on the command line
    sources: Mapping[str, Sequence[str]],
    color: bool,
    all: bool = False,  # noqa: A002 - the word on the command line
) -> str:
    """Findings as text.

    Args:
        diagnostics: In any order. Files keep the order in which they first occur, findings of a file are put in position order.
        format: `full` draws snippets, `concise` takes one line each, `json` is one versioned object with all findings, `github` writes
            workflow commands.
        sources: Lines of the files by the names that spans give, for `full`; files may be missing.
        color: Whether terminal colours are wanted; only `full` has any.
        all: Show every finding, not just 20 of a file.

    Returns:
        Lines divided by line feeds, without one at the end; "" for no findings, except as `json`.
    """
    ordered = _in_order(diagnostics)
    match format:
        case "full":
            paint = colours if color else no_colours
            return "\n\n".join(_capped(ordered, lambda finding: snippet(finding, sources, paint), all_of_them=all))
        case "concise":
            return "\n".join(_capped(ordered, _concise, all_of_them=all))
        case "json":
            return json.dumps(
                {"version": JSON_VERSION, "findings": [_as_json(finding) for finding in ordered]}, indent=2
            )
        case "github":
            return "\n".join(_annotations(ordered, all_of_them=all))


def summary(diagnostics: Sequence[Diagnostic], jobs_read: int | None) -> str:
    """The line below all findings, such as `2 errors, 128 jobs read. Nothing was sent to any provider.`.

    Args:
        diagnostics: All findings.
        jobs_read: Jobs that were expanded, the faulty ones included; None when it did not come to that.
    """
    errors = sum(finding.severity is Severity.ERROR for finding in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [_count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    read = [] if jobs_read is None else [f"{_count(jobs_read, 'job')} read"]
    parts = [*(counts or ["No findings"]), *read]
    return f"{', '.join(parts)}.{' Nothing was sent to any provider.' if errors else ''}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    files = {file: rank for rank, file in enumerate(dict.fromkeys(finding.span.file for finding in diagnostics))}
    return sorted(diagnostics, key=lambda finding: (files[finding.span.file], finding.span))


def _capped(ordered: Sequence[Diagnostic], show: Callable[[Diagnostic], str], *, all_of_them: bool) -> Iterator[str]:
    """Each file's first findings, and how many were left out."""
    for file, group in groupby(ordered, lambda finding: finding.span.file):
        findings = list(group)
        most = len(findings) if all_of_them else MOST_PER_FILE
        yield from map(show, findings[:most])
        if len(findings) > most:
            yield f"{one_line(file)}: and {len(findings) - most:,} more (--all)"


def _concise(finding: Diagnostic) -> str:
    hint = f" ({finding.hint})" if finding.hint else ""
    return one_line(f"{finding.span}: {finding.severity}[{finding.code}]: {finding.message}{hint}")


def _as_json(finding: Diagnostic) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        **_place(finding.span),
        "hint": finding.hint,
        "labels": [{**_place(label.span), "text": label.text} for label in finding.labels],
        "job": finding.job,
        "notes": list(finding.notes),
    }


def _place(span: Span) -> dict[str, str | int | None]:
    return {
        "file": span.file,
        "line": span.line or None,
        "column": span.column or None,
        "width": span.width if span.column else None,
    }


def _annotations(ordered: Sequence[Diagnostic], *, all_of_them: bool) -> Iterator[str]:
    """Workflow commands for as many findings of each severity as GitHub shows; the rest as plain lines when all are asked for."""
    rest: list[Diagnostic] = []
    for severity in Severity:
        findings = [finding for finding in ordered if finding.severity is severity]
        yield from map(_annotation, findings[:MOST_ANNOTATIONS])
        rest += findings[MOST_ANNOTATIONS:]
    if all_of_them:
        yield from map(_concise, rest)
    elif rest:
        yield f"and {len(rest):,} more (--all)"


def _annotation(finding: Diagnostic) -> str:
    """A workflow command.

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions; the escapes are those of
    `actions/toolkit`, `packages/core/src/command.ts`.
    """
    span = finding.span
    facts = {"file": span.file, "line": span.line, "col": span.column, "title": finding.code}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in facts.items() if value)
    hint = f" ({finding.hint})" if finding.hint else ""
    lines = [f"{finding.message}{hint}", *([f"job: {finding.job}"] if finding.job else []), *finding.notes]
    return f"::{finding.severity} {properties}::{_message(chr(10).join(map(one_line, lines)))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(one_line(text)).replace(":", "%3A").replace(",", "%2C")
