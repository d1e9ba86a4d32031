"""A look into media files: facts of good ones, a reason for bad ones, nothing else."""

from __future__ import annotations

import errno
import io
import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.media import Damaged, MediaFacts
from runner.core.spec import Verify
from runner.media.containers import Unreadable, open_media, reading
from runner.media.probe import probe
from tests.unit.media.films import BOX_SIZES, HEIGHT, SECONDS, WIDTH, film, sound, with_box

if TYPE_CHECKING:
    from pathlib import Path


def look(
    content: bytes, *, media: str = "video", expects_audio: bool = False, verify: Verify = Verify.FRAME
) -> MediaFacts | Damaged:
    """Probe bytes."""
    return probe(io.BytesIO(content), media=media, expects_audio=expects_audio, verify=verify)


def reason(content: bytes, *, media: str = "video", expects_audio: bool = False, verify: Verify = Verify.FRAME) -> str:
    """Why bytes are damaged."""
    found = look(content, media=media, expects_audio=expects_audio, verify=verify)
    assert isinstance(found, Damaged)
    return found.reason


@pytest.mark.parametrize(
    "content",
    [
        sound("wav", "pcm_s16le").replace(struct.pack("<I", SECONDS * 32_000), b"\xff" * 4, 1),
        sound("mp3", "libmp3lame") + bytes(100_000),
    ],
    ids=["wav from a pipe", "padded mp3"],
)
def test_a_sound_that_says_its_length_badly_is_whole(content: bytes) -> None:
    """What was paid for is not thrown away because its writer could not go back, or has left zeros behind it."""
    found = look(content, media="audio")
    assert isinstance(found, MediaFacts)
    assert found.duration_s == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("verify", [Verify.CONTAINER, Verify.FRAME])
@pytest.mark.parametrize(
    "form",
    [{}, {"index_first": True}, {"form": "mov"}, {"form": "matroska"}, {"codec": "mpeg4"}],
    ids=["mp4", "index first", "mov", "matroska", "mpeg-4"],
)
def test_facts_of_a_film(form: dict[str, Any], verify: Verify) -> None:
    """Length, size in pixels and sound are measured, in every container and at both depths."""
    found = look(film(**form), expects_audio=True, verify=verify)
    assert isinstance(found, MediaFacts)
    assert found.duration_s == pytest.approx(SECONDS, abs=0.15)
    assert (found.width, found.height, found.has_audio) == (WIDTH, HEIGHT, True)


@pytest.mark.parametrize(
    ("form", "codec"),
    [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("ipod", "aac"), ("adts", "aac"), ("flac", "flac")],
)
def test_facts_of_a_sound(form: str, codec: str) -> None:
    """Sound has a length and no picture."""
    found = look(sound(form, codec), media="audio")
    assert isinstance(found, MediaFacts)
    assert found.duration_s == pytest.approx(SECONDS, abs=0.2)
    assert (found.width, found.height, found.has_audio) == (None, None, True)


def test_nothing_is_looked_at_without_verification() -> None:
    """`none` gives empty facts for anything."""
    assert look(b"anything", verify=Verify.NONE) == MediaFacts()


@pytest.mark.parametrize(
    ("content", "media", "expects_audio", "words"),
    [
        ("silent film", "video", True, "has no sound"),
        ("silent film", "audio", True, "has no sound"),
        ("sound", "video", False, "has no picture"),
        (b"", "video", False, "cannot be read as video"),
        (b"<html><body>Gone</body></html>", "video", False, "cannot be read as video"),
        (bytes(100_000), "audio", False, "cannot be read as audio"),
    ],
)
def test_the_wrong_kind_is_damaged(content: bytes | str, media: str, expects_audio: bool, words: str) -> None:
    """What should be there and is not gives a reason in plain words."""
    if isinstance(content, str):
        content = sound() if content == "sound" else film(has_sound=False)
    assert words in reason(content, media=media, expects_audio=expects_audio)


def test_a_silent_film_is_good_where_no_sound_is_asked_for() -> None:
    """Sound is demanded only where the operation promises it."""
    found = look(film(has_sound=False))
    assert isinstance(found, MediaFacts)
    assert found.has_audio is False


@pytest.mark.parametrize("index_first", [False, True])
@pytest.mark.parametrize("form", ["mp4", "mov"])
def test_every_cut_of_an_mp4_is_found(form: str, index_first: bool) -> None:
    """However many bytes are missing at the end, the packets alone (`container`) show it."""
    content = film(form, index_first=index_first)
    cuts = [*range(1, 200, 7), *range(200, len(content), 151)]
    whole = [cut for cut in cuts if not isinstance(look(content[:-cut], verify=Verify.CONTAINER), Damaged)]
    assert whole == []


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.8])
def test_a_cut_matroska_is_found(share: float) -> None:
    """Packets that end long before the promised length show the cut."""
    content = film("matroska")
    assert isinstance(look(content[: int(len(content) * share)], verify=Verify.CONTAINER), Damaged)


