"""The plan for programmes: `plan --json`, field by field as `schemas/plan.v1.schema.json` says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.core.plan import Action
from runner.report.documents import cost_document, head_document, write_document
from runner.report.figures import exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from runner.core.changes import Change
    from runner.core.money import Money
    from runner.report.model import ReportHead
    from runner.report.plan import PlanEntry, PlanGroup, PlanTotals, Purse


def entry_document(entry: PlanEntry) -> dict[str, Any]:
    """One entry of `jobs`; `cost.estimate` is what making it would cost, None also where nothing would be made."""
    estimate = entry.estimate if entry.costs else None
    return {
        "id": entry.id,
        "action": entry.action.value,
        "reason": entry.reason,
        "cost": cost_document(estimate, entry.actual, entry.units),
        "once_unblocked": None if entry.once_unblocked is None else entry.once_unblocked.value,
        "changes": [_change_document(change) for change in entry.changes],
        "fingerprint": entry.fingerprint,
        "output": entry.output,
        "moved_from": entry.moved_from,
        "priced_after": entry.priced_after,
    }


def _change_document(change: Change) -> dict[str, Any]:
    place = change.place
    return {
        "path": change.path,
        "kind": change.kind.value,
        "name": change.name or None,
        "place": None if place is None else {"file": place.file, "line": place.line},
    }


def plan_head_document(head: ReportHead, totals: PlanTotals, purse: Purse | None = None) -> dict[str, Any]:
    """Everything of `plan --json` but `jobs`.

    A sum is None while one of its jobs has an unknown price, or where currencies differ: an unknown is never shown as less.
    """
    return {
        **head_document(head),
        "totals": {
            **{action.value: totals.counts[action] for action in Action},
            "cost": _one_sum(totals.expected, unknown=totals.unknown),
            "cost_at_most": _one_sum(totals.at_most, unknown=totals.unbounded),
            "unknown_prices": totals.unknown,
            "priced_later": totals.priced_later,
            "operations": {uses: _group_document(group) for uses, group in totals.groups.items()},
        },
        "budget": None if purse is None else _budget_document(purse),
    }


def _group_document(group: PlanGroup) -> dict[str, Any]:
    """What the jobs of one account and operation cost that are to be made; unlike in the totals, the expected sum is of what is known."""
    costs = bool(group.expected) or group.unknown > 0
    return {
        "cost": exact(sum(group.expected.values(), Decimal(0))) if group.expected else None,
        "cost_at_most": exact(group.at_most) if costs and not group.unbounded else None,
        "unknown_prices": group.unknown,
    }


def _budget_document(purse: Purse) -> dict[str, Any]:
    return {
        "limit": exact(purse.budget.limit.amount),
        "currency": purse.budget.limit.currency,
        "per": "day" if purse.budget.per_day else "campaign",
        "spent": exact(purse.spent),
        "left": exact(purse.left),
    }


def _one_sum(sums: list[Money], *, unknown: int) -> str | None:
    if unknown or len(sums) != 1:
        return None
    return exact(sums[0].amount)


def write_plan(
    stream: TextIO,
    head: ReportHead,
    entries: Iterable[PlanEntry],
    totals: PlanTotals,
    purse: Purse | None = None,
) -> None:
    """Write `plan --json`, one job a line, holding one entry at a time.

    Args:
        stream: Text, UTF-8.
        head: What the plan is about.
        entries: In manifest order, orphans after them.
        totals: Sums over the same entries.
        purse: The budget that is nearest to its end; None without one.
    """
    write_document(stream, plan_head_document(head, totals, purse), map(entry_document, entries))
