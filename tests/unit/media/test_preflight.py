"""What a look into a file tells: of good files the facts, of hostile ones a flaw, and never an exception."""

from __future__ import annotations

import io
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from runner.core.preflight import FORMATS, Content
from runner.media.preflight import look
from tests.contents import picture, png_that_claims, recording, silence, video

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SECONDS = 2.0
"""For one small file, however hostile; each takes milliseconds."""


def seen(content: bytes) -> Content:
    """What a look tells about these bytes."""
    return look(io.BytesIO(content))


@pytest.mark.parametrize(
    ("form", "name"),
    [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp"), ("BMP", "bmp"), ("TIFF", "tiff")],
)
def test_pictures_are_known_by_their_bytes(form: str, name: str) -> None:
    """Each format is told apart; those that an API takes are measured."""
    content = seen(picture(form, 320, 300))
    assert (content.format, content.media, content.flaw) == (name, "image", None)
    if name in ("png", "jpeg", "gif"):
        assert (content.width, content.height) == (320, 300)


@pytest.mark.parametrize(
    ("form", "codec", "name"),
    [
        ("wav", "pcm_s16le", "wav"),
        ("mp3", "libmp3lame", "mp3"),
        ("ipod", "aac", "m4a"),
        ("mp4", "aac", "m4a"),
        ("mov", "aac", "m4a"),
        ("adts", "aac", "aac"),
        ("flac", "flac", "flac"),
        ("ogg", "libopus", "ogg"),
    ],
)
def test_recordings_are_known_and_measured(form: str, codec: str, name: str) -> None:
    """Each format is told apart by its bytes and streams, and its length is right within a packet."""
    content = seen(recording(form, codec, 4))
    assert (content.format, content.media, content.has_audio, content.flaw) == (name, "audio", True, None)
    assert content.duration_s == pytest.approx(4, abs=0.13)


@pytest.mark.parametrize("form", ["mp4", "mov", "webm"])
def test_videos_are_known_and_measured(form: str) -> None:
    """Pixels, length and sound of a video."""
    content = seen(video(form))
    assert (content.format, content.media, content.width, content.height) == (form, "video", 96, 64)
    assert content.has_audio
    assert content.duration_s == pytest.approx(2.5, abs=0.05)


def test_a_video_without_sound_says_so() -> None:
    """What cannot be a voice sample is known for it."""
    assert seen(video(has_sound=False)).has_audio is False


@pytest.mark.parametrize("content", [recording("adts", "aac", 6), recording("mp3", "libmp3lame", 6, has_header=False)])
def test_lengths_without_a_header_are_counted(content: bytes) -> None:
    """Half of the recording is silent, and FFmpeg's own guess is wrong by a third and more."""
    assert seen(content).duration_s == pytest.approx(6, abs=0.13)


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [(None, (400, 300)), (1, (400, 300)), (3, (400, 300)), (6, (300, 400)), (8, (300, 400)), (99, (400, 300))],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_turned_picture_is_measured_as_it_is_shown(
    form: str, orientation: int | None, shown: tuple[int, int]
) -> None:
    """The orientation in the metadata exchanges the sides, in quarters of a turn; nonsense turns nothing."""
    content = seen(picture(form, 400, 300, orientation=orientation))
    assert (content.width, content.height) == shown


@pytest.mark.parametrize(
    "make",
    [
        picture,
        lambda: picture("JPEG"),
        lambda: picture("GIF"),
        lambda: silence(0.3),
        lambda: recording("mp3", "libmp3lame"),
        lambda: recording("ipod", "aac"),
        lambda: recording("adts", "aac"),
        video,
        lambda: video("webm"),
    ],
    ids=["png", "jpeg", "gif", "wav", "mp3", "m4a", "aac", "mp4", "webm"],
)
def test_a_file_cut_anywhere_is_a_value(make: Callable[[], bytes]) -> None:
    """Beginnings of every length give facts or a flaw, quickly; one of half the length is never taken for the whole."""
    whole = make()
    step = max(1, len(whole) // 60)
    for length in range(0, len(whole), step):
        began = time.perf_counter()
        content = seen(whole[:length])
        assert content.size_bytes == length
        assert time.perf_counter() - began < MOST_SECONDS
    half = seen(whole[: len(whole) // 2])
    assert half.flaw is not None or half.duration_s is None or half.duration_s < (seen(whole).duration_s or 0) * 0.8


@pytest.mark.parametrize("seed", range(5))
def test_altered_bytes_are_a_value(seed: int) -> None:
    """Bytes overwritten in any place end in facts or a flaw."""
    for whole in (picture(), picture("JPEG", orientation=6), recording("ipod", "aac"), recording("mp3", "libmp3lame")):
        for start in range(seed, len(whole), max(7, len(whole) // 25)):
            assert seen(whole[:start] + b"\xff\x00\x7f" * 3 + whole[start + 9 :]).format in (None, *FORMATS)


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        (b"", None),
        (b"\0" * 100, None),
        (b"Hello", "text"),
        ("Grüße".encode(), "text"),
        ("Grüße".encode("utf-16"), "text"),
        (b"\n <!doctype HTML>", "html"),
        (b"%PDF-1.4", "pdf"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"\x1a\x45\xdf\xa3", "mkv"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text"),
    ],
)
def test_a_beginning_is_named(content: bytes, format_: str | None) -> None:
    """What is no media gets its name, so that the finding can say it; a playlist is a text and opens nothing."""
    assert seen(content).format == format_


def test_bombs_are_not_unpacked() -> None:
    """Headers that ask for gigabytes and labels that unpack to 256 MB end at once."""
    bomb = zlib.compress(bytes(256 * 2**20), 9)
    began = time.perf_counter()
    assert "megapixels" in (seen(png_that_claims(2**31 - 1, 2**31 - 1)).flaw or "")
    assert seen(png_that_claims(400, 400, (b"zTXt", b"a\0\0" + bomb))).flaw is not None
    assert seen(png_that_claims(400, 400, (b"iCCP", b"a\0\0" + bomb))).flaw is not None
    assert time.perf_counter() - began < MOST_SECONDS


def test_two_files_in_one_are_what_they_begin_as() -> None:
    """A file that begins as one format and reads as another is neither; what follows a whole picture is let be."""
    both = seen(b"RIFF\0\0\0\0WAVE" + recording("mp3", "libmp3lame"))
    assert both.format == "wav"
    assert both.flaw is not None
    assert seen(picture() + b"PK\x03\x04" + bytes(50)).flaw is None


@pytest.mark.parametrize("content", [picture("JPEG"), silence(30)], ids=["picture", "recording"])
def test_a_bad_disk_is_no_bad_file(content: bytes) -> None:
    """An error of the system is raised as it is."""

    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads > 1:  # the first one finds the format
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output"):
        look(Failing(content))
