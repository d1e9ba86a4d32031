"""`callsheet explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.explanations.library import Page

_EXAMPLES = """\b
Examples:
  callsheet explain              all codes, one line each
  callsheet explain M103 E201
"""
_MOST_COLUMNS = 100
"""Longer lines of prose are hard to read, however wide the terminal is."""


@click.command(epilog=_EXAMPLES)
@click.argument("codes", nargs=-1, metavar="[CODE]...")
def explain(codes: tuple[str, ...]) -> int:
    """Say what a code means, why it exists and what to do about it. Without CODE: list them all."""
    pages = [_find(code) for code in codes]
    if pages:
        _say_pages(pages)
    else:
        _say_list()
    return Exit.DONE


def _find(word: str) -> Page:
    from runner.explanations.library import UnknownCode, codes, read_page  # noqa: PLC0415  the work is imported when it is done
    from runner.manifest.flaws import closest  # noqa: PLC0415

    code = word.upper()
    try:
        return read_page(code)
    except UnknownCode as error:
        family = [known for known in codes() if known[0] == code[:1]]
        meant = closest(code, family or codes())
        hint = f"did you mean `{meant}`?" if meant else "`callsheet explain` lists all codes"
        raise click.UsageError(f"there is no code `{word}`; {hint}") from error


def _say_pages(pages: list[Page]) -> None:
    import sys  # noqa: PLC0415

    from runner.cli.screen import say, wants_color  # noqa: PLC0415

    text = "\n".join(page.text for page in pages)
    say((_painted(text) if wants_color(sys.stdout) else text).rstrip("\n"))


def _painted(markdown: str) -> str:
    from io import StringIO  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415  only a terminal needs it
    from rich.markdown import Markdown  # noqa: PLC0415

    # Into memory first: rich would end the process when the reader goes away.
    paper = StringIO()
    console = Console(file=paper, force_terminal=True)
    console.width = min(console.width, _MOST_COLUMNS)
    console.print(Markdown(markdown, code_theme="ansi_dark"))
    return paper.getvalue()


def _say_list() -> None:
    from runner.cli.screen import say  # noqa: PLC0415
    from runner.explanations.library import FAMILIES, codes, read_page  # noqa: PLC0415

    pages = [read_page(code) for code in codes()]
    for letter, heading in FAMILIES.items():
        rows = [f"  {page.code}  {page.title}" for page in pages if page.code.startswith(letter)]
        say("\n".join([f"{heading}:", *rows, ""]))
    say("callsheet explain CODE says what one means, why it exists and what to do about it.")
