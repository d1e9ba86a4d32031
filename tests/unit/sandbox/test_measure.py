"""What clients send as bytes, measured; and what presenters say, as files."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import av
import pytest
from PIL import Image

from runner.sandbox import film, sound
from runner.sandbox.measure import measure


def encoded(content: bytes) -> str:
    """Base64."""
    return b64encode(content).decode()


def picture(width: int, height: int, kind: str) -> bytes:
    """A picture of this size and format."""
    target = io.BytesIO()
    Image.new("RGB", (width, height)).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (picture(320, 200, "PNG"), {"width": 320, "height": 200}),
        (picture(320, 200, "JPEG"), {"width": 320, "height": 200}),
        (sound.recording(bytes(32), 2.5), {"length_s": pytest.approx(2.5, abs=0.1)}),
        (film.video(film.Scene("Hello", "0" * 32, 3.0)), {"length_s": pytest.approx(3.0, abs=0.1)}),
        (b"words", {}),
        (b"", {}),
        (picture(320, 200, "PNG")[:20], {}),
    ],
    ids=["PNG", "JPEG", "recording", "video with sound", "words", "nothing", "a torn picture"],
)
def test_content_is_measured_by_its_bytes(content: bytes, found: dict[str, Any]) -> None:
    """Pixels of a picture, seconds of what can be heard, the size of anything."""
    assert measure(encoded(content)) == {"size_bytes": len(content), **found}


@pytest.mark.parametrize("text", ["data:image/png;base64,iVBORw0KGgo=", "not base64!", "abc", "\ud800"])
def test_what_is_no_base64_is_a_problem(text: str) -> None:
    """A prefix, other signs, a length that cannot be: one problem, and nothing is measured."""
    assert measure(text) == {"problem": "must be an address or base64 without a prefix"}


@pytest.mark.parametrize("length_s", [0.4, 2.0, 12.7])
def test_a_recording_lasts_as_long_as_asked(length_s: float) -> None:
    """A sound file of one stream; the same arguments give the same bytes, and another digest gives others."""
    content = sound.recording(b"abcd", length_s)
    with av.open(io.BytesIO(content), "r") as container:
        assert [stream.type for stream in container.streams] == ["audio"]
        assert (container.duration or 0) / 1_000_000 == pytest.approx(length_s, abs=0.15)
    assert content == sound.recording(b"abcd", length_s)
    assert content != sound.recording(b"abcz", length_s)


@pytest.mark.parametrize("length_s", [0.5, 2.0, 9.6, 90.0])
def test_a_video_lasts_as_long_as_its_scene(length_s: float) -> None:
    """Pictures and sound end with the length, and a long video has no more pictures than a short one."""
    content = film.video(film.Scene("Hello", "0" * 32, length_s))
    with av.open(io.BytesIO(content), "r") as container:
        assert (container.duration or 0) / 1_000_000 == pytest.approx(length_s, abs=0.15)
        assert 21 <= sum(1 for _ in container.decode(video=0)) <= 30
