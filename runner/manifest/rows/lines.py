"""The physical lines of a file of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LONGEST_LINE: Final = 4 * 1024 * 1024


def lines_of(path: Path, problem: Callable[[int, int, str], None]) -> Iterator[str]:
    """The physical lines of a UTF-8 file, with their ends, without a byte order mark.

    Args:
        path: The file.
        problem: Takes line, column (both from 1) and what is wrong with a line that cannot be read. It is given as an empty one, which is no
            row, so that the lines after it keep their numbers. The file ends with a line that is too long.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        start = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
        file.seek(start)
        number = 0
        while raw := file.readline(_LONGEST_LINE):
            number += 1
            if len(raw) == _LONGEST_LINE:
                problem(number, 1, f"the line is longer than {_LONGEST_LINE:,} bytes")
                return
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                problem(
                    number, len(raw[: error.start].decode()) + 1, f"byte {error.start + 1} of the line is not UTF-8"
                )
                line = "\n"
            if "\0" in line:
                problem(number, line.index("\0") + 1, "the line holds a NUL character")
                line = "\n"
            yield line
