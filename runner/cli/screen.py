"""Where words go: results to standard output, everything else to standard error, colour only where it is wanted."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from runner.core.errors import CallsheetError
    from runner.core.selection import Selection
    from runner.store.opening import TakenOver


def wants_color(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: `NO_COLOR` forbids, `FORCE_COLOR` demands, else only a terminal gets it."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print a result to standard output."""
    click.echo(text, color=wants_color(sys.stdout))


def tell(text: str) -> None:
    """Print anything else to standard error."""
    click.echo(text, err=True, color=wants_color(sys.stderr))


def tell_error(error: CallsheetError) -> None:
    """Print what ended a command, what to do next, and how to learn more."""
    tell(f"{error_head(error.code)}: {error.message}")
    if error.next_step is not None:
        tell(f"  next: {error.next_step}")
    tell(f"  more: callsheet explain {error.code}")


def error_head(code: str) -> str:
    """`error[E201]`, as findings begin too; red where there is colour."""
    return click.style(f"error[{code}]", fg="red", bold=True)


def tell_unmatched(selection: Selection) -> None:
    """Name the selectors that held for no job; after the last job."""
    for selector in selection.unmatched:
        tell(f"no job matches --select {selector}")


def tell_taken_over(learned: TakenOver) -> None:
    """Say what a state learned when it was opened."""
    from runner.report.figures import count  # noqa: PLC0415  the work is imported when it is done

    if learned.from_witness:
        jobs = count(len(learned.from_witness), "job")
        tell(f"The state had lost what submissions.jsonl beside it knows: taken over from there, {jobs}.")
    if learned.from_lock:
        jobs = count(learned.from_lock, "paid job")
        tell(f"The lock file knows of {jobs} that the state did not know: taken over.")
    if learned.renamed:
        new, old = next(iter(learned.renamed.items()))
        tell(f"`moved:` gives {count(len(learned.renamed), 'job')} a new id: `{old}` is `{new}` now.")
