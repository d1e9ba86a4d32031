"""Lines for a stream that may close, refuse a character or be full: watching a run must never disturb it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO


_MOST_WAITING: Final = 50


@dataclass(slots=True)
class Lines:
    """Writes whole lines; falls silent for good when the stream fails.

    Args:
        stream: Where to.
        gathers: Whether lines wait for `flush` (or for company of fifty): for a file or a pipe, where nobody watches each line come.
        is_broken: Whether it has failed.
    """

    stream: TextIO
    gathers: bool = False
    is_broken: bool = False
    _waiting: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        """Write one line. Never raises for what the stream does."""
        self._waiting.append(f"{line if line.isascii() else self._encodable(line)}\n")
        if not self.gathers or len(self._waiting) >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait. Never raises either."""
        text = "".join(self._waiting)
        self._waiting.clear()
        if not text or self.is_broken:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # gone, full, or closed under us
            self.is_broken = True

    def _encodable(self, line: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return line.encode(encoding, "replace").decode(encoding)
