"""What a state takes over when it is opened, beside what its own witness knows: receipts of the lock file, and renamed jobs.

    a receipt, and for its id and fingerprint the state has      replayed
    no row                                                       Recorded
    pending                                                      Recorded
    skipped; failed without a task                               Requeued, Recorded
    failed at the provider, by another task                      Retried, Recorded
    running or downloading, by the same task                     Recorded
    anything else                                                nothing: the state knows as much or more

Both are idempotent: a crash between two chunks leaves the rest to the next opening.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from runner.core import events
from runner.core.events import Cause
from runner.core.job import Job, State, advance
from runner.core.ports import Move
from runner.store.books import entry
from runner.store.knowledge import Renamed, encode_lines, encode_renamed
from runner.store.recovery import possible_renames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from runner.core.events import Event
    from runner.core.job import OutputFile
    from runner.core.renames import Renames
    from runner.store.books import Books
    from runner.store.library import Library
    from runner.store.receipts import Receipt
    from runner.store.writer import Writer

_CHUNK: Final = 1000


def import_receipts(
    receipts: Iterable[Receipt],
    renames: Renames,
    library: Library,
    writer: Writer,
    stamped: Callable[[OutputFile], OutputFile],
) -> int:
    """Write to the state, and to its witness, what they lack of a lock file.

    Args:
        receipts: The lock file's lines.
        renames: Ids that have changed since the lines were written.
        library: Reads the state.
        writer: Writes it.
        stamped: Looks at a file and notes its modification time where it is unchanged, so that it need not be read again.

    Returns:
        How many jobs were taken over.

    Raises:
        ManifestInvalid: A line of the file does not hold; the lines before it are taken over.
        StorageFailed: The state cannot be read or written.
    """
    count = 0
    remaining = iter(receipts)
    while chunk := list(islice(remaining, _CHUNK)):
        moves = list(_moves(chunk, renames, library, stamped))
        if moves:
            lines = [line for move in moves for line in encode_lines(move)]
            writer.call(partial(_write, writer.books, moves), lines)
        count += len(moves)
    return count


def _moves(
    chunk: Sequence[Receipt],
    renames: Renames,
    library: Library,
    stamped: Callable[[OutputFile], OutputFile],
) -> Iterator[Move]:
    named: dict[tuple[str, str], Receipt] = {}
    for receipt in sorted(chunk, key=attrgetter("done_at")):  # a merge may leave two lines of one job: the later one counts
        named[renames.new_id(receipt.id) or receipt.id, receipt.fingerprint] = receipt
    rows = library.rows(sorted({job_id for job_id, _ in named}))
    known = {(row.id, row.fingerprint): row for found in rows.values() for row in found}
    for key, receipt in named.items():
        row = known.get(key) or Job(id=key[0], fingerprint=key[1], uses=receipt.uses, operation=receipt.operation)
        way = _way(row, receipt)
        if way is not None:
            yield _move(row, (*way, _recorded(receipt, stamped)), receipt)


def _way(row: Job, receipt: Receipt) -> Sequence[Event] | None:
    """What comes before `Recorded`; None when the state knows as much."""
    at = receipt.done_at
    match row.state:
        case State.PENDING:
            return ()
        case State.SKIPPED:
            return (events.Requeued(at=at),)
        case State.FAILED if row.task_id is None:
            return (events.Requeued(at=at),)
        case State.FAILED if row.failure is not None and row.failure.cause is Cause.GENERATION:
            return (events.Retried(at=at),) if row.task_id != receipt.task_id else None
        case State.RUNNING | State.DOWNLOADING if row.task_id == receipt.task_id:
            return ()
        case _:
            return None


def _recorded(receipt: Receipt, stamped: Callable[[OutputFile], OutputFile]) -> Event:
    output = None if receipt.output is None else stamped(receipt.output)
    return events.Recorded(at=receipt.done_at, task_id=receipt.task_id, output=output, outputs=dict(receipt.outputs))


def _move(before: Job, story: Sequence[Event], receipt: Receipt) -> Move:
    # The account that has the task: the row may have been made for another one of the same type.
    before = before if before.uses == receipt.uses else replace(before, uses=receipt.uses)
    after = before
    for event in story:
        after = advance(after, event)
    return Move(before=before, events=tuple(story), after=after)


def _write(books: Books, moves: Sequence[Move], connection: Connection) -> None:
    books.write(connection, [entry(move) for move in moves], None)


def apply_renames(renames: Renames, at: float, library: Library, writer: Writer) -> dict[str, str]:
    """Give the rows of renamed jobs their new ids, each with its line in the witness.

    Args:
        renames: The manifest's.
        at: Unix seconds, for the history.
        library: Reads the state.
        writer: Writes it.

    Returns:
        The old id of every job that has a new one, by its new id.

    Raises:
        StorageFailed: The state cannot be read or written.
    """
    renamed: dict[str, str] = {}
    for chunk in _due(renames, at, library):
        writer.rename(chunk, [encode_renamed(each) for each in chunk])
        renamed.update((each.new, each.old) for each in chunk)
    return renamed


def has_renames(renames: Renames, library: Library) -> bool:
    """Whether a row of the state is waiting for its new id. Reads only."""
    return next(_due(renames, 0.0, library), None) is not None


def _due(renames: Renames, at: float, library: Library) -> Iterator[list[Renamed]]:
    """The renames that rows wait for, in chunks; each chunk is looked for when the one before it has been made."""
    for rename in renames.entries:
        keys = library.keys_below(rename.old)
        while chunk := list(islice(keys, _CHUNK)):
            named = [(job_id, fingerprint, renames.new_id(job_id)) for job_id, fingerprint in chunk]
            due = [Renamed(old, fingerprint, new, at) for old, fingerprint, new in named if new is not None]
            if possible := possible_renames(due, library):
                yield possible
