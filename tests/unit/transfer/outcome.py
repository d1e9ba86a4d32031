"""What a delivery came to, as tests ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core.job import OutputFile
from runner.core.ports import NotDelivered

if TYPE_CHECKING:
    from pathlib import Path


def files(root: Path) -> list[str]:
    """Every file below a folder, relative; none where the folder is not there."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def problem(found: OutputFile | NotDelivered) -> NotDelivered:
    """The problem of a delivery that must have failed."""
    assert isinstance(found, NotDelivered)
    assert "SECRET" not in found.message
    return found


def output(found: OutputFile | NotDelivered) -> OutputFile:
    """The file of a delivery that must have worked."""
    assert isinstance(found, OutputFile), found
    return found
