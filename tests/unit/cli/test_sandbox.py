"""`callsheet sandbox`: its help, and the options that reach the server."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from runner.sandbox.faults import TABLE
from tests.commandline import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Started


@pytest.fixture
def callsheet(tmp_path: Path) -> CommandLine:
    """The command line in an empty folder."""
    for name in ("work", "home", "logs"):
        (tmp_path / name).mkdir()
    return CommandLine(tmp_path / "work", tmp_path / "home", tmp_path / "logs")


def test_the_help_lists_every_kind_of_fault(callsheet: CommandLine) -> None:
    """Whoever wants to see something go wrong finds the word for it."""
    lines = callsheet("sandbox", "--help").expect(0).stdout.splitlines()
    listed = {line.split()[0].partition("[")[0] for line in lines if line.startswith("  ") and line.strip()}
    assert set(TABLE) <= listed


@pytest.mark.parametrize(
    "options", [("--list-order", "random"), ("--fault", "explode=1"), ("--fault", "reset=often"), ("--list-lag", "-1")]
)
def test_wrong_options_are_a_wrong_command_line(callsheet: CommandLine, options: tuple[str, ...]) -> None:
    """They end with 2 and name what is wrong."""
    finished = callsheet("sandbox", "--port", "0", *options).expect(2)
    assert options[1].partition("=")[0] in finished.stderr


def test_the_options_of_kling_reach_the_server(callsheet: CommandLine) -> None:
    """A resource pack of one task, and a list that never shows anything yet."""
    started = callsheet.start(
        "sandbox", "--port", "0", "--kling-parallel", "1", "--list-lag", "60", "--task-seconds", "60"
    )
    try:
        base_url = announced(started)
        inputs = {"image": "https://cdn.example.com/a.png", "sound_file": "https://cdn.example.com/a.mp3"}
        path = "/v1/videos/avatar/image2video"
        assert [reply(base_url + path, inputs)["code"] for _ in range(2)] == [0, 1303]
        assert reply(base_url + path, None)["data"] == []
    finally:
        started.kill()
        started.process.wait()


def announced(started: Started) -> str:
    """The address that a sandbox prints when it serves."""
    until = time.monotonic() + 10
    while "download_origins" not in (printed := started.stdout.read_text()):
        assert time.monotonic() < until, started.stderr.read_text()
        time.sleep(0.02)
    return printed.split()[1]


def reply(address: str, body: Any) -> Any:
    """What a request is answered, as JSON; without a body it is a question."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, {"Authorization": "Bearer a-key"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return json.load(refused)
