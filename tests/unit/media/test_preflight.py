"""What a look into a file tells: of good files the facts, of hostile ones a flaw, and never an exception."""

from __future__ import annotations

import io
import struct
import time
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from runner.core.preflight import FORMATS, Content
from runner.media.preflight import look
from tests.contents import picture, png_that_claims, recording, silence, video
from tests.unit.media.films import BOX_SIZES, with_box

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


def resized_wav(riff_size: int, data_size: int, keep: float = 1.0) -> bytes:
    """A WAV of 2.5 s whose lengths were written otherwise, or whose end is missing."""
    whole = recording()
    at = whole.index(b"data") + 4
    made = whole[:4] + struct.pack("<I", riff_size) + whole[8:at] + struct.pack("<I", data_size) + whole[at + 4 :]
    return made[: at + 4 + round((len(made) - at - 4) * keep)]


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF])
@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_a_wav_that_was_written_to_a_pipe_is_whole(size: int, keep: float) -> None:
    """Nobody could go back and write its length; it ends where it ends, within a packet or not."""
    content = seen(resized_wav(size, size, keep))
    assert content.flaw is None
    assert content.duration_s == pytest.approx(2.5 * keep, abs=0.001)


def test_a_wav_is_as_long_as_it_says() -> None:
    """One that lacks a byte is cut off, wherever that lies; the length of the file around the sound is nobody's business."""
    whole = recording()
    assert seen(whole[:-1]).flaw == "is cut off"
    at = whole.index(b"data") + 4
    assert seen(resized_wav(0xFFFF_FFFF, int.from_bytes(whole[at : at + 4], "little"))).duration_s == 2.5


@pytest.mark.parametrize(
    ("name", "keep", "flaw"), [(b"RF64", None, None), (b"BW64", None, None), (b"RF64", -2, "is cut off")]
)
def test_a_wav_of_64_bits_has_a_name_of_its_own(name: bytes, keep: int | None, flaw: str | None) -> None:
    """An API that takes WAV need not take it; its length stands in another place."""
    whole = recording()
    at = whole.index(b"data")
    sound = whole[at + 8 :]
    sizes = struct.pack("<QQQI", len(whole) + 28, len(sound), len(sound) // 2, 0)
    head = name + b"\xff" * 4 + b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes + whole[12:at]
    content = seen((head + b"data" + b"\xff" * 4 + sound)[:keep])
    assert (content.words, content.flaw) == ("an RF64 recording (a WAV of 64 bits)", flaw)
    assert content.duration_s == (2.5 if flaw is None else None)


@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize(
    "label",
    [bytes(500_000), b"TAG" + bytes(125), b"APETAGEX" + struct.pack("<IIII", 2000, 300_032, 1, 0) + bytes(300_008)],
    ids=["zeros", "id3v1", "ape"],
)
def test_what_stands_behind_an_mp3_adds_nothing(label: bytes, has_header: bool) -> None:
    """FFmpeg would take it for sound, and the recording for one that lacks its end."""
    content = seen(recording("mp3", "libmp3lame", 6, has_header=has_header) + label)
    assert content.flaw is None
    assert content.duration_s == pytest.approx(6, abs=0.13)


def test_an_mp3_that_lacks_frames_is_cut_off() -> None:
    """Its header has counted them, also where a label stands behind what is left."""
    whole = recording("mp3", "libmp3lame", 6)
    for rest in (b"", bytes(100_000)):
        assert (seen(whole[: len(whole) * 2 // 3] + rest).flaw or "").endswith(" s of 6.1 s")


def png_of(rows: int, *, end: bytes = b"\0\0\0\0IEND\xae\x42\x60\x82") -> bytes:
    """A grey picture of 100 x 100 pixels with so many rows in a sound stream."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(101 * rows)))]
    chunks = (struct.pack(">I", len(it)) + name + it + struct.pack(">I", zlib.crc32(name + it)) for name, it in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + end


@pytest.mark.parametrize(
    ("content", "is_whole"),
    [
        (png_of(100), True),
        (png_of(100) + b"label", True),
        (png_of(101), True),
        (png_of(99), False),
        (png_of(1), False),
        (png_of(100, end=b""), False),
        (png_of(100, end=b"\0\0\0\0IEND\xae\x42\x60"), False),
        (png_of(100, end=b"\0\0\0\0IEN"), False),
    ],
)
def test_a_png_has_all_its_rows_and_an_end(content: bytes, is_whole: bool) -> None:
    """A decoder would leave the rest black, and say nothing."""
    assert (seen(content).flaw is None) == is_whole


@pytest.mark.parametrize("side", [1, 4, 5, 33])
@pytest.mark.parametrize("form", ["rgb24", "gray", "rgba", "monob", "gray16be"])
@pytest.mark.parametrize("flags", ["+ildct", ""], ids=["interlaced", "plain"])
def test_rows_are_counted_in_every_form(side: int, form: str, flags: str) -> None:
    """In seven passes or one, with any number of bits; the last row counts."""
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 7, side, form, Fraction(1)
    encoder.options = {"flags": flags} if flags else {}
    frame = av.VideoFrame(7, side, form)
    content = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    assert content[28] == bool(flags)
    assert seen(content).flaw is None
    taller = content[:20] + struct.pack(">I", side + 1) + content[24:]
    taller = taller[:29] + struct.pack(">I", zlib.crc32(taller[12:29])) + taller[33:]
    assert seen(taller).flaw is not None


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


@pytest.mark.parametrize("side", [10_000, 65_535], ids=["large", "bomb"])
def test_a_gif_whose_frame_is_larger_than_its_screen_is_a_value(side: int) -> None:
    """Thirty-five bytes that ask for up to four gigapixels give a flaw, whatever Pillow makes of them."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\2\x4c\1\0;"
    content = seen(head + frame)
    assert (content.format, content.media) == ("gif", "image")
    assert content.flaw is not None


@pytest.mark.parametrize("size", BOX_SIZES, ids=hex)
def test_a_box_beyond_all_files_is_a_value(tmp_path: Path, size: int) -> None:
    """Its place cannot be gone to: not in memory, and not on a disk, which answers otherwise."""
    content = with_box(video(), size)
    (tmp_path / "evil.mp4").write_bytes(content)
    with (tmp_path / "evil.mp4").open("rb") as file:
        on_disk = look(file)
    assert on_disk == seen(content)
    assert on_disk.format == "mp4"


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
