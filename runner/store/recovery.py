"""Brings a lost or rolled back state to what the second witness and the emergency file know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.core.ledger import Reserve, Settle, day_of
from runner.store.books import entry
from runner.store.due import Due
from runner.store.faults import translated
from runner.store.knowledge import REPAIR, Knowledge, Outcome
from runner.store.reconcile import Known, catch_up
from runner.store.witness import Reading, Witness, start_after
from runner.store.writer import emergency_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from runner.core.job import Job
    from runner.core.ports import Move
    from runner.store.books import Books
    from runner.store.knowledge import Renamed, Submission
    from runner.store.library import Library
    from runner.store.writer import Writer

_CHUNK: Final = 1000

_Heard = tuple[tuple[str, str], "Submission"]

_Charges = list[tuple[tuple[str, str, int], Reserve | Settle]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the witness files say.

    Args:
        knowledge: What they know beyond the state's mark.
        lacking: Lines of the state's last commit that the witness has not.
        witness: At its end, behind a repair line when a crash had torn it.
    """

    knowledge: Knowledge
    lacking: Sequence[str]
    witness: Witness


def hear_witness(path: Path, database: Path, library: Library) -> Heard:
    """Read what the witness knows beyond the state's mark, and all of the emergency file.

    Args:
        path: The witness file.
        database: The database file; the emergency file lies beside it.
        library: Reads the state, which may know of no witness yet.

    Raises:
        StateUnusable: A file is damaged in a way that no crash explains.
        StorageFailed: A file cannot be read, or the repair not be written.
    """
    knowledge, due = Knowledge(), Due(library.witness_due())
    with translated(path, "read"):
        reading = Reading(path, start_after(path, library.witness_mark()))
        knowledge.hear(due.listen(reading.lines()))
        witness = Witness.at_end(path)
        if reading.is_torn:
            witness.append([REPAIR])
    emergency = emergency_path(database)
    with translated(emergency, "read"):
        knowledge.hear(Reading(emergency).lines())
    return Heard(knowledge, due.lacking(), witness)


def has_news(path: Path, database: Path, library: Library) -> bool:
    """Whether the witness files know a submission that the state has lost. Reads only.

    Beside a run at work the answer is no: a commit is in the state before it is in the witness, and the rows are read last.

    Args:
        path: The witness file.
        database: The database file.
        library: Reads the state.

    Raises:
        StateUnusable: A file is damaged in a way that no crash explains, or contradicts the state.
        StorageFailed: A file cannot be read.
    """
    knowledge = Knowledge()
    for file, start in ((path, start_after(path, library.witness_mark())), (emergency_path(database), 0)):
        with translated(file, "read"):
            knowledge.hear(Reading(file, start).lines())
    if possible_renames(knowledge.renames, library):
        return True
    latest = iter(knowledge.latest())
    return any(
        any(_moves(_not_known_elsewhere(chunk, library), library))
        for chunk in iter(lambda: list(islice(latest, _CHUNK)), [])
    )


def import_knowledge(heard: Heard, library: Library, writer: Writer) -> Sequence[Job]:
    """Write to the state what it lacks of what the witness files say, and to the witness what it lacks of the state's last commit.

    Args:
        heard: What the witness files say.
        library: Reads the state.
        writer: Writes it.

    Returns:
        The rows that were changed or made, in the order of the witness; empty when the state knew everything.

    Raises:
        StateUnusable: Witness and state contradict each other.
        StorageFailed: The state cannot be read or written.

    Guarantees:
        Idempotent, so that a crash in the middle harms nothing. What was found in a thousand jobs is one transaction.
    """
    imported: list[Job] = []
    if changes := possible_renames(heard.knowledge.renames, library):
        writer.rename(changes)  # without lines: the witness has said these, the state was put back from before them
    latest = iter(heard.knowledge.latest())
    while heard_now := list(islice(latest, _CHUNK)):
        chunk = _not_known_elsewhere(heard_now, library)
        moves = list(_moves(chunk, library))
        charges = _missing_charges(chunk, heard.knowledge, library)
        if moves or charges:
            writer.call(partial(_write, writer.books, moves, charges))
        imported.extend(move.after for move in moves)
    if heard.knowledge.attempts or heard.lacking:
        # Only now: a mark that is set before everything is taken over would hide the rest for ever.
        writer.agree(heard.lacking)
    return imported


def possible_renames(renames: Sequence[Renamed], library: Library) -> list[Renamed]:
    """Those of these renames that the state's rows still wait for, in their order.

    A row that is younger than a rename is another job, which took the old id since; and a new id that has a job of the same inputs
    already keeps it.

    Args:
        renames: In the order in which they are to be made; memory grows with their number.
        library: Reads the state.
    """
    ids = sorted({job_id for each in renames for job_id in (each.old, each.new)})
    there = {key: claim.began_at or 0.0 for key, claim in library.claims(ids).items()} if renames else {}
    possible = []
    for each in renames:
        old, new = (each.old, each.fingerprint), (each.new, each.fingerprint)
        if new not in there and there.get(old, each.at + 1) <= each.at:
            there[new] = there.pop(old)
            possible.append(each)
    return possible


def _not_known_elsewhere(chunk: Sequence[_Heard], library: Library) -> Sequence[_Heard]:
    """Those that the state does not have under another id: a witness from a backup may not know yet that a job was renamed."""
    claims = library.claims(sorted({key[0] for key, _ in chunk}))
    missing = sorted({key[1] for key, _ in chunk if key not in claims})
    there = library.submissions(missing) if missing else set()
    return [
        (key, last) for key, last in chunk if key in claims or (key[1], last.task_id or last.external_id) not in there
    ]


def _moves(chunk: Sequence[tuple[tuple[str, str], Submission]], library: Library) -> Iterator[Move]:
    ids = sorted({key[0] for key, _ in chunk})
    rows = {(row.id, row.fingerprint): row for found in library.rows(ids).values() for row in found}
    intents = library.intents(ids)
    for key, last in chunk:
        move = catch_up(key, Known(rows.get(key), intents.get(key, ())), last)
        if move is not None:
            yield move


def _missing_charges(
    chunk: Sequence[tuple[tuple[str, str], Submission]], knowledge: Knowledge, library: Library
) -> _Charges:
    """The ledger's lines of earlier attempts that the state lost; the last attempt's line comes with its move."""
    charged = library.charged(sorted({key[0] for key, _ in chunk}))
    return [
        ((*key, attempt), change)
        for key, last in chunk
        for attempt, submission in knowledge.attempts[key].items()
        if attempt < last.attempt and submission.submitted_at is not None and (*key, attempt) not in charged
        for change in _charge(submission)
    ]


def _charge(submission: Submission) -> Iterator[Reserve | Settle]:
    assert submission.submitted_at is not None
    yield Reserve(submission.attempt, submission.reserved, day_of(submission.submitted_at))
    if submission.settled is not None:
        yield Settle(submission.attempt, submission.settled)
    elif submission.outcome is Outcome.NOT_ACCEPTED:
        yield Settle(submission.attempt, None)


def _write(books: Books, moves: Sequence[Move], charges: _Charges, connection: Connection) -> None:
    if moves:
        books.write(connection, [entry(move) for move in moves], None)
    books.charge(connection, charges)
