"""Lines for a stream that may close, refuse a character or be full: watching a run must never disturb it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


@dataclass(slots=True)
class Lines:
    """Writes whole lines; falls silent for good when the stream fails.

    Args:
        stream: Where to.
        is_broken: Whether it has failed.
    """

    stream: TextIO
    is_broken: bool = False

    def write(self, line: str) -> None:
        """Write one line and flush it. Never raises for what the stream does."""
        if self.is_broken:
            return
        try:
            self.stream.write(f"{line if line.isascii() else self._encodable(line)}\n")
            self.stream.flush()
        except (OSError, ValueError):  # gone, full, or closed under us
            self.is_broken = True

    def _encodable(self, line: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return line.encode(encoding, "replace").decode(encoding)
