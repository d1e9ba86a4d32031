"""Findings for people, for `grep`, for programmes and for GitHub."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal

from runner.core.collected import SHOWN_OF_FILE
from runner.core.diagnostics import Severity
from runner.core.error_codes import ErrorCode
from runner.manifest.printing.snippet import colours, no_colours, snippet
from runner.manifest.printing.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runner.core.collected import Found
    from runner.core.diagnostics import Diagnostic, Span

Format = Literal["full", "concise", "json", "github"]

MOST_ANNOTATIONS: Final = 10
"""GitHub shows so many annotations of a kind for one step and drops the rest without a word."""
JSON_VERSION: Final = 1


def render(
    found: Found,
    *,
    format: Format,  # noqa: A002 - the word on the command line
    sources: Mapping[str, Sequence[str]],
    color: bool,
    all: bool = False,  # noqa: A002 - the word on the command line
) -> str:
    """Findings as text.

    Args:
        found: The findings, in any order. Files keep the order in which they first occur, findings of a file are put in position order.
        format: `full` draws snippets, `concise` takes one line each, `json` is one versioned object with all findings, `github` writes
            workflow commands.
        sources: Lines of the files by the names that spans give, for `full`; files may be missing.
        color: Whether terminal colours are wanted; only `full` has any.
        all: Show every finding that was kept, not just 20 of a file. How many were not kept is said in any case.

    Returns:
        Lines divided by line feeds, without one at the end; "" for no findings, except as `json`.
    """
    ordered = _in_order(found.diagnostics)
    match format:
        case "full":
            paint = colours if color else no_colours
            return "\n\n".join(_capped(ordered, found, lambda it: snippet(it, sources, paint), all_of_them=all))
        case "concise":
            return "\n".join(_capped(ordered, found, _concise, all_of_them=all))
        case "json":
            findings = [_as_json(finding) for finding in ordered]
            return json.dumps({"version": JSON_VERSION, "findings": findings, **_not_listed(found)}, indent=2)
        case "github":
            return "\n".join(_annotations(ordered, found, all_of_them=all))


def summary(found: Found) -> str:
    """The line below all findings, such as `2 errors, 128 jobs read. Nothing was sent to any provider.`.

    A mapping that does not hold has been held against the provider too, which is asked for each task: no job was sent.
    """
    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    counts = [_count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    read = [] if found.jobs_read is None else [f"{_count(found.jobs_read, 'job')} read"]
    parts = [*(counts or ["No findings"]), *read]
    was_asked = any(finding.code == ErrorCode.MAPPING for finding in found.diagnostics)
    sent = "No job was sent to any provider" if was_asked else "Nothing was sent to any provider"
    return f"{', '.join(parts)}.{f' {sent}.' if errors else ''}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    files = {file: rank for rank, file in enumerate(dict.fromkeys(finding.span.file for finding in diagnostics))}
    return sorted(diagnostics, key=lambda finding: (files[finding.span.file], finding.span))


def _capped(
    ordered: Sequence[Diagnostic], found: Found, show: Callable[[Diagnostic], str], *, all_of_them: bool
) -> Iterator[str]:
    """Each file's first findings, and how many more there are."""
    for file, group in groupby(ordered, lambda finding: finding.span.file):
        findings = list(group)
        most = len(findings) if all_of_them else SHOWN_OF_FILE
        yield from map(show, findings[:most])
        rest = _rest(len(findings[most:]), found.not_kept_of(file))
        if rest:
            yield f"{one_line(file)}: {rest}"


def _rest(listed: int, not_kept: int) -> str:
    """How many findings are not shown; "" when all are.

    Args:
        listed: Those that `--all` shows.
        not_kept: Those that were counted only.
    """
    if not not_kept:
        return f"and {listed:,} more (--all)" if listed else ""
    counted = f"{not_kept:,} counted, but too many to list"
    return f"and {listed + not_kept:,} more (--all lists {listed:,}; {counted})" if listed else f"and {counted}"


def _not_listed(found: Found) -> dict[str, Any]:
    """Counts by severity of what was not kept, where there is any."""
    if not found.not_kept:
        return {}
    listed = Counter(finding.severity for finding in found.diagnostics)
    return {"not_listed": {severity: found.count(severity) - listed[severity] for severity in Severity}}


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


def _annotations(ordered: Sequence[Diagnostic], found: Found, *, all_of_them: bool) -> Iterator[str]:
    """Workflow commands for as many findings of each severity as GitHub shows; the rest as plain lines when all are asked for."""
    rest: list[Diagnostic] = []
    for severity in Severity:
        findings = [finding for finding in ordered if finding.severity is severity]
        yield from map(_annotation, findings[:MOST_ANNOTATIONS])
        rest += findings[MOST_ANNOTATIONS:]
    if all_of_them:
        yield from map(_concise, rest)
    words = _rest(0 if all_of_them else len(rest), sum(found.not_kept.values()))
    if words:
        yield words


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
