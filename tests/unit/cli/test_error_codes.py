"""What ends a command has a code: each is brought about, and read from the screen."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

import pytest
import yaml

from runner.cli.exits import Exit
from runner.store.lock import hold_lock
from runner.store.sqlite import APPLICATION_ID
from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.unit.cli.shell import Shell


@pytest.fixture
def typist(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder with a manifest, and a credential."""
    shell.write()
    monkeypatch.setenv("DIGITAL_HUMAN_TOKEN", "token")
    return shell


def state_folder(shell: Shell) -> Path:
    """Where the state of the manifest lies."""
    folder = shell.folder / ".callsheet" / "spring"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def code_of(shell: Shell, *words: str, code: int) -> str:
    """The code with which a command ends, when it ends with this exit code and leads to the page."""
    said = shell(*words, code=code).stderr
    (found,) = re.findall(r"^error\[(\w+)\]: ", said, flags=re.MULTILINE)
    assert f"  more: callsheet explain {found}" in said.splitlines()
    return str(found)


def change(shell: Shell, **facts: Any) -> None:
    """Give the manifest's account other settings."""
    path = shell.folder / MANIFEST
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["providers"]["digital-human"] |= facts
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_a_state_of_another_manifest(typist: Shell) -> None:
    """Two files with one name."""
    typist("run", MANIFEST, "--sandbox", "--quiet")
    (typist.folder / "copy.yaml").write_bytes((typist.folder / MANIFEST).read_bytes())
    assert code_of(typist, "status", "copy.yaml", "--sandbox", code=Exit.INVALID) == "E101"


def test_a_damaged_state(typist: Shell) -> None:
    """Bytes that are no database."""
    (state_folder(typist) / "state.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    assert code_of(typist, "status", MANIFEST, code=Exit.STORAGE) == "E102"


@pytest.mark.parametrize(("application", "code"), [(APPLICATION_ID, "E103"), (7, "E104")])
def test_a_state_that_is_not_ours_to_read(typist: Shell, application: int, code: str) -> None:
    """From the future, or of another programme."""
    connection = sqlite3.connect(state_folder(typist) / "state.db")
    connection.executescript(f"CREATE TABLE x (y); PRAGMA application_id={application}; PRAGMA user_version=99;")
    connection.close()
    assert code_of(typist, "status", MANIFEST, code=Exit.STORAGE) == code


def test_a_lock_that_is_held(typist: Shell) -> None:
    """Another run is at work."""
    lock = hold_lock(state_folder(typist), command="callsheet run spring.yaml")
    try:
        assert code_of(typist, "run", MANIFEST, code=Exit.LOCKED) == "E201"
    finally:
        lock.release()


def test_an_output_that_is_in_the_way(typist: Shell) -> None:
    """A folder with the name of the report."""
    (typist.folder / "outputs" / "spring.sandbox" / "report" / "index.html").mkdir(parents=True)
    assert code_of(typist, "run", MANIFEST, "--sandbox", "--progress", "none", code=Exit.STORAGE) == "E304"


@pytest.mark.parametrize(
    ("token", "facts", "code"),
    [
        (None, {}, "E401"),
        ("token", {"credential": {"access_key": {"env": "PATH"}, "secret_key": {"env": "PATH"}}}, "E402"),
        ("two words", {}, "E403"),
    ],
)
def test_a_credential_that_cannot_be_used(
    typist: Shell, monkeypatch: pytest.MonkeyPatch, token: str | None, facts: dict[str, Any], code: str
) -> None:
    """Missing, of the wrong kind, not fit for a header."""
    monkeypatch.delenv("DIGITAL_HUMAN_TOKEN")
    if token is not None:
        monkeypatch.setenv("DIGITAL_HUMAN_TOKEN", token)
    change(typist, **facts)
    assert code_of(typist, "run", MANIFEST, "--progress", "none", code=Exit.SETTING_MISSING) == code


def test_a_list_of_voices_that_did_not_come(typist: Shell) -> None:
    """Nobody listens at the address."""
    change(typist, base_url="http://127.0.0.1:9")
    assert code_of(typist, "voices", MANIFEST, "digital-human", code=Exit.SETTING_MISSING) == "E405"


def test_decisions_that_are_refused(typist: Shell) -> None:
    """A job that is not in doubt, and an id that is none."""
    typist.write(anna="Hi, I am Anna. sandbox:reset")
    typist("run", MANIFEST, "--sandbox", "--quiet", code=Exit.IN_DOUBT)
    resolve = ("resolve", MANIFEST, "--sandbox")
    assert code_of(typist, *resolve, "nobody", "--abandon", code=Exit.USAGE) == "E501"
    assert code_of(typist, *resolve, "anna", "--adopt", "two words", code=Exit.USAGE) == "E502"
