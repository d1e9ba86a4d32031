"""What an import has found, for people and programs."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, assert_never

from runner.cli.screen import say, tell
from runner.engine.imports import Fate
from runner.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.money import Budget, Money
    from runner.engine.imports import Match

_SHOWN: Final = 20
"""Jobs of each kind that are named."""


@dataclass(slots=True)
class Imported:
    """What became of an account's tasks.

    Args:
        account: The account.
        is_dry_run: Whether nothing was attached.
        is_listed: Whether the account listed them; else a mapping named them.
        tasks: How many there are.
        is_cut: Whether the account may have more, which were not read.
        unreadable: Entries of the list that name no task.
        attached: Tasks that their jobs go on with.
        known: Tasks of jobs that have one already.
        failed: Tasks that ended without a result: their jobs may be submitted.
        nobodys: Tasks that are no job's.
        overspent: What the manifest has spent or reserved with these tasks, and its budget, where that is exceeded; else None.
    """

    account: str
    is_dry_run: bool
    is_listed: bool
    tasks: int = 0
    is_cut: bool = False
    unreadable: int = 0
    attached: list[Match] = field(default_factory=list)
    known: int = 0
    failed: list[Match] = field(default_factory=list)
    nobodys: int = 0
    overspent: tuple[Money, Budget] | None = None

    def add(self, match: Match) -> None:
        """Take a task that is a job's."""
        match match.fate:
            case Fate.ATTACHED:
                self.attached.append(match)
            case Fate.KNOWN:
                self.known += 1
            case Fate.FAILED:
                self.failed.append(match)
            case fate:
                assert_never(fate)


def say_imported(imported: Imported, next_command: Sequence[str], *, as_json: bool) -> None:
    """Print it as a result.

    Args:
        imported: What was found.
        next_command: The words of the command that goes on.
        as_json: Whether as JSON (schema `import`).
    """
    if as_json:
        say(json.dumps(_document(imported, next_command), ensure_ascii=False, indent=2))
        return
    for line in _lines(imported):
        say(line)
    say(f"next: {shlex.join(next_command)}")
    if imported.is_cut:
        tell(f"Account `{imported.account}` may have more tasks than were read; --most-tasks says how many are.")
    if imported.unreadable:
        number = "1 entry names" if imported.unreadable == 1 else f"{imported.unreadable:,} entries name"
        tell(f"{number} no task in the list of account `{imported.account}`, and may be a job's.")


def _lines(imported: Imported) -> list[str]:
    whence = "listed by" if imported.is_listed else "named for"
    number = f"{imported.tasks:,} {'task' if imported.tasks == 1 else 'tasks'}"
    would = "would be " if imported.is_dry_run else ""
    lines = [f"{number} {whence} account `{imported.account}`"]
    lines += _named(f"{would}attached", imported.attached)
    lines.append(f"  {imported.known:>7,}  known already")
    if imported.is_listed:
        lines += _named("failed there, not attached", imported.failed)
        lines.append(f"  {imported.nobodys:>7,}  of no job here")
    if imported.overspent is not None:
        spent, budget = imported.overspent
        of_day, verb = " of the day" if budget.per_day else "", "would be" if imported.is_dry_run else "is"
        lines.append(
            f"the budget{of_day} of {budget.limit} {verb} exceeded: {spent} spent or reserved; no further job is submitted"
        )
    return lines


def _named(what: str, matches: Sequence[Match]) -> list[str]:
    shown = [
        f"           {it.spec.id}  task {it.offer.task_id}" + (f": {it.offer.ended}" if it.offer.ended else "")
        for it in matches[:_SHOWN]
    ]
    if len(matches) > _SHOWN:
        shown.append(f"           and {len(matches) - _SHOWN:,} more")
    return [f"  {len(matches):>7,}  {what}", *map(visible, shown)]


def _document(imported: Imported, next_command: Sequence[str]) -> dict[str, Any]:
    return {
        "version": 1,
        "account": imported.account,
        "dry_run": imported.is_dry_run,
        "tasks": imported.tasks,
        "complete": not imported.is_cut and not imported.unreadable,
        "attached": [{"job": it.spec.id, "task_id": it.offer.task_id} for it in imported.attached],
        "known": imported.known,
        "failed": [
            {"job": it.spec.id, "task_id": it.offer.task_id, "message": it.offer.ended} for it in imported.failed
        ],
        "nobodys": imported.nobodys if imported.is_listed else None,
        "over_budget": imported.overspent is not None,
        "next": shlex.join(next_command),
    }
