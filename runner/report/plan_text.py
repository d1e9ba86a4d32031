"""The plan for people: grouped by account and operation, a line for a job, never a wall of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.core.plan import Action
from runner.report import escape
from runner.report.figures import amount, count
from runner.report.symbols import ACTIONS, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.core.money import Money
    from runner.report.model import ReportHead
    from runner.report.plan import PlanEntry, PlanGroup, PlanTotals

LINES_PER_GROUP: Final = 10
_ID_WIDTH: Final = 24
_NOTE_WIDTH: Final = 22
_COST_WIDTH: Final = 10

_SAID: Final[dict[Action, str]] = {
    Action.CREATE: "new",
    Action.RECREATE: "changed",
    Action.REATTACH: "to continue",
    Action.DOWNLOAD: "to download",
    Action.BLOCKED: "blocked",
    Action.IN_DOUBT: "in doubt",
    Action.ORPHAN: "not in the manifest any more",
    Action.UP_TO_DATE: "up to date",
}


def render_plan(head: ReportHead, totals: PlanTotals, *, show_all: bool = False, color: bool = False) -> str:
    """The plan as text, ending with a line feed.

    Args:
        head: What the plan is about; its budget is printed beside the cost.
        totals: Over all entries; made with `keep=None` when `show_all` is True.
        show_all: Whether every job has a line, up to date ones too; else at most `LINES_PER_GROUP` in a group, up to date ones counted.
        color: Whether to colour the symbols.
    """
    lines = [f"{head.name} @ {head.sha256[:7]}    {count(totals.jobs, 'job')} known", "", _legend(color=color), ""]
    for group in totals.groups.values():
        lines += _group_lines(group, show_all=show_all, color=color)
    if lines[-1]:
        lines.append("")
    lines += [_counts_line(totals), _cost_line(head, totals)]
    return _trimmed("\n".join(lines))


def _trimmed(text: str) -> str:
    """The text without blanks at the ends of lines, ending with one line feed."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _legend(*, color: bool) -> str:
    shown = [action for action in ACTIONS if action is not Action.ORPHAN]
    return "  " + "     ".join(f"{_symbol(action, color=color)} {ACTIONS[action].word}" for action in shown)


def _symbol(action: Action, *, color: bool) -> str:
    return paint(ACTIONS[action].symbol, ACTIONS[action].style, color=color)


def _group_lines(group: PlanGroup, *, show_all: bool, color: bool) -> Iterator[str]:
    listed = [action for action in _SAID if group.counts[action] and (show_all or action is not Action.UP_TO_DATE)]
    if not listed:
        return
    currency = _currency(group)
    yield f"  {group.uses:<{_ID_WIDTH + _NOTE_WIDTH + 3}} {f'est. {currency}'.strip():>{_COST_WIDTH}}    why"
    shares = {action: group.counts[action] for action in listed} if show_all else _shares(group, listed)
    for action in listed:
        for entry in group.kept[action][: shares[action]]:
            yield _entry_line(entry, color=color)
        if group.counts[action] > shares[action]:
            yield _more_line(group, action, shares[action], color=color)


def _shares(group: PlanGroup, listed: list[Action]) -> dict[Action, int]:
    """How many lines each action gets: one after the other in turn, so that a flood of new jobs hides no blocked one."""
    shares = dict.fromkeys(listed, 0)
    for _ in range(LINES_PER_GROUP):
        for action in listed:
            if sum(shares.values()) < LINES_PER_GROUP and shares[action] < group.counts[action]:
                shares[action] += 1
    return shares


def _currency(group: PlanGroup) -> str:
    known = {entry.estimate.currency for kept in group.kept.values() for entry in kept if entry.estimate is not None}
    return known.pop() if len(known) == 1 else ""


def _entry_line(entry: PlanEntry, *, color: bool) -> str:
    job_id, note = escape.visible(entry.id), escape.visible(entry.note)
    start = f"    {_symbol(entry.action, color=color)} {job_id:<{_ID_WIDTH}} {note:<{_NOTE_WIDTH}}"
    return f"{start} {_entry_cost(entry):>{_COST_WIDTH}}    {escape.visible(entry.reason)}"


def _entry_cost(entry: PlanEntry) -> str:
    if entry.costs:
        return "unknown" if entry.estimate is None else amount(entry.estimate.amount)
    return "0.00" if entry.is_work else ""


def _more_line(group: PlanGroup, action: Action, shown: int, *, color: bool) -> str:
    rest = group.counts[action] - shown
    head = f"    … {rest:,} more {_symbol(action, color=color)}"
    # A colour takes no room on the screen but counts as characters: pad by what is seen.
    seen = len(f"    … {rest:,} more {ACTIONS[action].symbol}")
    gap = " " * max(1, _ID_WIDTH - seen + 7)
    cost = _rest_cost(group, action, shown)
    return f"{head}{gap}{'(--all lists every job)':<{_NOTE_WIDTH}} {cost:>{_COST_WIDTH}}"


def _rest_cost(group: PlanGroup, action: Action, shown: int) -> str:
    if action not in group.expected:
        return ""
    known = [entry.estimate.amount for entry in group.kept[action][:shown] if entry.estimate is not None]
    return amount(group.expected[action] - sum(known))


def _counts_line(totals: PlanTotals) -> str:
    said = [f"{totals.counts[action]:,} {word}" for action, word in _SAID.items() if totals.counts[action]]
    return f"Plan: {', '.join(said) if said else 'no jobs'}."


def _cost_line(head: ReportHead, totals: PlanTotals) -> str:
    parts = []
    if totals.expected:
        parts.append(f"{_sum(totals.expected)} expected, {_sum(totals.at_most)} at most")
    if totals.blocked:
        parts.append(f"{_sum(totals.blocked)} of it once unblocked")
    if totals.unknown:
        parts.append(f"unknown for {count(totals.unknown, 'job')}")
    if not parts:
        parts.append("nothing to pay")
    budget = f"; budget {amount(head.budget.limit.amount)} {head.budget.limit.currency}" if head.budget else ""
    if head.budget is not None and head.budget.per_day:
        budget += " a day"
    return f"Cost: {', '.join(parts)}{budget}."


def _sum(sums: list[Money]) -> str:
    return " + ".join(f"{amount(money.amount)} {money.currency}" for money in sums)
