"""Makes the still picture that a report shows for a video, and the waveform that it shows for sound."""

from __future__ import annotations

from array import array
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

import av
from PIL import Image, ImageDraw

from runner.media.containers import Unreadable, open_media, reading
from runner.media.streams import moving_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

_SAMPLES: Final = 6
_MOST_PICTURES: Final = 120
"""Decoded on the way from a key frame to the picture that is wanted; further apart than that, an earlier one does."""
_QUALITY: Final = 82
_TALLEST: Final = 4
"""Height in widths: a picture that says it is 16 wide and 10,000 high must not become an image of gigabytes."""

_WAVE_RATE_HZ: Final = 8000
_MOST_WAVE_S: Final = 3600
_WAVE_ASPECT: Final = 9 / 16
_BACKGROUND: Final = (24, 27, 33)
_WAVE: Final = (111, 168, 220)


class NoPoster(Exception):
    """Nothing in the file can be shown; `str()` says why."""


def make_poster(video: Path, target: Path, width: int = 480) -> None:
    """Write a picture of a media file. Blocks for about 100 ms: call it in a thread.

    Of a video, six pictures evenly spread are decoded and the one with the most entropy is taken: the first is often black and a key
    frame is not always where it is wanted. A file without pictures gives the waveform of its sound.

    Args:
        video: A video or sound file.
        target: `.jpg` or `.webp`; replaced as a whole, so that no reader sees half a picture.
        width: Of the picture in pixels; its height follows the video.

    Raises:
        NoPoster: Nothing in it can be shown.
        OSError: A file could not be read or written.
    """
    with video.open("rb") as file:
        try:
            with reading(), open_media(file) as container:
                picture = moving_picture(container)
                image = _best(container, picture, width) if picture is not None else _waveform(container, width)
        except Unreadable as error:
            raise NoPoster(f"{video} cannot be read: {error}") from error
    if image is None:
        raise NoPoster(f"{video} holds nothing that can be shown")
    _write(image, target)


def _best(container: InputContainer, picture: VideoStream, width: int) -> Image.Image | None:
    """The sample with the most entropy in its brightness; None when no picture decodes."""
    images = (_scaled(frame, width) for frame in _samples(container, picture))
    return max(images, key=lambda image: image.convert("L").entropy(), default=None)


def _samples(container: InputContainer, picture: VideoStream) -> Iterator[av.VideoFrame]:
    """Pictures at the middle of each sixth of the video, fewer where it is short or broken."""
    length_us = container.duration or 0
    for number in range(_SAMPLES):
        frame = None
        with suppress(Unreadable), reading():
            frame = _frame_at(container, picture, length_us * (2 * number + 1) // (2 * _SAMPLES))
        if frame is not None:
            yield frame


def _frame_at(container: InputContainer, picture: VideoStream, at_us: int) -> av.VideoFrame | None:
    """The picture at a time, reached by decoding on from the key frame before it."""
    container.seek(at_us)
    found = None
    for found in islice(container.decode(picture), _MOST_PICTURES):
        if found.pts is None or found.time * 1_000_000 >= at_us:
            break
    return found


def _scaled(frame: av.VideoFrame, width: int) -> Image.Image:
    height = max(1, min(round(frame.height * width / max(1, frame.width)), width * _TALLEST))
    image: Image.Image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]  # PyAV's stub has no types here
    return image


def _waveform(container: InputContainer, width: int) -> Image.Image | None:
    """Loudness over time, one line a pixel."""
    if not container.streams.audio:
        return None
    sound = _samples_of_sound(container)
    if not sound:
        return None
    height = round(width * _WAVE_ASPECT)
    image = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    for x in range(width):
        piece = sound[len(sound) * x // width : max(len(sound) * (x + 1) // width, len(sound) * x // width + 1)]
        loudness = max(abs(min(piece)), abs(max(piece))) / 32768
        half = max(1, round(loudness * height * 0.45))
        draw.line([(x, height // 2 - half), (x, height // 2 + half)], fill=_WAVE)
    return image


def _samples_of_sound(container: InputContainer) -> array[int]:
    """The sound as 16-bit samples, one channel, of at most the first hour."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_WAVE_RATE_HZ)
    sound = array("h")
    for frame in container.decode(container.streams.audio[0]):
        for piece in resampler.resample(frame):
            sound.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
        if len(sound) > _WAVE_RATE_HZ * _MOST_WAVE_S:
            break
    return sound


def _write(image: Image.Image, target: Path) -> None:
    unfinished = target.with_name(f".{target.name}.new")
    kind = "WEBP" if target.suffix.lower() == ".webp" else "JPEG"
    try:
        image.save(unfinished, kind, quality=_QUALITY)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
