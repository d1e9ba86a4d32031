"""Opening the state of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.opening import state_folder
from runner.cli.receipts import lock_file_of
from runner.store.store import StateStore

if TYPE_CHECKING:
    from runner.core.spec import Campaign


def open_state(campaign: Campaign, *, read_only: bool) -> StateStore:
    """Open the manifest's state; to write, the caller holds its lock.

    Raises:
        ManifestInvalid: A line of the lock file does not hold.
        StateError: It is another manifest's, or cannot be used.
        StorageFailed: It cannot be read or written.
    """
    manifest_path = str(Path(campaign.folder) / Path(campaign.path).name)
    return StateStore.open(
        state_folder(campaign),
        manifest_name=campaign.name,
        manifest_path=manifest_path,
        read_only=read_only,
        lock_file=lock_file_of(campaign),
        renames=campaign.moved,
    )
