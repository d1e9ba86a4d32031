"""`plan` with the real command line: what it says of every job, and that it only looks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.desk import Desk, manifest, speaking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    """Gives the campaign, made once; every test changes it on from there and puts back what it changed."""
    desk = Desk(tmp_path_factory.mktemp("made"))
    desk.run()

    def fresh() -> Desk:
        desk.manifest, desk.people = manifest(), {"1": "Ana", "2": "Ben"}
        desk.write()
        return desk

    return fresh


def reasons(desk: Desk) -> dict[str, str]:
    """Why each job that has work is to be made, by id."""
    desk.write()
    return {name: job["reason"] for name, job in desk.plan().items() if job["action"] == "recreate"}


def test_a_changed_row_is_told_by_its_line(made: Callable[[], Desk]) -> None:
    """Field, file, line of the row, and both values."""
    desk = made()
    desk.people["2"] = "Bea"
    expected = '`use_voice.text` changed (people.csv:3): "Hi Ben, welcome!" -> "Hi Bea, welcome!"'
    assert reasons(desk) == {"welcome/2": expected}
    (change,) = desk.plan()["welcome/2"]["changes"]
    assert change == {
        "path": "use_voice.text",
        "kind": "changed",
        "name": None,
        "place": {"file": "people.csv", "line": 3},
    }


def test_a_changed_line_and_what_is_made_from_it(made: Callable[[], Desk]) -> None:
    """The needed job says its line, those that use its outputs say its name, and both in one are counted."""
    desk = made()
    desk.manifest["jobs"]["anna-voice"]["with"]["create_voice"]["text"] = "Hello, I'm Anna."
    desk.people["1"] = "Anna"
    told = reasons(desk)
    lines = (desk.folder / "spring.yaml").read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if "I'm Anna" in text)
    assert told == {
        "anna-voice": f'`create_voice.text` changed (line {line}): "Hello, I am Anna." -> "Hello, I\'m Anna."',
        "welcome/1": "2 inputs changed: another `anna-voice`, `use_voice.text` (people.csv:2)",
        "welcome/2": "made from another `anna-voice`",
    }


@pytest.mark.parametrize("is_added", [True, False])
def test_added_and_removed_inputs(made: Callable[[], Desk], *, is_added: bool) -> None:
    """By name, with the line where it stands now or stood near."""
    desk = made()
    inputs = desk.manifest["jobs"]["intro"]["with"]
    if is_added:
        inputs["no_watermark"] = True
    else:
        inputs["audio_url"] = inputs.pop("create_voice")["audio_url"]
    told = reasons(desk)["intro"]
    if is_added:
        assert told.startswith("`no_watermark` added (line ")
    else:
        assert told.startswith("2 inputs changed: `audio_url`, `create_voice` (line ")


def test_a_state_that_does_not_know_its_inputs(made: Callable[[], Desk]) -> None:
    """What came from the lock file, or from an earlier format, is only known to have changed."""
    desk = made()
    desk.people["2"] = "Bea"
    with closing(sqlite3.connect(desk.folder / ".callsheet" / "spring.sandbox" / "state.db")) as state:
        kept = state.execute("SELECT content, seq FROM jobs").fetchall()
        state.execute("UPDATE jobs SET content = NULL")
        state.commit()
        assert reasons(desk) == {"welcome/2": "inputs changed"}
        state.executemany("UPDATE jobs SET content = ? WHERE seq = ?", kept)
        state.commit()


def test_looking_changes_nothing(made: Callable[[], Desk]) -> None:
    """Whatever the plan finds and however it is printed, no file below the manifest is other than before.

    Beside the state SQLite may have put its empty log for readers, and the index of that log.
    """
    desk = made()
    desk.people["3"] = "Cai"
    desk.write()
    before = desk.digest()
    for options in (
        ("--all",),
        ("--json",),
        ("--exit-code",),
        ("--retry-failed", "--select", "welcome", "--budget", "1"),
    ):
        desk.callsheet("plan", "spring.yaml", "--sandbox", *options)
    after = desk.digest()
    assert {name: after[name] for name in after if not name.endswith("-shm")}.items() <= {
        **before,
        ".callsheet/spring.sandbox/state.db-wal": sha256().hexdigest(),
    }.items()
    assert before.keys() <= after.keys()


def test_exit_code_and_selection(made: Callable[[], Desk]) -> None:
    """3 when a chosen job has work, with what it needs; 0 when the others have; errors keep their own."""
    desk = made()
    assert set(desk.plan("--exit-code", "--select", "welcome/1")) == {"welcome/1", "anna-voice"}
    desk.people["1"] = "Anna"
    desk.write()
    assert set(desk.plan("--exit-code", "--select", "welcome/1", code=3)) == {"welcome/1", "anna-voice"}
    desk.plan("--exit-code", "--exclude", "welcome/1")
    desk.manifest["jobs"]["intro"]["with"]["typo"] = 1
    desk.write()
    desk.callsheet("plan", "spring.yaml", "--sandbox", "--exit-code").expect(4)


def test_a_budget_that_is_partly_spent(made: Callable[[], Desk]) -> None:
    """All that the state has spent counts; of two budgets the tighter one is told, and that it does not suffice."""
    desk = made()
    desk.people |= {str(number): f"Cai {number}" for number in range(3, 9)}
    desk.write()
    last = desk.callsheet("plan", "spring.yaml", "--sandbox").expect(0).stdout.splitlines()[-1]
    assert last == "Cost: 1.20 USD expected, 1.20 at most; budget 5.00, 0.80 spent already, 4.20 left."
    last = desk.callsheet("plan", "spring.yaml", "--sandbox", "--budget", "1.50").expect(0).stdout.splitlines()[-1]
    assert "; budget 1.50, 0.80 spent already, 0.70 left: it does not suffice" in last


def test_a_doubt_and_what_waits_for_it(tmp_path: Path) -> None:
    """Since when, which attempt, what to type; its dependants are blocked although they stand before it, and cost once they are not."""
    desk = Desk(tmp_path)
    desk.manifest["jobs"]["anna-voice"]["with"]["create_voice"]["text"] = "Hello. sandbox:eof"
    desk.write()
    desk.run(code=6)
    jobs = desk.plan("--exit-code", code=3)
    doubt = jobs["anna-voice"]
    assert doubt["action"] == "in-doubt"
    assert "attempt 1" in doubt["reason"]
    assert "`callsheet resolve spring.yaml anna-voice --resubmit --sandbox`" in doubt["reason"]
    waiting = jobs["welcome/1"]
    assert (waiting["action"], waiting["once_unblocked"]) == ("blocked", "create")
    assert waiting["reason"] == "waits for `anna-voice`, which is in doubt"
    assert waiting["cost"]["estimate"] == "0.20"


def test_an_orphan_is_listed(tmp_path: Path) -> None:
    """What the manifest has no more stays in sight, with its task."""
    desk = Desk(tmp_path)
    desk.manifest["jobs"] = {"intro": speaking("This is the introduction."), "old": speaking("This is old.")}
    desk.write()
    desk.run()
    del desk.manifest["jobs"]["old"]
    desk.write()
    assert desk.plan()["old"]["action"] == "orphan"
    text = desk.callsheet("plan", "spring.yaml", "--sandbox").expect(0).stdout
    assert "    o old" in text
    assert "Plan: 1 not in the manifest any more, 1 up to date." in text
