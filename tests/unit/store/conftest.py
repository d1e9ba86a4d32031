"""What the store's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.store.lives import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A manifest's folder with no state yet."""
    return Place(tmp_path)
