"""The one place where errors of the disk and the database become the family of `runner.core.errors`."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from runner.core.error_codes import ErrorCode, of_os_error
from runner.core.errors import StateUnusable, StorageFailed
from runner.store.sqlite import RESTORE, is_damage, is_full

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOREIGN_ERRORS: Final = (OSError, sqlite3.Error, SQLAlchemyError)
"""What disk and database raise."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Run a piece of storage work; what goes wrong in it is raised as ours.

    Args:
        path: The file or folder it is about.
        doing: What is being done, for the message: `could not <doing> <path>`.

    Raises:
        StateUnusable: The file is damaged or no database at all.
        StorageFailed: Anything else that disk or database raised.
    """
    try:
        yield
    except FOREIGN_ERRORS as error:
        if is_damage(_root(error)):
            raise StateUnusable(f"the state file {path} is damaged: {_words(error)}", next_step=RESTORE) from error
        raise storage_failed(error, path, doing) from error


def storage_failed(error: Exception, path: Path, doing: str) -> StorageFailed:
    """What to raise for an error of the disk or the database."""
    return StorageFailed(
        f"could not {doing} {path}: {_words(error)}", next_step=_next_step(error, path), code=_code(_root(error))
    )


def _code(root: BaseException) -> ErrorCode:
    return ErrorCode.DISK_FULL if is_full(root) else of_os_error(root)


def _root(error: Exception) -> BaseException:
    """The driver's own error below SQLAlchemy's."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _words(error: Exception) -> str:
    root = _root(error)
    if isinstance(root, OSError):
        return root.strerror or str(root)
    return str(root) or type(root).__name__


def _next_step(error: Exception, path: Path) -> str:
    root = _root(error)
    if is_full(root) or (isinstance(root, OSError) and root.errno in _FULL):
        return f"Make room (disk, quota, file-size limit) for {path.parent} and run again: the run goes on where it stopped."
    if is_damage(root):
        return RESTORE
    return f"See to the disk and the permissions of {path.parent} and run again: the run goes on where it stopped."
