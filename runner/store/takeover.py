"""What a state takes over when it is opened, beside what its own witness knows: receipts of the lock file, and renamed jobs.

    a receipt, and for its id and fingerprint the state has      replayed
    no row                                                       Recorded
    pending                                                      Recorded
    skipped; failed without a task                               Requeued, Recorded
    failed with another task, by whatever cause                  Retried, Recorded
    this task never fetched (expired, unreachable)               Requeued, Recorded: somebody has fetched it
    running or downloading, by the same task                     Recorded
    succeeded; this task failed, or was fetched once             nothing: the state knows as much or more
    anything else                                                nothing yet: the line stays in the lock file

Both are idempotent: a crash between two chunks leaves the rest to the next opening.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from functools import partial
from itertools import groupby, islice
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from runner.core import events
from runner.core.events import Cause
from runner.core.job import Job, State, advance
from runner.core.ports import Move
from runner.store.books import entry
from runner.store.delivered import receipts
from runner.store.knowledge import Renamed, encode_lines, encode_renamed
from runner.store.lock_file import LockReading
from runner.store.recovery import possible_renames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from runner.core.events import Event
    from runner.core.job import OutputFile
    from runner.core.renames import Renames
    from runner.store.books import Books
    from runner.store.library import Claim, Library
    from runner.store.lock_file import LockFile
    from runner.store.receipts import Receipt
    from runner.store.writer import Writer

_CHUNK: Final = 1000

_NOT_FETCHED: Final = (Cause.FETCH, Cause.EXPIRED)


def import_lock_file(lock_file: LockFile | None, renames: Renames, library: Library, writer: Writer) -> int:
    """Write to the state, and to its witness, what they lack of the lock file; nothing when they know it as it stands.

    Args:
        lock_file: The manifest's; None for a state that has none.
        renames: Ids that have changed since its lines were written.
        library: Reads the state.
        writer: Writes it.

    Returns:
        How many jobs were taken over.

    Raises:
        ManifestInvalid: A line of the file does not hold; the lines before it are taken over.
        StorageFailed: The file or the state cannot be read, or the state not be written.
    """
    if lock_file is None or lock_file.is_known(library.meta()):
        return 0
    reading, count = LockReading(lock_file), 0
    theirs = reading.receipts()
    while chunk := list(islice(theirs, _CHUNK)):
        moves = list(_moves(chunk, renames, library, lock_file.stamped))
        if moves:
            lines = [line for move in moves for line in encode_lines(move)]
            writer.call(partial(_write, writer.books, moves), lines)
        count += len(moves)
    # Lines may be lacking in it, too: the end of the run compares.
    writer.call(lambda connection: writer.books.note(connection, {**reading.stamp, "lock_told": ""}))
    return count


def lock_lines(
    lock_file: LockFile, renames: Renames, current: Mapping[str, str], library: Library, now: float
) -> Iterator[Receipt]:
    """What the lock file has to tell, ordered by id and fingerprint.

    That is what the state knows to be delivered, and what others delivered that it could not take over yet: its own submission of that
    job is open or in doubt.

    Args:
        lock_file: The file as it stands.
        renames: Ids that have changed since its lines were written.
        current: As for `delivered.receipts`.
        library: Reads the state.
        now: Unix seconds.
    """
    others: list[Receipt] = []
    theirs = LockReading(lock_file).receipts()
    while chunk := list(islice(theirs, _CHUNK)):
        named = [replace(receipt, id=renames.new_id(receipt.id) or receipt.id) for receipt in chunk]
        claims = library.claims(sorted({receipt.id for receipt in named}))
        others += (receipt for receipt in named if _is_open(claims.get((receipt.id, receipt.fingerprint))))
    merged = heapq.merge(receipts(library, current, now), sorted(others, key=_place), key=_place)
    for _, same in groupby(merged, key=_place):
        yield next(same)  # the state's own: it may be fetching again what both have


def _is_open(claim: Claim | None) -> bool:
    """Whether the state has a job of its own that it does not know the end of, and so could not take a receipt over."""
    return claim is not None and claim.state not in _SETTLED


def _place(receipt: Receipt) -> tuple[str, str]:
    return receipt.id, receipt.fingerprint


_SETTLED: Final = (State.SUCCEEDED, State.FAILED)
"""Where a row knows all that a receipt of its inputs could tell it."""


def _moves(
    chunk: Sequence[Receipt],
    renames: Renames,
    library: Library,
    stamped: Callable[[OutputFile], OutputFile],
) -> Iterator[Move]:
    named: dict[tuple[str, str], Receipt] = {}
    # A merge may leave two lines of one job: the later one counts.
    for receipt in sorted(chunk, key=attrgetter("done_at")):
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
        case State.FAILED if row.task_id != receipt.task_id:
            return (events.Retried(at=at),)
        case State.FAILED if row.output is None and row.failure is not None and row.failure.cause in _NOT_FETCHED:
            return (events.Requeued(at=at),)
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
        renamed.update((each.new, each.old) for each in chunk if renames.about(each.old) is not None)
    return renamed


def has_renames(renames: Renames, library: Library) -> bool:
    """Whether a row of the state is waiting for its new id. Reads only."""
    return next(_due(renames, inf, library), None) is not None


def _due(renames: Renames, at: float, library: Library) -> Iterator[list[Renamed]]:
    """The renames that rows wait for, in chunks; each chunk is looked for when the one before it has been made."""
    for rename in renames.entries:
        keys = library.keys_below(rename.old)
        while chunk := list(islice(keys, _CHUNK)):
            named = [(job_id, fingerprint, new) for job_id, fingerprint in chunk if (new := renames.new_id(job_id))]
            claims = library.claims(sorted({job_id for old, _, new in named for job_id in (old, new)}))
            steps = [step for old, asked, new in named for step in _steps(old, asked, new, at, claims)]
            if possible := possible_renames(steps, library):
                yield possible


def _steps(
    old: str, fingerprint: str, new: str, at: float, claims: Mapping[tuple[str, str], Claim]
) -> Sequence[Renamed]:
    """How a row gets its new id.

    Where a job that was never paid has that id already (renamed first, `moved:` written later), the two change places.
    """
    there = claims.get((new, fingerprint))
    if there is None:
        return (Renamed(old, fingerprint, new, at),)
    if there.may_be_paid or not claims[old, fingerprint].may_be_paid:
        return ()
    aside = f"{new}~"  # no id of a manifest has this character
    return (
        Renamed(new, fingerprint, aside, at),
        Renamed(old, fingerprint, new, at),
        Renamed(aside, fingerprint, old, at),
    )
