from __future__ import annotations

import pytest

from runner.sandbox.ranges import part_of

CONTENT = bytes(range(100))
ETAG = part_of(CONTENT, 0.0, {}).headers["ETag"]
MODIFIED = "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=0-9", 206, CONTENT[:10], "bytes 0-9/100"),
        ("bytes=90-", 206, CONTENT[90:], "bytes 90-99/100"),
        ("bytes=90-500", 206, CONTENT[90:], "bytes 90-99/100"),
        ("bytes=-5", 206, CONTENT[95:], "bytes 95-99/100"),
        ("bytes=-500", 206, CONTENT, "bytes 0-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=9-3", 200, CONTENT, None),
        ("bytes=-", 200, CONTENT, None),
        ("bytes=0-1,5-6", 200, CONTENT, None),
        ("pages=1-2", 200, CONTENT, None),
        ("", 200, CONTENT, None),
    ],
)
def test_ranges(header: str, status: int, body: bytes, content_range: str | None) -> None:
    """One satisfiable range gives 206, one beyond the end 416, and what is no single range everything."""
    part = part_of(CONTENT, 0.0, {"Range": header})
    assert (part.status, part.body, part.headers.get("Content-Range")) == (status, body, content_range)


@pytest.mark.parametrize(
    ("condition", "status"),
    [(ETAG, 206), (MODIFIED, 206), ('"another"', 200), (f"W/{ETAG}", 200), ("Thu, 01 Jan 2026 00:00:00 GMT", 200)],
)
def test_if_range(condition: str, status: int) -> None:
    """A range holds only while the strong validator or the date is still the file's."""
    assert part_of(CONTENT, 0.0, {"Range": "bytes=10-", "If-Range": condition}).status == status


def test_the_etag_is_that_of_the_content() -> None:
    """The same bytes have the same ETag, other bytes another."""
    assert part_of(CONTENT, 9.0, {}).headers["ETag"] == ETAG
    assert part_of(CONTENT[1:], 0.0, {}).headers["ETag"] != ETAG
