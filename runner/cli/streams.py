"""Standard streams that outlive their readers: a pipe that closes or a disk that fills never changes how a command ends."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import ReadableBuffer


class _Enduring(io.FileIO):
    """A file descriptor that takes every byte, and drops them from its first failure on.

    Args:
        descriptor: Stays open.
        on_failure: Told of that failure, once.
    """

    def __init__(self, descriptor: int, on_failure: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._on_failure = on_failure
        self._has_failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written; never raises for what the other end does."""
        if not self._has_failed:
            try:
                return super().write(data)
            except OSError as error:
                self._has_failed = True
                self._on_failure(error)
        return memoryview(data).nbytes


@contextlib.contextmanager
def enduring_streams() -> Iterator[None]:
    """Let standard output and standard error fail without harm while the block lasts.

    That the reader has gone (`| head`) is no failure; any other failure of standard output is said once on standard error. A stream
    that was closed before the process began is replaced by nothing at all, so that no file of ours gets its number.
    """
    before = sys.stdout, sys.stderr
    sys.stderr = _enduring(sys.stderr, lambda _: None)
    sys.stdout = _enduring(sys.stdout, _tell)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def _enduring(stream: TextIO | None, on_failure: Callable[[OSError], None]) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  lives as long as the process
    try:
        descriptor = stream.fileno()
    except OSError:  # not a file at all, but something in memory: that does not fail
        return stream
    stream.flush()
    raw = io.BufferedWriter(_Enduring(descriptor, on_failure))
    return io.TextIOWrapper(
        raw, encoding=stream.encoding, errors=stream.errors, line_buffering=getattr(stream, "line_buffering", False)
    )


def _tell(error: OSError) -> None:
    if error.errno != errno.EPIPE:
        sys.stderr.write(f"callsheet: standard output failed: {error.strerror}; what was printed is not complete\n")
        sys.stderr.flush()
