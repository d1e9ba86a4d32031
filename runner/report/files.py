"""Report files appear whole or not at all: written under a temporary name, then put in place."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from runner.core.error_codes import of_os_error
from runner.core.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


_AGAIN: Final = "make room or fix the permissions, then run `callsheet report` on the same manifest"


def is_plain_file(path: Path) -> bool:
    """Whether this very name is that of a file with bytes of its own: no link, folder, pipe, socket or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _refuse_other_than_file(path: Path) -> None:
    """`os.replace` puts a file in the place of a pipe or a device, and whoever has it open is cut off. A link is a name like any other.

    Raises:
        OSError: Something stands there that is no file.
    """
    if os.path.lexists(path) and not path.is_symlink() and not is_plain_file(path):
        raise OSError(errno.EEXIST, "this is no plain file, and is not replaced", str(path))


@contextmanager
def replacing(path: Path, *, what: str = "the report", next_step: str = _AGAIN) -> Iterator[TextIO]:
    """Open a text file that takes the place of `path` when the block ends well.

    A report, or a plan, can be made again from the state at any time, so nothing is fsynced.

    Args:
        path: The final name; its folder is made when it is missing.
        what: What is written, for messages.
        next_step: What to do when it cannot be.

    Yields:
        A UTF-8 text stream; what UTF-8 cannot hold is written as `?`.

    Raises:
        StorageFailed: The file could not be written, or `path` is no file; what stood there is untouched.
    """
    try:
        _refuse_other_than_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w",
            encoding="utf-8",
            errors="replace",
            newline="\n",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
        ) as stream:
            temporary = Path(stream.name)
            try:
                yield stream  # type: ignore[misc]  # the wrapper has the whole interface of TextIO
                stream.close()
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StorageFailed(
            f"{what} could not be written: {path}: {error.strerror or error}",
            next_step=next_step,
            code=of_os_error(error),
        ) from error
