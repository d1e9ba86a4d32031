"""`plan -o`: a plan in a file that `run` carries out."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.screen import tell
from runner.report.plan_document import plan_head_document
from runner.report.saved_plan import Binding, Position, write_saved_plan
from runner.report.saved_plan_file import is_saved_plan

if TYPE_CHECKING:
    from runner.cli.planning import Plan
    from runner.core.spec import Campaign
    from runner.report.plan import PlanTotals
    from runner.report.saved_plan import PlanOptions
    from runner.store.store import StateStore


def check_target(target: str) -> None:
    """See that a plan can be saved under this name, before any work.

    Raises:
        click.UsageError: Its folder is not there, or something else stands there than a plan.
    """
    path = Path(target)
    if not path.parent.is_dir():
        raise click.UsageError(f"-o {target}: there is no folder {path.parent}; make it first")
    if path.exists() and not is_saved_plan(path) and (path.is_dir() or path.stat().st_size):
        raise click.UsageError(f"-o {target}: this is no plan, and is not overwritten; give another name")


def position_of(store: StateStore) -> Position:
    """Where a state stands."""
    run = store.last_run()
    return Position(run=None if run is None else run.run_id, events=store.last_seq())


def save_plan(
    target: str, campaign: Campaign, store: StateStore, plan: Plan, *, totals: PlanTotals, options: PlanOptions
) -> None:
    """Save a plan, and tell how to carry it out.

    Args:
        target: The file's name as typed; `check_target` has passed it.
        campaign: The manifest.
        store: Its state.
        plan: The plan.
        totals: Sums over its entries.
        options: As it was planned with.

    Raises:
        StorageFailed: It could not be written.
    """
    folder = Path(target).absolute().parent
    manifest = Path(campaign.folder) / Path(campaign.path).name
    binding = Binding(
        manifest=Path(os.path.relpath(manifest, folder)).as_posix(), options=options, position=position_of(store)
    )
    write_saved_plan(Path(target), plan_head_document(plan.head, totals, plan.purse), plan.entries(), binding)
    tell(f"The plan is saved; `{shlex.join(['callsheet', 'run', target])}` does exactly this.")
