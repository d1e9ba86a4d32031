"""Where a content and the limits of an input do not agree: every bound is inclusive, and all breaches are said."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.preflight import FORMATS, Content, InputLimits, breaches
from runner.schema_files import load_schema

PICTURE = Content(size_bytes=100, format="png", media="image", width=300, height=750)
SOUND = Content(size_bytes=100, format="mp3", media="audio", duration_s=2.0, has_audio=True)
VIDEO = Content(size_bytes=100, format="mp4", media="video", width=96, height=64, duration_s=4.0, has_audio=False)


def codes(content: Content, **limits: Any) -> list[str]:
    """The codes of what an input with these limits does not take."""
    return [breach.code for breach in breaches(content, InputLimits.from_json(limits), "it")]


@pytest.mark.parametrize(
    ("content", "limits", "expected"),
    [
        (PICTURE, {}, []),
        (PICTURE, {"media": "image", "formats": ["png", "jpeg"]}, []),
        (PICTURE, {"media": "image", "formats": ["jpeg"]}, ["M701"]),
        (PICTURE, {"media": ["image", "video"]}, []),
        (PICTURE, {"media": "audio", "min_side_px": 301}, ["M701"]),
        (PICTURE, {"max_bytes": 100}, []),
        (PICTURE, {"max_bytes": 99}, ["M702"]),
        (PICTURE, {"min_side_px": 300, "max_side_px": 750}, []),
        (PICTURE, {"min_side_px": 301, "max_side_px": 749}, ["M703", "M703"]),
        (PICTURE, {"min_ratio": 0.4, "max_ratio": 2.5}, []),
        (PICTURE, {"min_ratio": 0.41}, ["M703"]),
        (PICTURE, {"max_ratio": 0.39}, ["M703"]),
        (SOUND, {"min_duration_s": 2, "max_duration_s": 2}, []),
        (SOUND, {"min_duration_s": 2.05}, []),
        (SOUND, {"min_duration_s": 2.07}, ["M704"]),
        (SOUND, {"max_duration_s": 1.95}, []),
        (SOUND, {"max_duration_s": 1.93}, ["M704"]),
        (VIDEO, {"min_duration_s": 4.001}, ["M704"]),
        (VIDEO, {"max_duration_s": 3.999}, ["M704"]),
        (VIDEO, {"media": ["audio", "video"]}, ["M705"]),
        (VIDEO, {"media": "video"}, []),
        (Content(size_bytes=9, format="jpeg", media="image", flaw="is cut off"), {"media": "image"}, ["M705"]),
        (Content(size_bytes=0), {"media": "image"}, ["M701"]),
        (Content(size_bytes=9), {}, []),
        (Content(size_bytes=9, is_unseen=True), {"media": "image", "formats": ["png"], "max_bytes": 9}, []),
        (Content(size_bytes=9, is_unseen=True), {"media": "image", "formats": ["png"], "max_bytes": 8}, ["M702"]),
    ],
)
def test_what_is_taken(content: Content, limits: dict[str, Any], expected: list[str]) -> None:
    """Each bound lets its own value pass and refuses the next one; a recording may pass it by what encoders add."""
    assert codes(content, **limits) == expected


def test_all_breaches_are_said_with_found_value_and_limit() -> None:
    """A content that breaks four limits is told all four."""
    limits = InputLimits(formats=("jpeg",), max_bytes=10, min_side_px=400, min_ratio=0.5)
    assert [breach.message for breach in breaches(PICTURE, limits, "image")] == [
        "is a PNG picture; `image` takes JPEG",
        "holds 100 bytes; `image` takes at most 10",
        "shows 300 x 750 pixels; `image` takes at least 400 on each side",
        "shows 300 x 750 pixels, a ratio of 0.4; `image` takes at least 0.5 (width divided by height)",
    ]


@pytest.mark.parametrize(("height", "shown"), [(30003, "0.39996"), (30000, None), (29997, None), (30000000, "0.0004")])
def test_a_ratio_is_told_apart_from_its_limit(height: int, shown: str | None) -> None:
    """It has as many digits as that takes."""
    tall = Content(size_bytes=1, format="png", media="image", width=12000, height=height)
    found = breaches(tall, InputLimits(min_ratio=0.4), "image")
    assert [breach.message.partition(", a ratio of ")[2].partition(";")[0] for breach in found] == [shown] * bool(shown)


@pytest.mark.parametrize(("media", "limit"), [("image", "formats"), ("audio", None)])
def test_another_format_may_be_accepted_and_another_kind_may_not(media: str, limit: str | None) -> None:
    """A host may take WebP too; nothing makes a picture a recording."""
    (breach,) = breaches(PICTURE, InputLimits(media=(media,), formats=("jpeg",)), "it")
    assert (breach.code, breach.limit) == ("M701", limit)


def test_a_beginning_says_that_there_is_more() -> None:
    """Of what was not fetched to its end, the found value is a least one."""
    (breach,) = breaches(Content(size_bytes=11, is_beginning=True), InputLimits(max_bytes=10), "it")
    assert breach.message == "holds at least 11 bytes; `it` takes at most 10"


def test_limits_are_read_as_written() -> None:
    """One kind of content may stand without a list; keys for other readers are left out."""
    limits = InputLimits.from_json({"media": "image", "max_bytes": 5, "formats": ["png"], "x": 1})
    assert limits == InputLimits(media=("image",), max_bytes=5, formats=("png",))


def test_limits_that_nothing_satisfies_are_said() -> None:
    """A least value above the most one is a contradiction."""
    assert InputLimits(min_duration_s=3, max_duration_s=2.5).contradiction == (
        "`min_duration_s` (3) is greater than `max_duration_s` (2.5)"
    )
    assert InputLimits(min_side_px=3, max_side_px=3).contradiction is None


def test_the_manifest_knows_every_format_and_limit() -> None:
    """`accepts` offers the formats that are told apart, and each limit there is but the kind of content."""
    written = load_schema("manifest")["$defs"]["input_limits"]["properties"]
    assert written["formats"]["items"]["enum"] == [name for name, form in FORMATS.items() if form.media]
    assert {*written, "media"} == set(InputLimits.__slots__)
