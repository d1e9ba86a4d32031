"""Report files appear whole or not at all: written under a temporary name, then put in place."""

from __future__ import annotations

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
        StorageFailed: The file could not be written; what stood at `path` is untouched.
    """
    try:
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
