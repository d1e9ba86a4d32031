"""What the editor's tests share: one language server for all of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.editor.language_server import LanguageServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `callsheet schema` prints, in a file."""
    path = tmp_path_factory.mktemp("editor") / "callsheet.schema.json"
    done = subprocess.run([sys.executable, "-m", "runner", "schema"], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return path


@pytest.fixture(scope="session")
def editor(schema_file: Path) -> Iterator[LanguageServer]:
    """A server that knows `callsheet schema`."""
    with LanguageServer(schema_file) as server:
        yield server
