"""The example package as its users have it: installed, beside Callsheet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commandline import REPOSITORY, CommandLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLE = REPOSITORY / "docs" / "example-provider"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like `site-packages` that holds the example package, installed from its sources without the network."""
    folder = tmp_path_factory.mktemp("acme")
    sources, site = folder / "sources", folder / "site"
    shutil.copytree(EXAMPLE, sources, ignore=shutil.ignore_patterns("__pycache__"))
    words = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--no-compile",
        "--target",
        str(site),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, str(sources)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def shell_with(tmp_path: Path) -> Callable[..., CommandLine]:
    """Makes a command line for which the packages of some folders are installed."""

    def make(*sites: Path) -> CommandLine:
        folders = {name: tmp_path / name for name in ("work", "home", "logs")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        path = os.pathsep.join(map(str, (*sites, REPOSITORY)))
        return CommandLine(
            folders["work"], folders["home"], folders["logs"], {"PYTHONPATH": path, "ACME_KEY": "acme-key"}
        )

    return make
