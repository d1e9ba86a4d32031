"""Opening the state of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.opening import state_folder
from runner.cli.receipts import lock_file_of
from runner.store.store import StateStore

if TYPE_CHECKING:
    from runner.core.spec import Campaign


def open_state(campaign: Campaign, *, read_only: bool, looks_at_files: bool = True) -> StateStore:
    """Open the manifest's state; to write, the caller holds its lock.

    Args:
        campaign: The manifest.
        read_only: True to look only.
        looks_at_files: False where nobody decides by what is delivered: then the files that the lock file tells of are taken as they are,
            and not read. Only to look, since what is written stays.

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
        lock_file=lock_file_of(campaign, looks_at_files=looks_at_files),
        renames=campaign.moved,
    )
