"""A delivery and a server of results for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from tests.unit.transfer.cdn import Cdn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTENT = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 4000
"""About a megabyte that begins like an MP4: four pieces."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The output folder; not there yet, and its parent neither."""
    return tmp_path / "outputs" / "autumn"


@pytest.fixture
async def cdn() -> AsyncIterator[Cdn]:
    """A server with the standard content."""
    async with Cdn(CONTENT) as server:
        yield server


@pytest.fixture
async def delivery(root: Path) -> AsyncIterator[FileDelivery]:
    """A delivery with the real probe."""
    made = FileDelivery(root, probe=probe, reserve_bytes=0)
    yield made
    await made.close()
