"""The product as its users meet it: a process, its arguments, its exit code and what it prints."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended.

    Args:
        arguments: As typed after `callsheet`.
        code: Exit code; negative for the signal that ended it.
        stdout: What it printed.
        stderr: What it said.
        seconds: How long it took.
    """

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float

    def expect(self, code: int) -> Finished:
        """Itself, when it ended with this code.

        Raises:
            AssertionError: With all it printed.
        """
        assert self.code == code, (
            f"callsheet {' '.join(self.arguments)}: exit {self.code}, {code} expected\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )
        return self


@dataclass(slots=True)
class Started:
    """A command at work, in a process group of its own."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path
    began: float

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL for the whole group, at once."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """A signal for the whole group; nothing when it has ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def limit_file_size(self, size_bytes: int) -> None:
        """No file that it writes may grow beyond this: further bytes fail as on a disk with a quota."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    def wait_for_words(self, words: str, seconds: float = 10.0) -> None:
        """Wait until it has said something on stderr."""
        until = time.monotonic() + seconds
        while words not in self.stderr.read_text(errors="replace"):
            assert time.monotonic() < until, f"{words!r} was not said in {seconds} s"
            time.sleep(0.01)

    def wait(self, seconds: float = 60.0) -> Finished:
        """Wait for its end; a command that takes longer is killed and fails the test."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
            raise AssertionError(
                f"callsheet {' '.join(self.arguments)} did not end in {seconds} s\n--- stderr\n"
                + self.stderr.read_text(errors="replace")[-3000:]
            ) from None
        return Finished(
            self.arguments,
            code,
            self.stdout.read_text(errors="replace"),
            self.stderr.read_text(errors="replace"),
            time.monotonic() - self.began,
        )


@dataclass(slots=True)
class CommandLine:
    """Starts the product in a clean environment.

    Args:
        folder: Working directory.
        home: `HOME`; empty.
        logs: Where outputs are kept, and the tracebacks of bugs.
        environment: Added to the clean environment.
    """

    folder: Path
    home: Path
    logs: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    """How many commands were started so far."""

    def start(
        self,
        *arguments: str,
        python: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Started:
        """Start a command.

        Args:
            arguments: After `callsheet`.
            python: Options of the interpreter.
            environment: Instead of this command line's own.
        """
        self.count += 1
        stdout, stderr = (self.logs / f"{self.count:03d}.{stream}" for stream in ("stdout", "stderr"))
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, *python, "-m", "runner", *arguments],
                cwd=self.folder,
                env=self._clean(self.environment if environment is None else environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        return Started(arguments, process, stdout, stderr, time.monotonic())

    def __call__(self, *arguments: str, seconds: float = 60.0, **options: Any) -> Finished:
        """Run a command to its end; the options are those of `start`."""
        return self.start(*arguments, **options).wait(seconds)

    def said(self) -> bytes:
        """Everything that any command printed."""
        return b"\n".join(path.read_bytes() for path in sorted(self.logs.iterdir()))

    def _clean(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.logs),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            **environment,
        }
