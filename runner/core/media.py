"""What a look into a media file tells: the contract between who brings files home and who can read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from runner.core.spec import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What was measured; None where nothing was looked at or the file has none.

    Args:
        duration_s: Seconds, greater than 0.
        width: Pixels.
        height: Pixels.
        has_audio: Whether there is a sound stream.
    """

    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None


@dataclass(frozen=True, slots=True)
class Damaged:
    """The bytes are not the media file that they should be.

    Args:
        reason: Words for people that complete "the file …", e.g. `ends after 1.2 s of 4.0 s`.
    """

    reason: str


class Probe(Protocol):
    """Looks into a media file. Called in a thread, never on the event loop; total: hostile bytes give `Damaged`, never an exception."""

    def __call__(self, file: BinaryIO, *, media: str, expects_audio: bool, verify: Verify) -> MediaFacts | Damaged:
        """Measure a file.

        Args:
            file: Readable and seekable, wherever it stands; left open.
            media: `video` or `audio`.
            expects_audio: Whether a video must have sound.
            verify: How far to look; `NONE` looks at nothing and gives empty facts.

        Raises:
            OSError: The file could not be read: the disk's fault, not the bytes'.
        """
