"""The plan for people: grouped by account and operation, a line for a job, never a wall of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from runner.core.plan import Action
from runner.report import escape
from runner.report.cells import padded, wrapped
from runner.report.figures import amount, count
from runner.report.symbols import ACTIONS, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.core.money import Money
    from runner.report.model import ReportHead
    from runner.report.plan import PlanEntry, PlanGroup, PlanTotals, Purse

LINES_PER_GROUP: Final = 10
_INDENT: Final = 6
"""Cells before an id: four blanks, the symbol, one blank."""
_ID_CELLS: Final = (16, 32)
"""The id's column is as wide as its longest entry within these bounds; a longer id stays whole and pushes the rest on."""
_NOTE_CELLS: Final = (8, 46)
_COST_CELLS: Final = 10
_GAP: Final = "    "
_WHY_CELLS: Final = 28
"""On a screen that leaves less than this for the reasons, each stands below its job."""
_WHY_INDENT: Final = 8

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


def render_plan(
    head: ReportHead,
    totals: PlanTotals,
    purse: Purse | None = None,
    *,
    show_all: bool = False,
    color: bool = False,
    cells: int | None = None,
) -> str:
    """The plan as text, ending with a line feed.

    Args:
        head: What the plan is about.
        totals: Over all entries; made with `keep=None` when `show_all` is True.
        purse: The budget that is nearest to its end, printed beside the cost; None without one.
        show_all: Whether every job has a line, up to date ones too; else at most `LINES_PER_GROUP` in a group, up to date ones counted.
        color: Whether to colour the symbols.
        cells: Width of the screen; None for one line for each job, however long: for a file or a pipe.
    """
    lines = [f"{head.name} @ {head.sha256[:7]}    {count(totals.jobs, 'job')} known", ""]
    lines += [*_legend(color=color, cells=cells), ""]
    columns = _Columns.of(totals, cells, show_all=show_all)
    for group in totals.groups.values():
        lines += _group_lines(group, columns, show_all=show_all, color=color)
    if lines[-1]:
        lines.append("")
    if costs := list(_operation_lines(totals)):
        lines += ["By operation:", *costs, ""]
    for sentence in (_counts_line(totals), _cost_line(totals, purse)):
        lines += wrapped(sentence, cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _legend(*, color: bool, cells: int | None) -> Iterator[str]:
    shown = [ACTIONS[action] for action in ACTIONS if action is not Action.ORPHAN]
    line, used = "", 0
    for sign in shown:
        width = cell_len(f"{sign.symbol} {sign.word}") + 5
        if line and cells is not None and used + width > cells:
            yield f"  {line}"
            line, used = "", 0
        line += f"{paint(sign.symbol, sign.style, color=color)} {sign.word}     "
        used += width
    yield f"  {line}"


class _Columns:
    """Where the columns of the jobs stand, the same in every group.

    Args:
        ids: Cells of the id.
        notes: Cells of the note.
        cells: Width of the screen; None for no limit.
    """

    def __init__(self, ids: int, notes: int, cells: int | None) -> None:
        self.ids = ids
        self.notes = notes
        self.why = _INDENT + ids + 1 + notes + 1 + _COST_CELLS + len(_GAP)
        self.cells = cells
        self.is_below = cells is not None and cells - self.why < _WHY_CELLS

    @classmethod
    def of(cls, totals: PlanTotals, cells: int | None, *, show_all: bool) -> _Columns:
        """Columns that fit the jobs that will be listed."""
        shown = [
            entry
            for group in totals.groups.values()
            for action, kept in group.kept.items()
            if show_all or action is not Action.UP_TO_DATE
            for entry in kept
        ]
        ids = max((cell_len(escape.visible(entry.id)) for entry in shown), default=0)
        notes = max((cell_len(escape.visible(entry.note)) for entry in shown), default=0)
        return cls(_within(ids, *_ID_CELLS), _within(notes, *_NOTE_CELLS), cells)

    def line(self, start: str, note: str, cost: str) -> str:
        """A line without its reason.

        Args:
            start: The visible text of the first column, indented.
            note: The second column.
            cost: The third.
        """
        left = f"{padded(start, _INDENT + self.ids)} {note}"
        return f"{padded(left, _INDENT + self.ids + 1 + self.notes)} {cost:>{_COST_CELLS}}"

    def with_reason(self, line: str, width: int, reason: str) -> Iterator[str]:
        """A job's lines: the reason beside it, or below it where the screen is narrow or the id is long.

        Args:
            line: As `line` gives it, in colour.
            width: The cells that it takes.
            reason: Visible text.
        """
        if self.is_below or (self.cells is not None and width > self.why - len(_GAP)):
            yield line
            yield from (" " * _WHY_INDENT + part for part in wrapped(reason, (self.cells or 0) - _WHY_INDENT))
            return
        first, *rest = wrapped(reason, None if self.cells is None else self.cells - self.why)
        yield f"{line}{_GAP}{first}"
        yield from (" " * self.why + part for part in rest)


def _within(width: int, least: int, most: int) -> int:
    return min(max(width, least), most)


def _group_lines(group: PlanGroup, columns: _Columns, *, show_all: bool, color: bool) -> Iterator[str]:
    listed = [action for action in _SAID if group.counts[action] and (show_all or action is not Action.UP_TO_DATE)]
    if not listed:
        return
    heading = columns.line(f"  {group.uses}", "", f"est. {_currency(group)}".strip())
    yield heading if columns.is_below else f"{heading}{_GAP}why"
    shares = {action: group.counts[action] for action in listed} if show_all else _shares(group, listed)
    for action in listed:
        for entry in group.kept[action][: shares[action]]:
            yield from _entry_lines(entry, columns, color=color)
        if group.counts[action] > shares[action]:
            yield _more_line(group, action, shares[action], columns, color=color)


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


def _entry_lines(entry: PlanEntry, columns: _Columns, *, color: bool) -> Iterator[str]:
    line = columns.line(
        f"    {ACTIONS[entry.action].symbol} {escape.visible(entry.id)}", escape.visible(entry.note), _entry_cost(entry)
    )
    painted = _painted(line, _INDENT - 2, entry.action, color=color)
    yield from columns.with_reason(painted, cell_len(line), escape.visible(entry.reason))


def _painted(line: str, at: int, action: Action, *, color: bool) -> str:
    """The line with its symbol in colour. Last of all, since a colour takes no room on the screen but counts as characters."""
    return line[:at] + paint(line[at], ACTIONS[action].style, color=color) + line[at + 1 :]


def _entry_cost(entry: PlanEntry) -> str:
    if entry.costs:
        return "unknown" if entry.estimate is None else amount(entry.estimate.amount)
    return "0.00" if entry.is_work else ""


def _more_line(group: PlanGroup, action: Action, shown: int, columns: _Columns, *, color: bool) -> str:
    rest = group.counts[action] - shown
    start = f"    … {rest:,} more {ACTIONS[action].symbol}"
    line = columns.line(start, "", _rest_cost(group, action, shown))
    return f"{_painted(line, len(start) - 1, action, color=color).rstrip()}{_GAP}(--all lists every job)"


def _rest_cost(group: PlanGroup, action: Action, shown: int) -> str:
    if action not in group.expected:
        return ""
    known = [entry.estimate.amount for entry in group.kept[action][:shown] if entry.estimate is not None]
    return amount(group.expected[action] - sum(known))


def _counts_line(totals: PlanTotals) -> str:
    numbers = [
        (totals.counts[action] - (action is Action.RECREATE) * totals.renewed, _SAID[action]) for action in _SAID
    ]
    numbers.insert(list(_SAID).index(Action.RECREATE) + 1, (totals.renewed, "made again"))
    said = [f"{number:,} {word}" for number, word in numbers if number]
    renamed = f" {count(totals.renamed, 'job')} renamed, with all that was paid for." if totals.renamed else ""
    return f"Plan: {', '.join(said) if said else 'no jobs'}.{renamed}"


def _cost_line(totals: PlanTotals, purse: Purse | None) -> str:
    parts = []
    if totals.expected:
        parts.append(f"{_sum(totals.expected)} expected")
    if totals.at_most:
        most = _sum(totals.at_most, named=not totals.expected or len(totals.at_most) > 1)
        parts.append(f"{most}{' + unknown' if totals.unbounded else ''} at most")
    if totals.blocked:
        share = _sum(totals.blocked, named=len(totals.blocked) > 1)
        parts.append(f"{share} of it for blocked jobs, made as soon as nothing blocks them")
    if totals.unknown:
        parts.append(f"unknown for {count(totals.unknown, 'job')}{_until(totals)}")
    if not parts:
        parts.append("nothing to pay")
    return f"Cost: {', '.join(parts)}{'' if purse is None else f'; {_budget(purse, totals)}'}."


def _until(totals: PlanTotals) -> str:
    """Which of the unknown prices the run will learn by itself."""
    if not totals.priced_later:
        return ""
    some = "" if totals.priced_later == totals.unknown else f", for {totals.priced_later:,} of them"
    return f"{some} until the jobs are done that tell how long the results last"


def _operation_lines(totals: PlanTotals) -> Iterator[str]:
    """What each account and operation costs, where several do."""
    costing = [group for group in totals.groups.values() if group.expected or group.unknown]
    for group in costing if len(costing) > 1 else ():
        parts = [f"{amount(sum(group.expected.values(), Decimal(0)))} expected"] if group.expected else []
        parts += [f"unknown for {count(group.unknown, 'job')}"] if group.unknown else []
        yield f"  {group.uses}: {', '.join(parts)}"


def _budget(purse: Purse, totals: PlanTotals) -> str:
    limit = purse.budget.limit
    said = f"budget {amount(limit.amount)}{'' if totals.at_most else ' ' + limit.currency}"
    said += " a day" if purse.budget.per_day else ""
    if purse.spent:
        said += f", {amount(purse.spent)} spent already, {amount(purse.left)} left"
    if any(money.amount > purse.left for money in totals.expected):
        said += ": it does not suffice, a run stops when it is used up"
    elif totals.unbounded or any(money.amount > purse.left for money in totals.at_most):
        said += ": it may not suffice, a run stops when it is used up"
    return said


def _sum(sums: list[Money], *, named: bool = True) -> str:
    return " + ".join(f"{amount(money.amount)} {money.currency if named else ''}".rstrip() for money in sums)
