"""The lock file of a campaign: where it is, and what is wrong with it."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.errors import ManifestInvalid
from runner.core.plan import FileState
from runner.media.probe import probe
from runner.store.lock_file import LockFile, LockReading
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.diagnostics import Diagnostic
    from runner.core.job import OutputFile
    from runner.core.spec import Campaign


def lock_file_of(campaign: Campaign, *, looks_at_files: bool = True) -> LockFile | None:
    """The manifest's lock file; None for a campaign that has none.

    Args:
        campaign: The manifest.
        looks_at_files: Whether a delivered file is read before it counts as unchanged; else its length is enough.
    """
    if campaign.lock_path is None:
        return None
    path, output_dir = Path(campaign.lock_path), Path(campaign.output_dir)
    delivery = FileDelivery(output_dir, probe=probe) if looks_at_files else None
    return LockFile(
        path=path,
        display=str(Path(campaign.path).with_name(path.name)),
        folder=Path(os.path.relpath(output_dir, campaign.folder)).as_posix(),
        stamped=partial(_stamped, delivery, output_dir),
    )


def _stamped(delivery: FileDelivery | None, output_dir: Path, output: OutputFile) -> OutputFile:
    """The file with its modification time, when it stands there unchanged; without a delivery nobody looks at its bytes."""
    try:
        modified_ns = (output_dir / output.path).stat().st_mtime_ns
    except OSError:
        return output
    is_unchanged = delivery is None or delivery.look(output) is FileState.UNCHANGED
    return replace(output, mtime_ns=modified_ns) if is_unchanged else output


def lock_findings(campaign: Campaign) -> Sequence[Diagnostic]:
    """What is wrong with a campaign's lock file.

    Raises:
        StorageFailed: It cannot be read.
    """
    lock_file = lock_file_of(campaign)
    if lock_file is None:
        return ()
    try:
        deque(LockReading(lock_file).receipts(), maxlen=0)
    except ManifestInvalid as invalid:
        return invalid.diagnostics
    return ()
