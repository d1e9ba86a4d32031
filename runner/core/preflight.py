"""What an API takes, what a look into a file tells, and where the two do not agree.

The limits of an input are data: `x-limits` in the schema of its operation, and `accepts` on an account whose host differs. The look
itself is somebody else's (`Look`): the comparison is the same for a local file and for what an address gives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Format(NamedTuple):
    """A form that bytes can have.

    Args:
        label: Its name, e.g. `PNG`.
        media: `image`, `audio` or `video`; None for what is none of these.
        words: What a file of it is, e.g. `a PNG picture`.
    """

    label: str
    media: str | None
    words: str


FORMATS: Final[Mapping[str, Format]] = {
    "png": Format("PNG", "image", "a PNG picture"),
    "jpeg": Format("JPEG", "image", "a JPEG picture"),
    "gif": Format("GIF", "image", "a GIF picture"),
    "webp": Format("WebP", "image", "a WebP picture"),
    "heic": Format("HEIC", "image", "a HEIC picture"),
    "avif": Format("AVIF", "image", "an AVIF picture"),
    "bmp": Format("BMP", "image", "a BMP picture"),
    "tiff": Format("TIFF", "image", "a TIFF picture"),
    "mp3": Format("MP3", "audio", "an MP3 recording"),
    "wav": Format("WAV", "audio", "a WAV recording"),
    "rf64": Format("RF64", "audio", "an RF64 recording (a WAV of 64 bits)"),
    "m4a": Format("M4A", "audio", "an M4A recording"),
    "aac": Format("AAC", "audio", "an AAC recording"),
    "ogg": Format("Ogg", "audio", "an Ogg recording"),
    "flac": Format("FLAC", "audio", "a FLAC recording"),
    "mp4": Format("MP4", "video", "an MP4 video"),
    "mov": Format("MOV", "video", "a MOV video"),
    "webm": Format("WebM", "video", "a WebM video"),
    "mkv": Format("Matroska", "video", "a Matroska video"),
    "avi": Format("AVI", "video", "an AVI video"),
    "pdf": Format("PDF", None, "a PDF document"),
    "zip": Format("ZIP", None, "a ZIP archive"),
    "html": Format("HTML", None, "a web page"),
    "text": Format("text", None, "text"),
}
"""Everything that is told apart, by the name that `formats` of a limit has for it."""

_MOST_DIGITS: Final = 9
"""Behind the point: two pictures within the largest sizes differ in the ninth at the latest."""

UNKNOWN_FORMAT: Final = Format("unknown", None, "of no known format")


PADDING_S: Final = 0.06
"""What a recording may be longer, or shorter, than an input takes: a few frames. Encoders begin with silence and fill their last frame, so
that exactly 300 s last 300.025 s as AAC and 300.042 s as an MP3 without a header (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a look into a file tells; None where there is nothing to tell, or the flaw kept it from being seen.

    Args:
        size_bytes: Length.
        is_beginning: Whether only the beginning is known, so that there are at least so many bytes.
        is_unseen: Whether nothing but the length is known, because nobody has looked.
        format: Key of `FORMATS` that the bytes have, whatever the file is called.
        media: `image`, `audio` or `video`, by what is really inside.
        width: Pixels of the picture as it is shown, turned as its metadata says.
        height: Likewise.
        duration_s: Seconds, counted from what is there.
        has_audio: Whether there is sound.
        flaw: Why it cannot be used, in words that complete "the file …"; None when it can.
    """

    size_bytes: int
    is_beginning: bool = False
    is_unseen: bool = False
    format: str | None = None
    media: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    has_audio: bool | None = None
    flaw: str | None = None

    @property
    def words(self) -> str:
        """What it is: "a PNG picture"."""
        found = UNKNOWN_FORMAT if self.format is None else FORMATS[self.format]
        return f"{found.words} without pictures" if (found.media, self.media) == ("video", "audio") else found.words


class Look(Protocol):
    """Looks into a file. Blocks, so it is called in a thread where an event loop runs; total: hostile bytes give a `Content` with a flaw."""

    def __call__(self, file: BinaryIO) -> Content:
        """Measure a file.

        Args:
            file: Readable and seekable, wherever it stands; left open.

        Raises:
            OSError: The file could not be read: the disk's fault, not the bytes'.
        """


@dataclass(frozen=True, slots=True)
class NotFetched:
    """An address gave no content.

    Args:
        reason: Words for people that complete "the address …", e.g. `answers HTTP 404`.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLimits:
    """What an operation takes in one input. None and empty stand for no limit; every bound is inclusive.

    A recording may pass the bounds of its length by what encoders add to it (`PADDING_S`).

    Args:
        media: Kinds of content: `image`, `audio`, `video`; with `audio` among them there must be sound.
        formats: Keys of `FORMATS`.
        max_bytes: Of the content, before any encoding.
        min_side_px: Least pixels of width and height.
        max_side_px: Most pixels of width and height.
        min_ratio: Least width divided by height.
        max_ratio: Most width divided by height.
        min_duration_s: Least seconds of sound or video.
        max_duration_s: Most seconds.
        max_chars: Most characters (code points) of a text.
        max_age_s: Most seconds since another job made what the input names.
    """

    media: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    min_side_px: int | None = None
    max_side_px: int | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    max_chars: int | None = None
    max_age_s: float | None = None

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> InputLimits:
        """The limits that `x-limits` or `accepts` says; keys that mean nothing here are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: _value(item) for key, item in written.items() if key in known})

    @property
    def contradiction(self) -> str | None:
        """Two limits that nothing satisfies together, in words; None without."""
        for what in ("side_px", "ratio", "duration_s"):
            least, most = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if least is not None and most is not None and least > most:
                return f"`min_{what}` ({_number(least)}) is greater than `max_{what}` ({_number(most)})"
        return None


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a content does not keep.

    Args:
        code: Stable code of the finding.
        message: Words that complete "the file …": the found value and the limit.
        limit: The field of `InputLimits` that says it; None where no limit of a number is meant.
    """

    code: str
    message: str
    limit: str | None = None


def breaches(content: Content, limits: InputLimits, name: str) -> tuple[Breach, ...]:
    """Everything about a content that an input does not take.

    Args:
        content: What a look has told.
        limits: Those of the input.
        name: How the input is called, e.g. `image`.
    """
    takes = f"; `{name}` takes"
    if content.is_unseen:
        return tuple(_size(content, limits, takes))
    kind, size = _kind(content, limits, takes), _size(content, limits, takes)
    if limits.media and content.media not in limits.media:
        return (*kind, *size)  # nobody wants to know how many pixels a video has that stands for a picture
    return (*kind, *size, *_picture(content, limits, takes), *_duration(content, limits, takes))


def _kind(content: Content, limits: InputLimits, takes: str) -> Iterator[Breach]:
    wanted = _wanted(content, limits)
    if wanted is not None:
        found = "is empty" if not content.size_bytes else f"is {content.words}"
        # A host may take further formats, but no recording for a picture.
        limit = "formats" if content.media is not None and content.media in limits.media else None
        yield Breach("M701", f"{found}{takes} {wanted}", limit)
    elif content.flaw is not None:
        yield Breach("M705", content.flaw)
    elif "audio" in limits.media and content.has_audio is False:
        yield Breach("M705", f"has no sound{takes} recordings")


def _wanted(content: Content, limits: InputLimits) -> str | None:
    """What is taken instead of content of this kind; None when it is of the right one."""
    if limits.formats:
        return None if content.format in limits.formats else _alternatives([FORMATS[it].label for it in limits.formats])
    if limits.media:
        kind = content.media or (FORMATS[content.format].media if content.format else None)
        return None if kind in limits.media else f"{_alternatives(limits.media)} files"
    return None


def _size(content: Content, limits: InputLimits, takes: str) -> Iterator[Breach]:
    if limits.max_bytes is not None and content.size_bytes > limits.max_bytes:
        least = "at least " if content.is_beginning else ""
        yield Breach(
            "M702", f"holds {least}{content.size_bytes:,} bytes{takes} at most {limits.max_bytes:,}", "max_bytes"
        )


def _picture(content: Content, limits: InputLimits, takes: str) -> Iterator[Breach]:
    if not content.width or not content.height:
        return
    found = f"shows {content.width} x {content.height} pixels"
    if limits.min_side_px is not None and min(content.width, content.height) < limits.min_side_px:
        yield Breach("M703", f"{found}{takes} at least {limits.min_side_px} on each side", "min_side_px")
    if limits.max_side_px is not None and max(content.width, content.height) > limits.max_side_px:
        yield Breach("M703", f"{found}{takes} at most {limits.max_side_px} on each side", "max_side_px")
    ratio = content.width / content.height
    if (limit := _passed(ratio, limits, "ratio")) is not None:
        bounds = _bounds(limits.min_ratio, limits.max_ratio, "")
        message = (
            f"{found}, a ratio of {_apart(ratio, getattr(limits, limit))}{takes} {bounds} (width divided by height)"
        )
        yield Breach("M703", message, limit)


def _duration(content: Content, limits: InputLimits, takes: str) -> Iterator[Breach]:
    if content.duration_s is None:
        return
    slack_s = PADDING_S if content.media == "audio" else 0.0
    if (limit := _passed(content.duration_s, limits, "duration_s", slack_s)) is not None:
        bounds = _bounds(limits.min_duration_s, limits.max_duration_s, " s")
        yield Breach("M704", f"lasts {_number(content.duration_s)} s{takes} {bounds}", limit)


def _passed(value: float, limits: InputLimits, what: str, slack: float = 0.0) -> str | None:
    """The one of two limits that a value does not keep, not even with some slack; None when it keeps both."""
    least, most = getattr(limits, f"min_{what}"), getattr(limits, f"max_{what}")
    if least is not None and value < least - slack:
        return f"min_{what}"
    return f"max_{what}" if most is not None and value > most + slack else None


def _bounds(least: float | None, most: float | None, unit: str) -> str:
    if least is None or most is None:
        return f"at most {_number(most)}{unit}" if least is None else f"at least {_number(least)}{unit}"
    return f"{_number(least)} to {_number(most)}{unit}"


def _alternatives(words: tuple[str, ...] | list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _number(value: float | None, digits: int = 3) -> str:
    """A number without an exponent and needless zeros; `value` is there, or nobody asks."""
    return "" if value is None else f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _apart(value: float, limit: float) -> str:
    """A number with as many digits as it takes to see that it is not the limit that it passes."""
    shown = (_number(value, digits) for digits in range(3, _MOST_DIGITS))
    return next((it for it in shown if it not in ("0", _number(limit, _MOST_DIGITS))), _number(value, _MOST_DIGITS))


def _value(written: Any) -> Any:
    """A limit as it is kept: `media: image` is a list of one."""
    if isinstance(written, list):
        return tuple(written)
    return (written,) if isinstance(written, str) else written
