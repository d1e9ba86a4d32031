"""Runs a command in a process of its own and says what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resource import struct_rusage

REPOSITORY = Path(__file__).resolve().parent.parent

_MOST_S = 600.0
"""A command that takes longer has hung: it is killed, and the measurement fails."""

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in one unit of `ru_maxrss`, see getrusage(2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process took, from its start to its end.

    Args:
        cpu_s: CPU seconds in user and system mode, all threads.
        wall_s: Seconds on the wall clock.
        peak_bytes: The most memory that was resident at once. Linux counts from the fork, so it is never less than what the
            measuring process holds itself; that one therefore imports little.
    """

    cpu_s: float
    wall_s: float
    peak_bytes: int


class MeasurementFailed(Exception):
    """A measured command did not end as it should; says which, how, and what it wrote last."""


def environment() -> dict[str, str]:
    """The environment of every measured process: this checkout, a credential, and nothing of the user's settings."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "DIGITAL_HUMAN_TOKEN": "benchmark-0123456789abcdef0123456789abcdef",
    }


def measure(folder: Path, *arguments: str) -> Usage:
    """Run `python -m <arguments>` to its end.

    Args:
        folder: Working directory; what the command prints is kept there.
        arguments: A module and its arguments.

    Returns:
        What it took.

    Raises:
        MeasurementFailed: It ended with another code than 0.
    """
    printed = folder / "printed.log"
    began = time.monotonic()
    with printed.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        code, usage = _wait(process)
    wall_s = time.monotonic() - began
    if code != 0:
        words = printed.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise MeasurementFailed(f"`python -m {' '.join(arguments)}` ended with {code}:\n{words}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Usage(cpu_s=cpu_s, wall_s=wall_s, peak_bytes=usage.ru_maxrss * _MAXRSS_UNIT)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, struct_rusage]:
    """Wait for one child and for what it alone took; `RUSAGE_CHILDREN` would add up all children."""
    watchdog = threading.Timer(_MOST_S, process.kill)
    watchdog.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        watchdog.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
