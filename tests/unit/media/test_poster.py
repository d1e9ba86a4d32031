"""Posters: the liveliest picture of a video, the waveform of a sound, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from runner.media.poster import NoPoster, make_poster
from tests.unit.media.films import HEIGHT, WIDTH, film, sound

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".webp", "WEBP")])
def test_a_poster_has_the_width_asked_for_and_the_shape_of_the_film(tmp_path: Path, suffix: str, kind: str) -> None:
    """The picture is scaled without bending it, in the form that its suffix names."""
    video, poster = tmp_path / "a.mp4", tmp_path / f"a{suffix}"
    video.write_bytes(film())
    make_poster(video, poster, width=240)
    with Image.open(poster) as image:
        assert image.format == kind
        assert image.size == (240, 240 * HEIGHT // WIDTH)


def test_a_poster_is_not_the_black_beginning(tmp_path: Path) -> None:
    """The film begins black: of six samples the one with the most entropy is shown."""
    video, poster = tmp_path / "a.mp4", tmp_path / "a.jpg"
    video.write_bytes(film())
    make_poster(video, poster)
    with Image.open(poster) as image:
        assert image.convert("L").entropy() > 4


def test_a_sound_gives_its_waveform(tmp_path: Path) -> None:
    """A file without pictures is drawn: something stands out from the background."""
    heard, poster = tmp_path / "a.wav", tmp_path / "a.jpg"
    heard.write_bytes(sound())
    make_poster(heard, poster, width=160)
    with Image.open(poster) as image:
        assert image.size == (160, 90)
        assert image.convert("L").entropy() > 0.5


@pytest.mark.parametrize("content", [b"", b"no media at all", bytes(5000)])
def test_no_poster_leaves_the_old_one(tmp_path: Path, content: bytes) -> None:
    """What cannot be shown says so in one kind of error, and nothing is left half done."""
    video, poster = tmp_path / "a.mp4", tmp_path / "a.jpg"
    video.write_bytes(content)
    poster.write_bytes(b"old")
    with pytest.raises(NoPoster, match=r"a\.mp4"):
        make_poster(video, poster)
    assert poster.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.mp4"]


def test_a_film_with_a_broken_tail_still_gives_a_poster(tmp_path: Path) -> None:
    """Samples that do not decode are left out."""
    video, poster = tmp_path / "a.mkv", tmp_path / "a.jpg"
    whole = film("matroska")
    video.write_bytes(whole[: len(whole) * 6 // 10])
    make_poster(video, poster)
    assert poster.stat().st_size > 0
