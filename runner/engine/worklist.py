"""The jobs that have work, in manifest order, without holding them in memory.

The survey writes each job spec once to an unnamed temporary file; what stays in memory is eight bytes a job. So memory depends
on the limits and not on the number of jobs, the next job is found in constant time, and a CSV that somebody edits while the run
goes on changes nothing that was already checked.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from runner.core.diagnostics import Span
from runner.core.error_codes import of_os_error
from runner.core.errors import StorageFailed
from runner.core.plan import Action
from runner.core.spec import FileInput, JobSpec, Verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Ticket = int
"""Where a job stands in the file: its name inside a run."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job and what to do with it.

    Args:
        ticket: Its place in the worklist.
        spec: What is asked for.
        action: What the plan says.
        is_new: Whether the state had no job of this fingerprint when the run began.
        lacking: The files without which it cannot be submitted, in words, when its paid task goes on without them; "" when none is lacking.
        is_met: Whether those that need it wait for nothing, whatever becomes of its file.
    """

    ticket: Ticket
    spec: JobSpec
    action: Action
    is_new: bool
    lacking: str = ""
    is_met: bool = False


@dataclass(slots=True)
class Queue:
    """Tickets in the order they came; those put back come first."""

    _tickets: array[int] = field(default_factory=lambda: array("Q"))
    _cursor: int = 0
    _returned: deque[Ticket] = field(default_factory=deque)

    def __len__(self) -> int:
        """How many are left."""
        return len(self._tickets) - self._cursor + len(self._returned)

    def append(self, ticket: Ticket) -> None:
        """Add a ticket at the end."""
        self._tickets.append(ticket)

    def extend(self, other: Queue) -> None:
        """Add all that another queue has, in its order."""
        self._tickets.extend(other)

    def __iter__(self) -> Iterator[Ticket]:
        """The tickets that are left, in the order in which `pop` gives them."""
        yield from self._returned
        yield from islice(self._tickets, self._cursor, None)

    def put_back(self, ticket: Ticket) -> None:
        """Add a ticket at the front: a job that was begun and must wait."""
        self._returned.append(ticket)

    def pop(self) -> Ticket:
        """Take the next ticket.

        Raises:
            IndexError: None is left.
        """
        if self._returned:
            return self._returned.popleft()
        ticket = self._tickets[self._cursor]
        self._cursor += 1
        return ticket


class Worklist:
    """Job specs on disk, found by ticket.

    Args:
        folder: Where the temporary file lies; it has no name and is gone with the process.

    Raises:
        StorageFailed: The file cannot be made or, in `add`, written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  it lives as long as the worklist
        except OSError as error:
            raise self._failed(error) from error

    def add(self, spec: JobSpec, action: Action, *, is_new: bool, is_met: bool = False) -> Ticket:
        """Write a job down.

        Returns:
            The ticket to read it back with.
        """
        try:
            ticket = self._file.tell()
            self._file.write(
                json.dumps(_pack(spec, action, is_new=is_new, is_met=is_met), ensure_ascii=False).encode(
                    "utf-8", "surrogatepass"
                )
                + b"\n"
            )
        except OSError as error:
            raise self._failed(error) from error
        return ticket

    def read(self, ticket: Ticket) -> Work:
        """Read a job back. Only after the last `add`."""
        try:
            self._file.seek(ticket)
            return _unpack(ticket, json.loads(self._file.readline()))
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Let the file go."""
        # What could not be written was said by `add` or `read`; the file is given up all the same.
        with suppress(OSError):
            self._file.close()

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(
            f"the list of work could not be kept in {self._folder}: {error.strerror or error}",
            next_step="make room or mend the disk, then run again; nothing was lost",
            code=of_os_error(error),
        )


def _pack(spec: JobSpec, action: Action, *, is_new: bool, is_met: bool) -> list[Any]:
    source = spec.source
    return [
        spec.id,
        spec.name,
        spec.uses,
        spec.operation,
        spec.inputs,
        spec.fingerprint,
        spec.tags,
        spec.output,
        spec.verify,
        spec.needs,
        (source.file, source.line, source.column, source.width),
        spec.text,
        spec.duration_s,
        [(file.at, file.written, file.path, file.sha256, file.size_bytes) for file in spec.files],
        spec.content.decode() if is_new else "",
        spec.lasts_as,
        spec.ageing,
        spec.lengths,
        spec.lacking,
        action,
        is_new,
        is_met,
    ]


def _unpack(ticket: Ticket, record: list[Any]) -> Work:
    (
        job_id,
        name,
        uses,
        operation,
        inputs,
        fingerprint,
        tags,
        output,
        verify,
        needs,
        source,
        text,
        duration_s,
        files,
        content,
        lasts_as,
        ageing,
        lengths,
        lacking,
        action,
        is_new,
        is_met,
    ) = record
    spec = JobSpec(
        id=job_id,
        name=name,
        uses=uses,
        operation=operation,
        inputs=inputs,
        fingerprint=fingerprint,
        tags=tuple(tags),
        output=output,
        verify=Verify(verify),
        needs=tuple(needs),
        source=Span(*source),
        text=text,
        duration_s=duration_s,
        files=tuple(_unpack_file(*file) for file in files),
        content=content.encode(),
        lasts_as=lasts_as,
        ageing=tuple((needed, most_s) for needed, most_s in ageing),
        lengths=tuple((needed, least_s, most_s) for needed, least_s, most_s in lengths),
    )
    return Work(ticket, spec, Action(action), is_new, lacking, is_met)


def _unpack_file(at: list[str | int], written: str, path: str, sha256: str, size_bytes: int) -> FileInput:
    return FileInput(at=tuple(at), written=written, path=path, sha256=sha256, size_bytes=size_bytes)
