"""Small, real, distinct videos: a presenter who speaks the job's text.

Drawn with Pillow, encoded with PyAV in memory. The same scene gives the same bytes: one encoder thread, no times in the file. A video
takes about 75 ms of one core and 40 to 60 kB; a long one has no more pictures, each of which stays longer.
"""

from __future__ import annotations

import hashlib
import io
import math
import textwrap
import unicodedata
from colorsys import hls_to_rgb
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import av
from PIL import Image, ImageDraw, ImageFont

from runner.sandbox.sound import BEAT_S, SAMPLE_RATE, syllables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from av.container import OutputContainer
    from av.video.stream import VideoStream

SIDE = 320
"""Width and height in pixels. Square, as in the documents' example (`video_aspect_ratio` 1)."""

_FRAMES_PER_BEAT = 3
_MOUTH = (3, 11, 6)
"""Half the height of the open mouth in each frame of a beat, pixels: a beat is a syllable."""
_MOOV_BYTES = 8192
_MOOV_BYTES_PER_S = 256
"""Room kept for the index before the media, as on a CDN; it takes about 2,300 bytes for 3 s, and 130 for each further second."""
_CAPTION_LINES = 3
_EXTRA_GLYPHS = frozenset("©«»‘’“”…")
_WHITE = (255, 255, 255)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a video shows.

    Args:
        text: Spoken text, or the address of the sound.
        task_id: The task, drawn small.
        length_s: Seconds that it lasts; None for a few, by text and task.
    """

    text: str
    task_id: str
    length_s: float | None = None

    @property
    def digest(self) -> bytes:
        """32 bytes that choose colour, pitch and length."""
        return hashlib.sha256(f"{self.task_id}\n{self.text}".encode("utf-8", "surrogatepass")).digest()

    @property
    def beats(self) -> int:
        """Movements of the mouth, 7 to 10: syllables of 0.3 s, or longer ones where the length is given."""
        return 7 + self.digest[0] % 4

    @property
    def duration_s(self) -> float:
        """Length in seconds; 2.1 to 3 where none is given."""
        return self.length_s if self.length_s is not None else round(self.beats * BEAT_S, 1)


def video(scene: Scene, *, watermark: bool = False) -> bytes:
    """Make the video: H.264 and AAC in MP4, 320×320, 21 to 30 pictures; MPEG-4 part 2 where PyAV has no H.264.

    Args:
        scene: What it shows.
        watermark: Whether a word is drawn across it.

    Returns:
        The file, under 100 kB for a few seconds; the same for the same arguments.
    """
    target = io.BytesIO()
    moov_bytes = _MOOV_BYTES + _MOOV_BYTES_PER_S * math.ceil(scene.length_s or 0)
    with av.open(target, "w", format="mp4", options={"moov_size": str(moov_bytes)}) as container:
        picture = _picture_stream(container, _rate(scene))
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"aac_coder": "fast"})
        for image in _images(scene, watermark=watermark):
            # PyAV's stubs give this function no types.
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for samples in syllables(scene.digest, scene.duration_s):
            container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return target.getvalue()


def cover(scene: Scene) -> bytes:
    """Make the cover picture: a JPEG of the video's first frame."""
    target = io.BytesIO()
    next(_images(scene, watermark=False)).save(target, "JPEG", quality=80)
    return target.getvalue()


def _rate(scene: Scene) -> Fraction:
    """Pictures a second: 10 where the length follows from the beats."""
    return Fraction(scene.beats * _FRAMES_PER_BEAT * 1000, max(1, round(scene.duration_s * 1000)))


def _picture_stream(container: OutputContainer, rate: Fraction) -> VideoStream:
    codec, encoder_options = _encoder()
    stream = container.add_stream(codec, rate=rate, options=dict(encoder_options))
    assert isinstance(stream, av.VideoStream)
    stream.width = stream.height = SIDE
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1
    return stream


