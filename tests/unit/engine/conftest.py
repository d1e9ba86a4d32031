"""What the engine's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One account that takes four at a time, an API that takes everything, an empty state."""
    return World(tmp_path)
