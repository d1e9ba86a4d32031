"""`plan -o`: a plan in a file that `run` carries out."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from runner.cli.opening import STATE_FOLDER
from runner.cli.screen import tell
from runner.manifest.campaign import LOCK_FILE_SUFFIX
from runner.report.files import is_plain_file
from runner.report.plan_document import plan_head_document
from runner.report.saved_plan import Binding, Position, write_saved_plan
from runner.report.saved_plan_file import is_saved_plan

if TYPE_CHECKING:
    from runner.cli.planning import Plan
    from runner.core.spec import Campaign
    from runner.report.plan import PlanTotals
    from runner.report.saved_plan import PlanOptions
    from runner.store.store import StateStore


STDOUT: Final = "-"
"""What many commands take for their output's name when it is to be printed."""


def check_target(target: str, manifest: str) -> None:
    """See that a plan can be saved under this name, before any work.

    Args:
        target: The name as typed.
        manifest: The manifest's path as typed.

    Raises:
        click.UsageError: Its folder is not there, something else stands there than a plan, or the name is that of another file of Callsheet.
    """
    why = _objection(Path(target), Path(manifest)) if target != STDOUT else "use --json to print the plan"
    if why is not None:
        raise click.UsageError(f"-o {target}: {why}")


def _objection(path: Path, manifest: Path) -> str | None:
    """Why a plan cannot be saved under a name; None when it can."""
    try:
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}; make it first"
        if path.name.endswith(LOCK_FILE_SUFFIX):
            return "this is the name of a lock file, which says what was paid for; give another name"
        if STATE_FOLDER in path.parent.resolve().parts:
            return f"the folder {STATE_FOLDER} holds what was paid for, and nothing else; give another name"
        path.lstat()
        return _objection_to(path, manifest)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)


def _objection_to(path: Path, manifest: Path) -> str | None:
    """The same for something that is there. What is no plain file is not even opened: a pipe would wait, a device would be replaced."""
    if not is_plain_file(path):
        return "this is no plain file; give another name"
    if manifest.exists() and path.samefile(manifest):
        return "this is the manifest itself; give another name"
    if path.stat().st_size and not is_saved_plan(path):
        return "this is no plan, and is not overwritten; give another name"
    return None


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
    waiting = "; a job that waits for a credential is done as soon as that is there" if totals.waiting else ""
    tell(f"The plan is saved; `{shlex.join(['callsheet', 'run', target])}` does exactly this{waiting}.")