@cache
def _encoder() -> tuple[str, Mapping[str, str]]:
    # Measured: x264's slower presets (veryfast and up) gave other bytes for the same pictures in one of seven runs, however few the
    # threads; superfast and ultrafast gave the same in 500 of 500.
    available: set[str] = av.codecs_available
    if "libx264" in available:
        return "libx264", {"preset": "superfast", "crf": "26", "threads": "1"}
    return ("libopenh264" if "libopenh264" in available else "mpeg4"), {"threads": "1"}


def _images(scene: Scene, *, watermark: bool) -> Iterator[Image.Image]:
    stage = _stage(scene, watermark=watermark)
    frames = scene.beats * _FRAMES_PER_BEAT
    for number in range(frames):
        image = stage.copy()
        draw = ImageDraw.Draw(image)
        mouth = _MOUTH[number % _FRAMES_PER_BEAT]
        draw.ellipse((148, 140 - mouth, 172, 140 + mouth), fill=(150, 50, 60))
        draw.rectangle((0, SIDE - 6, SIDE * (number + 1) // frames, SIDE), fill=_WHITE)
        yield image


def _stage(scene: Scene, *, watermark: bool) -> Image.Image:
    """All that does not move."""
    hue = scene.digest[1] / 256
    light, dark = _colour(hue, 0.62), _colour(hue, 0.30)
    shades = Image.linear_gradient("L").resize((SIDE, SIDE))
    image = Image.composite(Image.new("RGB", (SIDE, SIDE), dark), Image.new("RGB", (SIDE, SIDE), light), shades)
    draw = ImageDraw.Draw(image)
    _draw_presenter(draw, _colour((hue + 0.5) % 1, 0.45), tone=scene.digest[2])
    _draw_words(draw, scene, dark)
    if watermark:
        draw.text(
            (SIDE // 2, 40), "WATERMARK", font=_font(42), fill=light, stroke_width=1, stroke_fill=_WHITE, anchor="mm"
        )
    return image


def _draw_presenter(draw: ImageDraw.ImageDraw, clothes: Colour, *, tone: int) -> None:
    skin = (205 + tone % 45, 150 + tone % 50, 115 + tone % 50)
    draw.rounded_rectangle((70, 190, 250, 330), 60, fill=clothes)
    draw.rectangle((142, 160, 178, 205), fill=skin)
    draw.ellipse((104, 58, 216, 186), fill=(70, 45, 40))
    draw.ellipse((112, 70, 208, 182), fill=skin)
    for eye in (140, 180):
        draw.ellipse((eye - 5, 104, eye + 5, 116), fill=(40, 35, 45))


def _draw_words(draw: ImageDraw.ImageDraw, scene: Scene, dark: Colour) -> None:
    draw.text((8, 6), f"sandbox  {scene.task_id[:24]}", font=_font(12), fill=_WHITE)
    lines = textwrap.wrap(drawable(scene.text), width=34, max_lines=_CAPTION_LINES, placeholder="...")
    top = SIDE - 18 - 22 * len(lines)
    draw.rectangle((0, top - 6, SIDE, SIDE), fill=dark)
    for number, line in enumerate(lines):
        draw.text((SIDE // 2, top + 22 * number + 8), line, font=_font(18), fill=_WHITE, anchor="mm")


def drawable(text: str) -> str:
    """The part of a text that Pillow's own font has glyphs for; accents fall off, and where nothing is left its length is told."""
    plain = (mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    kept = "".join(mark if " " <= mark <= "~" or mark in _EXTRA_GLYPHS else " " for mark in plain)
    return " ".join(kept.split()) or f"[{len(text)} characters]"


def _font(size: int) -> Any:
    # Not cached: a FreeType face must not be used by two threads at once, and loading one takes 0.05 ms.
    return ImageFont.load_default(size)


def _colour(hue: float, lightness: float) -> Colour:
    red, green, blue = hls_to_rgb(hue, lightness, 0.42)
    return round(red * 255), round(green * 255), round(blue * 255)
