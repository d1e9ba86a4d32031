"""Standard streams that break never change how a command ends."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, Break, accepted_but, always, by_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stage import Stage

FULL = "callsheet: standard output failed: No space left on device; what was printed is not complete"


@contextmanager
def broken(kind: str) -> Iterator[IO[bytes] | int]:
    """A stream that takes nothing."""
    if kind == "/dev/full":
        with Path("/dev/full").open("wb") as file:
            yield file
        return
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def run(stage: Stage, kind: str, *words: str, stream: str = "stdout") -> tuple[int, str]:
    """A command with one broken stream: its exit code, and what it said on the other."""
    with broken(kind) as file:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: file}
        process = subprocess.run(
            [sys.executable, "-m", "runner", *words],
            cwd=stage.callsheet.folder,
            env=stage.callsheet._clean(stage.callsheet.environment),
            check=False,
            **streams,  # type: ignore[call-overload]  # a table of streams
        )
    return process.returncode, ((process.stderr if stream == "stdout" else process.stdout) or b"").decode()


@pytest.mark.parametrize("kind", ["pipe", "/dev/full"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        (("schema",), 0),
        (("plan", "campaign.yaml", "--json", "--exit-code"), 3),
        (("plan", "campaign.yaml", "--exit-code"), 3),
        (("status", "campaign.yaml", "--json"), 0),
    ],
)
def test_code_of_a_command_whose_output_breaks(stage: Stage, kind: str, words: tuple[str, ...], code: int) -> None:
    """The code is the command's own; a full disk is said once, a reader that has gone is not worth a word."""
    told = FULL + "\n" if kind == "/dev/full" else ""
    assert run(stage, kind, *words) == (code, told)


@pytest.mark.parametrize("kind", ["pipe", "/dev/full"])
def test_code_of_a_run_whose_output_breaks(stage: Stage, kind: str) -> None:
    """A run with a job in doubt is exit 6 whoever reads its summary, and its report is written."""
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    code, said = run(stage, kind, "run", "campaign.yaml")
    assert code == 6
    assert said.count(FULL) == (kind == "/dev/full")
    assert "Traceback" not in said
    assert "report could not" not in said
    assert stage.reported() == {"succeeded": 3, "in_doubt": 1}


@pytest.mark.parametrize("kind", ["pipe", "/dev/full"])
def test_code_of_a_command_whose_errors_break(stage: Stage, kind: str) -> None:
    """Progress and messages that nobody takes change nothing either."""
    stage.script(always(ACCEPT))
    code, said = run(stage, kind, "run", "campaign.yaml", stream="stderr")
    assert code == 0
    assert said.endswith("EXIT=0\n")
    assert run(stage, kind, "no-such-command", stream="stderr") == (2, "")


def test_streams_that_are_closed(make_stage: Callable[..., Stage]) -> None:
    """A process that is started without standard streams does its work."""
    stage = make_stage(jobs=1)
    command = f"exec {sys.executable} -m runner run campaign.yaml <&- >&- 2>&-"
    environment = stage.callsheet._clean(stage.callsheet.environment)
    process = subprocess.run(["sh", "-c", command], cwd=stage.callsheet.folder, env=environment, check=False)
    assert process.returncode == 0
    assert stage.reported() == {"succeeded": 1}
