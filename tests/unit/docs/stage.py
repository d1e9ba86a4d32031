"""Where the examples of a page are tried: a folder of its own, a shell, and time that can pass."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from tests.unit.docs.page import Step

_LATER = re.compile(r"# (\d+) days later$")
_CLOCKS = ("submitted_at", "accepted_at", "ready_at", "done_at")
_PORTS = ("8765", "8766")
"""Of the sandbox in examples; each trial has free ones in their place, since several may be under way."""


@dataclass
class Stage:
    """A folder, and a shell in it that knows the command `callsheet`. No credential but those that an example names.

    Args:
        root: An empty folder; what is typed happens in `work` below it.
    """

    root: Path
    _servers: ExitStack = field(default_factory=ExitStack)
    _ports: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out the folders and the command."""
        for name in ("bin", "home", "work"):
            (self.root / name).mkdir()
        command = self.root / "bin" / "callsheet"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runner "$@"\n')
        command.chmod(0o755)
        with ExitStack() as taken:
            for port in _PORTS:
                listener = taken.enter_context(socket.create_server(("127.0.0.1", 0)))
                self._ports[port] = str(listener.getsockname()[1])

    @property
    def folder(self) -> Path:
        """Where it is typed."""
        return self.root / "work"

    def write(self, name: str, text: str) -> Path:
        """Write a file of an example."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._with_free_ports(text), encoding="utf-8")
        return path

    def try_out(self, step: Step) -> None:
        """Type a command and compare what it prints with what the page shows.

        Raises:
            AssertionError: It prints something else; or it fails, and the page shows no output that would say so.
        """
        if later := _LATER.search(step.command):
            self._let_pass(86_400.0 * int(later[1]))
        if step.command.endswith(" &"):
            self._serve(step.command)
            return
        done = self.type_in(step.command)
        if step.shown:
            assert matches(step.shown, done.stdout), f"$ {step.command}\n{done.stdout}"
        else:
            assert done.returncode == 0, f"$ {step.command}\n{done.stdout}"

    def type_in(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; both of its streams are one, as on a terminal."""
        done = subprocess.run(
            ["/bin/sh", "-c", self._with_free_ports(command)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        for port, free in self._ports.items():
            done.stdout = done.stdout.replace(f":{free}", f":{port}")
        return done

    def end(self) -> None:
        """Stop the servers that examples have started."""
        self._servers.close()

    def _serve(self, command: str) -> None:
        """Start a command that serves until the end, and wait until it says where."""
        server = self._servers.enter_context(
            subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._with_free_ports(command.removesuffix(' &'))}"],
                cwd=self.folder,
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        self._servers.callback(server.terminate)
        assert server.stdout is not None
        first = server.stdout.readline()
        assert first.startswith("base_url:"), first

    def _with_free_ports(self, text: str) -> str:
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.root / "home"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
        }

    def _let_pass(self, seconds: float) -> None:
        """Make everything that any state has seen so much older."""
        for path in self.folder.glob("**/state.db"):
            with closing(sqlite3.connect(path)) as state, state:
                known = {column for _, column, *_ in state.execute("pragma table_info(jobs)")}
                changes = ", ".join(f"{clock} = {clock} - :seconds" for clock in _CLOCKS if clock in known)
                state.execute(f"update jobs set {changes}", {"seconds": seconds})


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Whether a command prints what a page shows: `…` alone in a line stands for any lines, within a line for any characters."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ ]*\n"
        for line in shown
    )
    return re.fullmatch(pattern, printed) is not None


def completed(fragment: str) -> str:
    """A manifest of which a page shows only some keys, with the others that it needs."""
    whole = {
        "version:": "version: 1\n",
        "name:": "name: page\n",
        "jobs:": textwrap.dedent("""\
            jobs:
              boat:
                uses: video/generate
                with: {model: veo3.1-fast, prompt: a paper boat}
            """),
    }
    return fragment + "".join(
        lines for key, lines in whole.items() if not re.search(rf"^{key}", fragment, flags=re.MULTILINE)
    )
