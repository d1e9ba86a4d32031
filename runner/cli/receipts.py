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
from runner.store.lock_file import LockFile
from runner.store.receipts import read_receipts
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.diagnostics import Diagnostic
    from runner.core.job import OutputFile
    from runner.core.spec import Campaign


def lock_file_of(campaign: Campaign) -> LockFile | None:
    """The manifest's lock file; None for a campaign that has none."""
    if campaign.lock_path is None:
        return None
    path, output_dir = Path(campaign.lock_path), Path(campaign.output_dir)
    return LockFile(
        path=path,
        display=str(Path(campaign.path).with_name(path.name)),
        folder=Path(os.path.relpath(output_dir, campaign.folder)).as_posix(),
        stamped=partial(_stamped, FileDelivery(output_dir, probe=probe), output_dir),
    )


def _stamped(delivery: FileDelivery, output_dir: Path, output: OutputFile) -> OutputFile:
    """The file with its modification time, when it stands there unchanged."""
    try:
        modified_ns = (output_dir / output.path).stat().st_mtime_ns
    except OSError:
        return output
    return replace(output, mtime_ns=modified_ns) if delivery.look(output) is FileState.UNCHANGED else output


def lock_findings(campaign: Campaign) -> Sequence[Diagnostic]:
    """What is wrong with a campaign's lock file.

    Raises:
        StorageFailed: It cannot be read.
    """
    lock_file = lock_file_of(campaign)
    if lock_file is None:
        return ()
    try:
        deque(read_receipts(lock_file.path, lock_file.display, lock_file.folder), maxlen=0)
    except ManifestInvalid as invalid:
        return invalid.diagnostics
    return ()
