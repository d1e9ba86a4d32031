"""Who may run: findings come before the lock, and the lock before the first line of state."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from runner.cli.opening import state_folder
from runner.cli.planning import decisions
from runner.cli.state import open_state
from runner.core.errors import LockHeld, StateUnusable, StorageFailed
from runner.store.lock import hold_lock
from runner.store.store import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.spec import Campaign
    from runner.engine.survey import Scope
    from runner.store.lock import Lock


def take_lock(
    campaign: Campaign,
    scope: Scope,
    *,
    command: str,
    has_budget: bool,
    wait: bool,
    deadline_at: float | None,
) -> Lock:
    """Take the lock of a manifest's state for a run.

    A run surveys its manifest before it sends anything, so no finding is missed here. But where there is no state yet, an invalid manifest
    must not claim its name, and where another run holds the lock, findings are told first: only then is the manifest read once more.

    Args:
        campaign: The manifest.
        scope: Which jobs the run is about.
        command: What this process runs, told to others.
        has_budget: Whether a budget is set.
        wait: Whether to wait for another run to end.
        deadline_at: Monotonic seconds when waiting ends too; None for no deadline.

    Raises:
        ManifestInvalid: Something is wrong; no state was made.
        StateForeign: The state belongs to another manifest.
        LockHeld: Another run holds the lock, or held it until the deadline.
        StateUnusable: The state would lie on a network filesystem.
        StorageFailed: The folder cannot be written.
    """
    folder = state_folder(campaign)
    is_new = not (folder / DATABASE).exists()
    if is_new:
        _look_for_findings(campaign, scope, has_budget=has_budget)
    try:
        return hold_lock(folder, command=command, can_wait=True)
    except LockHeld:
        if not is_new:
            # What the state itself suffers from is the holder's business: 75 comes before 74.
            with contextlib.suppress(StateUnusable, StorageFailed):
                _look_for_findings(campaign, scope, has_budget=has_budget)
        if not wait:
            raise
    return _wait(folder, command, deadline_at)


def _look_for_findings(campaign: Campaign, scope: Scope, *, has_budget: bool) -> None:
    with open_state(campaign, read_only=True, looks_at_files=False) as store:
        deque(decisions(campaign, store, scope, has_budget=has_budget, is_for_run=True), maxlen=0)


def _wait(folder: Path, command: str, deadline_at: float | None) -> Lock:
    if deadline_at is None:
        return hold_lock(folder, command=command, wait_s=None)
    try:
        return hold_lock(folder, command=command, wait_s=max(0.0, deadline_at - time.monotonic()))
    except LockHeld as held:
        raise LockHeld(
            f"the deadline came while {held.message}; nothing was sent",
            next_step="start again when it has ended, or with a later --deadline",
        ) from held
