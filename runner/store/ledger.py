"""What a move does to the money: one line an attempt, reserved at the intent, settled by what the provider says.

SubmitStarted                       reserves (anew, when the same attempt is sent again)
NotSent, NotFound, Refused          settles at 0: the provider has not taken it
TaskFailed(charged=False)           settles at 0
TaskReady with an actual cost       settles at that
anything else                       leaves the line: what may have been paid counts in full
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Final

from runner.core import events
from runner.core.money import Money
from runner.core.ports import Charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.core.events import Event
    from runner.core.ports import Move

_DIGITS: Final = 1000
"""Enough for any sum of amounts that people write; a sum that would still be rounded raises `decimal.Inexact`."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """An attempt begins: its line is opened, or opened again.

    Args:
        attempt: Which, from 1.
        amount: What is set aside; None when unknown.
        day: `YYYY-MM-DD` (UTC) of the submission.
    """

    attempt: int
    amount: Money | None
    day: str


@dataclass(frozen=True, slots=True)
class Settle:
    """What an attempt cost is known.

    Args:
        attempt: Which, from 1.
        amount: What it cost; None for nothing.
    """

    attempt: int
    amount: Money | None


def numbered(move: Move) -> Iterator[tuple[int, Event]]:
    """The events of a move, each with the attempt that it belongs to."""
    attempt = move.before.attempt
    for event in move.events:
        yield attempt, event
        if isinstance(event, events.Retried | events.Renewed | events.Resubmitted | events.Unpaid):
            attempt += 1


def changes(move: Move) -> Sequence[Reserve | Settle]:
    """What a move does to the ledger, in order."""
    return [change for attempt, event in numbered(move) if (change := _change(attempt, event)) is not None]


def _change(attempt: int, event: Event) -> Reserve | Settle | None:
    match event:
        case events.SubmitStarted():
            return Reserve(attempt, event.reserved, day_of(event.at))
        case (
            events.NotSent() | events.NotFound() | events.Refused() | events.Unpaid() | events.TaskFailed(charged=False)
        ):
            return Settle(attempt, None)
        case events.TaskReady(actual=Money() as actual):
            return Settle(attempt, actual)
        case _:
            return None


def day_of(at: float) -> str:
    """The UTC day of a time in Unix seconds, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def total(groups: Iterable[tuple[str, str, int]]) -> Sequence[Charge]:
    """Exact sums by currency, in the order of their names.

    Args:
        groups: Currency, amount as a decimal string, and how many lines have it.
    """
    sums: dict[str, Decimal] = {}
    with localcontext(Context(prec=_DIGITS, traps=[Inexact, InvalidOperation])):
        for currency, amount, count in groups:
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount) * count
    return [Charge(currency=currency, amount=sums[currency]) for currency in sorted(sums)]
