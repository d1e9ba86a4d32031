"""The outermost border: bugs, signals, readers that go away, colour."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.cli.screen import wants_color
from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from tests.unit.cli.shell import Shell


def test_a_bug_leaves_its_traceback_in_a_file(callsheet: CommandLine, tmp_path: Path) -> None:
    """A library that breaks when it is loaded is nothing that we handle: exit 70, one line, and the traceback where it says."""
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "yaml.py").write_text("raise LookupError('broken\\nlibrary')\n")
    finished = callsheet("plan", "x.yaml", environment={"PYTHONPATH": f"{stranger}{os.pathsep}{REPOSITORY}"}).expect(70)
    assert "Traceback" not in finished.stderr + finished.stdout
    assert "bug in Callsheet" in finished.stderr
    (told,) = (word.rstrip(";") for word in finished.stderr.split() if "callsheet-bug-" in word)
    assert "LookupError" in Path(told).read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_that_is_no_run(callsheet: CommandLine, number: signal.Signals, code: int) -> None:
    """The sandbox serves until it is told to stop."""
    started = callsheet.start("sandbox", "--port", "0")
    until = time.monotonic() + 10
    while b"base_url" not in started.stdout.read_bytes():
        assert time.monotonic() < until, started.stderr.read_text()
        time.sleep(0.02)
    started.send(number)
    finished = started.wait(10).expect(code)
    assert "Traceback" not in finished.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """`callsheet schema | head -1`: no traceback, no second error at exit, exit 0."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        finished = subprocess.run(
            [sys.executable, "-m", "runner", "schema"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    assert (finished.returncode, finished.stderr) == (0, "")


class Terminal(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """As told."""
        return self._is_terminal


@pytest.mark.parametrize(
    ("environment", "is_terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_goes_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, is_terminal: bool, wanted: bool
) -> None:
    """`NO_COLOR` forbids, `FORCE_COLOR` demands, else only a terminal that is not dumb gets it."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_color(Terminal(is_terminal=is_terminal)) is wanted


@pytest.mark.parametrize(("name", "has_escapes"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_findings_follow_the_colour_variables(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, *, has_escapes: bool
) -> None:
    """What `validate` prints has escapes when they are demanded, and none otherwise."""
    (shell.folder / "bad.yaml").write_text("version: 1\nname: BAD NAME\njobs: {}\n", encoding="utf-8")
    monkeypatch.setenv(name, "1")
    assert ("\x1b[" in shell("validate", "bad.yaml", code=4).stdout) is has_escapes
