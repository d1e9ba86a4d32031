"""States of earlier formats: the code of that time wrote them, today's reads them and brings them up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.changes import Asked
from runner.core.job import State
from tests.unit.store.lives import Place, intent, live, pending

if TYPE_CHECKING:
    from runner.core.ports import Store

STATES = Path(__file__).parent / "states"


def lay(place: Place, name: str) -> None:
    """Put a state where the manifest's state belongs."""
    place.folder.mkdir(parents=True)
    with closing(sqlite3.connect(place.database)) as connection:
        connection.executescript((STATES / f"{name}.sql").read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode=wal")
    place.witness.write_bytes((STATES / f"{name}.jsonl").read_bytes())


def stored_version(place: Place) -> int:
    """The format that the file says it has."""
    with closing(sqlite3.connect(place.database)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def states(store: Store) -> dict[str, State]:
    """Where every job stands."""
    return {row.id: row.state for row in store.all_rows()}


EXPECTED = {"welcome/1": State.SUCCEEDED, "welcome/2": State.RUNNING, "welcome/3": State.IN_DOUBT}


def test_looking_at_an_old_state_changes_nothing(place: Place) -> None:
    """It reads as one of today in which nobody knows what the jobs were asked for, and its bytes stay as they are."""
    lay(place, "format_1")
    before = place.database.read_bytes()
    with place.open(read_only=True) as store:
        assert states(store) == EXPECTED
        assert store.standings(["welcome/2"])["welcome/2"][0].task_id == "t-2"
        assert store.asked(["welcome/1", "nobody"]) == {"welcome/1": Asked("digital-human/avatar", None)}
    assert (place.database.read_bytes(), stored_version(place)) == (before, 1)


async def test_opening_an_old_state_to_write_brings_it_up_to_date(place: Place) -> None:
    """Its rows are the same as before, new ones keep what they were asked for, and the next opening finds today's format."""
    lay(place, "format_1")
    with place.open(read_only=True) as store:
        before = list(store.all_rows())
    with place.open() as store:
        assert list(store.all_rows()) == before
        assert not store.taken_over
        await live(store, pending("welcome/4", content='{"text":"Hi"}'), intent())
    assert stored_version(place) == 2
    for read_only in (True, False):
        with place.open(read_only=read_only) as store:
            assert states(store) == EXPECTED | {"welcome/4": State.SUBMITTING}
            assert store.asked(["welcome/4"])["welcome/4"].content == '{"text":"Hi"}'


async def test_what_was_asked_last_is_what_changed(place: Place) -> None:
    """Of several jobs of an id the newest one counts; a job goes on with its inputs kept."""
    with place.open() as store:
        first = await live(store, pending(content='{"text":"one"}'), intent())
        await live(store, replace(pending(fingerprint="f2"), content='{"text":"two"}'), intent())
        assert store.asked([first.id]) == {first.id: Asked("digital-human/avatar", '{"text":"two"}')}
        assert store.rows([first.id])[first.id][0].content == '{"text":"one"}'
