"""`Retry-After` in its two forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.providers.reply_headers import retry_after_s

DATE = "Fri, 20 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("wish", "date", "expected"),
    [
        ("5", "", 5.0),
        (" 0 ", "", 0.0),
        ("1.5", "", 1.5),
        ("-1", "", None),
        ("inf", "", None),
        ("nan", "", None),
        ("", "", None),
        ("later", DATE, None),
        ("Fri, 20 Nov 2026 10:01:00 GMT", DATE, 60.0),
        ("Fri, 20 Nov 2026 09:00:00 GMT", DATE, 0.0),
        ("Fri, 20 Nov 2026 10:01:00 GMT", "", None),
        ("Fri, 20 Nov 2026 10:01:00 -0000", DATE, None),
        ("Fri, 20 Nov 2026 11:00:30 +0100", DATE, 30.0),
    ],
)
def test_forms(wish: str, date: str, expected: float | None) -> None:
    """Seconds, or a date that counts from the reply's own date."""
    assert retry_after_s({"retry-after": wish, "date": date}) == expected


def test_absent() -> None:
    """Without the header there is no wish."""
    assert retry_after_s({"date": DATE}) is None


@given(wish=st.text(), date=st.text() | st.just(DATE))
def test_total(wish: str, date: str) -> None:
    """No text raises, and a wish is never negative."""
    seconds = retry_after_s({"retry-after": wish, "date": date})
    assert seconds is None or 0 <= seconds < float("inf")
