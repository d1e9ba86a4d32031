"""The remote side: a sandbox in a process of its own, so that what it takes counts for nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

from benchmarks.processes import MeasurementFailed, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LEAVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A sandbox at work.

    Args:
        base_url: Address of the API.
        cdn_origin: Origin of the results.
    """

    base_url: str
    cdn_origin: str

    def requests(self) -> int:
        """How many requests it has answered so far: creates, polls and downloads."""
        # A proxy of the user's environment would not find the way to loopback.
        with build_opener(ProxyHandler({})).open(f"{self.base_url}/_sandbox/ledger", timeout=30) as reply:
            totals = json.load(reply)["totals"]
        return sum(totals.get(event, 0) for event in ("create", "poll", "cdn"))


@contextmanager
def sandbox(folder: Path) -> Iterator[Server]:
    """Serve the API and a CDN: tasks are done at once, and all have one video, since drawing would drown what is measured.

    Args:
        folder: Where it keeps its words.

    Raises:
        MeasurementFailed: It did not start.
    """
    command = ["runner", "sandbox", "--one-film", "--task-seconds", "0", "--port", "0"]
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    with process:
        try:
            yield _announced(process)
        finally:
            process.terminate()
            process.wait(_LEAVE_S)


def _announced(process: subprocess.Popen[str]) -> Server:
    """Read the two lines that say where it serves."""
    assert process.stdout is not None
    said = dict(process.stdout.readline().rstrip("\n").partition(": ")[::2] for _ in range(2))
    try:
        return Server(said["base_url"], said["download_origins"].strip("[]"))
    except KeyError as error:
        raise MeasurementFailed("the sandbox did not start") from error
