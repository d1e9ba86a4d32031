"""Credentials: where they are found, and what is said when they are not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.core.spec import CredentialRef
from runner.manifest.credentials import Credential, KeyPair, Missing, find_credential

if TYPE_CHECKING:
    from pathlib import Path

REF = CredentialRef(env="TOKEN")


@pytest.mark.parametrize(
    ("environ", "dotenv", "token"),
    [
        ({"TOKEN": "a"}, None, "a"),
        ({}, "TOKEN=b\n", "b"),
        ({"TOKEN": "a"}, "TOKEN=b\n", "a"),
        ({"TOKEN": ""}, "TOKEN=b\n", "b"),
        ({}, "export TOKEN='b$HOME ${X}'\r\n", "b$HOME ${X}"),
        ({}, "\ufeffTOKEN=b", "b"),
        ({"TOKEN": " a\n"}, None, "a"),
    ],
)
def test_found(tmp_path: Path, environ: dict[str, str], dotenv: str | None, token: str) -> None:
    """The environment wins over `.env`, blanks around a value go, `$` is a character."""
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8", newline="")
    assert find_credential(REF, folder=str(tmp_path), environ=environ) == Credential(token)


def test_environment_stays_as_it_is(tmp_path: Path) -> None:
    """Reading `.env` puts nothing into this process's environment."""
    (tmp_path / ".env").write_text("CALLSHEET_TEST_TOKEN=secret\n")
    find_credential(CredentialRef(env="CALLSHEET_TEST_TOKEN"), folder=str(tmp_path), environ=os.environ)
    assert "CALLSHEET_TEST_TOKEN" not in os.environ


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "schlüssel"])
def test_unusable_is_missing(tmp_path: Path, value: str) -> None:
    """What cannot be a key is missing, and the message does not show it."""
    missing = find_credential(REF, folder=str(tmp_path), environ={"TOKEN": value})
    assert isinstance(missing, Missing)
    assert missing.what == "TOKEN"
    assert [place.partition(":")[0] for place in missing.where_looked] == [
        "the environment variable TOKEN",
        str(tmp_path / ".env"),
    ]
    assert not value.strip() or value not in repr(missing)


def test_file(tmp_path: Path) -> None:
    """A file is read relative to the manifest; a missing, empty or huge one is said by its path."""
    (tmp_path / "key").write_text("secret\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "huge").write_bytes(b"x" * 100_000)
    assert find_credential(CredentialRef(file="key"), folder=str(tmp_path), environ={}) == Credential("secret")
    for name, words in (("none", "No such file"), ("empty", "empty"), ("huge", "larger"), (".", "Is a directory")):
        missing = find_credential(CredentialRef(file=name), folder=str(tmp_path), environ={})
        assert isinstance(missing, Missing)
        assert words in missing.where_looked[0]


def test_pair(tmp_path: Path) -> None:
    """A key pair needs both halves, and its secrets are in no `repr`."""
    ref = CredentialRef(access_key=CredentialRef(env="A"), secret_key=CredentialRef(env="B"))
    pair = find_credential(ref, folder=str(tmp_path), environ={"A": "access", "B": "hush"})
    assert pair == KeyPair("access", "hush")
    assert isinstance(pair, KeyPair)
    assert pair.secrets == ("access", "hush")
    assert "hush" not in repr(pair)
    missing = find_credential(ref, folder=str(tmp_path), environ={"A": "access"})
    assert isinstance(missing, Missing)
    assert missing.what == "B"
