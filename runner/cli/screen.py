"""Where words go: results to standard output, everything else to standard error, colour only where it is wanted."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from runner.core.errors import CallsheetError
    from runner.core.selection import Selection


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
    """Print what ended a command, and what to do next."""
    tell(f"callsheet: {error.message}")
    if error.next_step is not None:
        tell(f"  next: {error.next_step}")


def tell_unmatched(selection: Selection) -> None:
    """Name the selectors that held for no job; after the last job."""
    for selector in selection.unmatched:
        tell(f"no job matches --select {selector}")
