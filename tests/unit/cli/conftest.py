"""What the command line's tests share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from runner.cli import main
from tests.commandline import CommandLine, Finished
from tests.unit.cli.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Types commands in an empty folder, in this process; signals are as before afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_STEP_SUMMARY", "DIGITAL_HUMAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def type_in(*words: str) -> Finished:
        code = main(words)
        said = capsys.readouterr()
        return Finished(words, code, said.out, said.err, 0.0)

    yield Shell(folder, type_in)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def callsheet(tmp_path: Path) -> CommandLine:
    """Starts the product as a process of its own, in an empty folder."""
    folder, home, logs = (tmp_path / name for name in ("folder", "home", "logs"))
    for each in (folder, home, logs):
        each.mkdir()
    return CommandLine(folder, home, logs)