def test_an_index_that_points_behind_the_end_is_found() -> None:
    """The length and the boxes are right, but the last picture is not all there."""
    content = bytearray(film(has_sound=False))
    sizes = content.index(b"stsz")
    count = int.from_bytes(content[sizes + 12 : sizes + 16], "big")
    last = sizes + 16 + 4 * (count - 1)
    content[last : last + 4] = (1_000_000).to_bytes(4, "big")
    assert reason(bytes(content), verify=Verify.CONTAINER) == "is cut off"


def test_padding_after_the_last_box_is_let_be() -> None:
    """A provider's label behind a whole film does not cost the user the film."""
    assert isinstance(look(film() + b"\0\0\0\0"), MediaFacts)
    assert isinstance(look(film() + b"made by a machine"), MediaFacts)


def test_a_film_whose_pictures_do_not_decode_is_found_by_frame_only() -> None:
    """`container` reads packets, `frame` also decodes one: that is what its milliseconds buy."""
    content = bytearray(film(has_sound=False))
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    assert isinstance(look(bytes(content), verify=Verify.CONTAINER), MediaFacts)
    assert isinstance(look(bytes(content), verify=Verify.FRAME), Damaged)


@pytest.mark.parametrize("size", BOX_SIZES, ids=hex)
def test_a_box_beyond_all_files_is_a_value(tmp_path: Path, size: int) -> None:
    """Its place cannot be gone to: not in memory, and not on a disk, which answers otherwise."""
    content = with_box(film(index_first=True), size)
    (tmp_path / "evil.mp4").write_bytes(content)
    with (tmp_path / "evil.mp4").open("rb") as file:
        on_disk = probe(file, media="video", expects_audio=False, verify=Verify.FRAME)
    assert isinstance(on_disk, MediaFacts | Damaged)
    assert type(on_disk) is type(look(content))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.mp4\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile other.mp4\n"),
    ],
)
def test_a_playlist_opens_nothing(tmp_path: Path, name: str, text: str) -> None:
    """A text that names another file is not followed, although FFmpeg would play it."""
    (tmp_path / "other.mp4").write_bytes(film())
    playlist = tmp_path / name
    playlist.write_text(text)
    with playlist.open("rb") as file:
        found = probe(file, media="video", expects_audio=False, verify=Verify.FRAME)
    assert isinstance(found, Damaged)
    assert "cannot be read as video" in found.reason


def test_hostile_bytes_only_ever_give_a_reason(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nine hundred bent files: facts or a reason, never an exception, and not a word on stderr.

    They lie on disk, since a real file answers a seek to nowhere otherwise than bytes in memory do.
    """
    dice = random.Random(20261120)
    for content in (
        film(),
        film("matroska"),
        sound("mp3", "libmp3lame"),
        sound(),
        sound("flac", "flac"),
        dice.randbytes(4000),
    ):
        for _ in range(150):
            bent = bytearray(content)
            for _ in range(dice.choice((1, 5, 50))):
                bent[dice.randrange(min(len(bent), 6000))] = dice.randrange(256)
            (tmp_path / "bent").write_bytes(bent)
            with (tmp_path / "bent").open("rb") as file:
                found = probe(file, media=dice.choice(("video", "audio")), expects_audio=True, verify=Verify.FRAME)
            assert isinstance(found, MediaFacts | Damaged)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("most_pixels", "decodes"), [(1000, False), (100_000, True)])
def test_the_size_of_a_picture_is_bounded(most_pixels: int, decodes: bool) -> None:
    """A picture of more pixels than allowed is refused by the decoder, before they are allocated."""
    with open_media(io.BytesIO(film()), most_pixels=most_pixels) as container:
        if decodes:
            assert next(container.decode(video=0)).width == WIDTH
        else:
            with pytest.raises(Unreadable), reading():
                next(container.decode(video=0))


def test_a_failing_disk_is_not_the_fault_of_the_bytes() -> None:
    """An `OSError` of the file passes: it must not become `Damaged`, which sets the bytes aside."""
    with pytest.raises(OSError, match="Input/output error") as caught:
        probe(_Failing(film()), media="video", expects_audio=False, verify=Verify.FRAME)
    assert caught.value.errno == errno.EIO


class _Failing(io.BytesIO):
    """A file on a disk that fails behind the first bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 1000:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)
