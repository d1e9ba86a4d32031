"""Finds the credentials that accounts refer to: in the environment, in `.env` beside the manifest, in files.

The environment wins over `.env`, which is read anew and never put into this process's own environment: child processes get nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.spec import CredentialRef

_LONGEST_FILE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """A token.

    Args:
        token: The secret; left out of `repr`.
    """

    token: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.token,)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An access key with its secret key.

    Args:
        access_key: Names the account; left out of `repr` too.
        secret_key: The secret; left out of `repr`.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.access_key, self.secret_key)


@dataclass(frozen=True, slots=True)
class Missing:
    """A credential that is not there, or cannot be used.

    Args:
        what: Its name, such as `DIGITAL_HUMAN_TOKEN`.
        where_looked: The places, one sentence each, in the order they were looked at.
    """

    what: str
    where_looked: list[str]


def find_credential(ref: CredentialRef, *, folder: str, environ: Mapping[str, str]) -> Credential | KeyPair | Missing:
    """Find what an account's credential refers to.

    Args:
        ref: Where it is, as the manifest says.
        folder: The manifest's folder: paths start there and `.env` lies there.
        environ: The environment variables.

    Returns:
        The credential, stripped of blanks around it; or what is missing. An empty value is missing; so is one that cannot stand in an
        HTTP header (a line break, characters beyond ASCII), which is nearly always a slip of the clipboard.
    """
    if ref.access_key is not None and ref.secret_key is not None:
        access_key = _find_token(ref.access_key, Path(folder), environ)
        secret_key = _find_token(ref.secret_key, Path(folder), environ)
        if isinstance(access_key, Missing):
            return access_key
        return secret_key if isinstance(secret_key, Missing) else KeyPair(access_key, secret_key)
    token = _find_token(ref, Path(folder), environ)
    return token if isinstance(token, Missing) else Credential(token)


def _find_token(ref: CredentialRef, folder: Path, environ: Mapping[str, str]) -> str | Missing:
    if ref.env is not None:
        return _from_environment(ref.env, folder, environ)
    if ref.file is not None:
        return _from_file(ref.file, folder)
    return Missing("a credential", ["the manifest names neither `env` nor `file`"])


def _from_environment(name: str, folder: Path, environ: Mapping[str, str]) -> str | Missing:
    looked: list[str] = []
    for place, text in ((f"the environment variable {name}", environ.get(name)), _from_dotenv(name, folder)):
        token, problem = _usable(text)
        if token is not None:
            return token
        looked.append(f"{place}: {problem}")
    return Missing(name, looked)


def _from_dotenv(name: str, folder: Path) -> tuple[str, str | None]:
    path = folder / ".env"
    try:
        if not path.is_file():
            return f"{path}", None
        with path.open(encoding="utf-8-sig") as stream:
            # No interpolation: `$` belongs to the secret, and `.env` must not read the environment behind our back.
            return f"{path}", dotenv_values(stream=stream, interpolate=False).get(name)
    except (OSError, UnicodeDecodeError):
        return f"{path} (cannot be read)", None


def _from_file(written: str, folder: Path) -> str | Missing:
    path = folder / Path(written).expanduser()
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Missing(written, [f"{path}: {reason}"])
    if len(raw) > _LONGEST_FILE:
        return Missing(written, [f"{path}: it is larger than {_LONGEST_FILE} bytes, so it is no credential"])
    token, problem = _usable(raw.decode("utf-8-sig", errors="replace"))
    return token if token is not None else Missing(written, [f"{path}: {problem}"])


def _usable(text: str | None) -> tuple[str | None, str]:
    if text is None:
        return None, "not there"
    token = text.strip()
    if not token:
        return None, "empty"
    if not (token.isascii() and token.isprintable()):
        return None, "has a line break or a character that no key has"
    return token, ""
