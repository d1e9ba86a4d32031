"""The signs of plan, summary, progress and page: a symbol and a word for each state and action; colour only adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.core.job import State
from runner.core.plan import Action


@dataclass(frozen=True, slots=True)
class Sign:
    """How something is shown.

    Args:
        symbol: One character.
        word: Says the same in words.
        style: Name of a colour (a key of `_CODES`); also a style of rich.
    """

    symbol: str
    word: str
    style: str


STATES: Final[dict[State, Sign]] = {
    State.PENDING: Sign("·", "pending", "dim"),
    State.SUBMITTING: Sign("↑", "submit", "cyan"),
    State.IN_DOUBT: Sign("?", "doubt", "magenta"),
    State.RUNNING: Sign("●", "running", "cyan"),
    State.DOWNLOADING: Sign("↓", "fetch", "cyan"),
    State.SUCCEEDED: Sign("✓", "ok", "green"),
    State.FAILED: Sign("✗", "failed", "red"),
    State.SKIPPED: Sign("!", "skipped", "yellow"),
    State.CANCELLED: Sign("-", "given-up", "dim"),
}

ACTIONS: Final[dict[Action, Sign]] = {
    Action.CREATE: Sign("+", "new", "green"),
    Action.RECREATE: Sign("~", "made and paid again", "yellow"),
    Action.REATTACH: Sign("↻", "paid already, goes on", "cyan"),
    Action.DOWNLOAD: Sign("↓", "download only", "cyan"),
    Action.UP_TO_DATE: Sign("=", "up to date", "dim"),
    Action.BLOCKED: Sign("!", "blocked", "red"),
    Action.IN_DOUBT: Sign("?", "in doubt", "magenta"),
    Action.ORPHAN: Sign("o", "not in the manifest any more", "dim"),
}

_CODES: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}


def paint(text: str, style: str, *, color: bool) -> str:
    """The text in a colour, or as it is when `color` is False."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color else text
