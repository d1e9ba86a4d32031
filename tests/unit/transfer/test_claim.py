"""A claim says whose a part is; whatever else lies in its place says nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.transfer.claim import Claim, strong_validator
from tests.unit.transfer.cdn import Cdn

CLAIM = Claim(
    task_id="t",
    fingerprint="f",
    address_sha256="a",
    content_type="video/mp4",
    validator='"v"',
    total_bytes=9,
    final_name="ä.mp4",
)


def test_a_claim_survives_its_file() -> None:
    """What was written is read."""
    assert Claim.read(CLAIM.to_bytes()) == CLAIM


@pytest.mark.parametrize("cut", range(0, len(CLAIM.to_bytes()) - 1, 7))
def test_a_torn_claim_is_none(cut: int) -> None:
    """A beginning of a claim claims nothing."""
    assert Claim.read(CLAIM.to_bytes()[:cut]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kept_bytes": -1},
        {"kept_bytes": True},
        {"kept_bytes": "1"},
        {"total_bytes": 1.5},
        {"task_id": None},
        {"validator": "weak"},
        {"validator": '"a"\r\nX-Evil: 1'},
        {"validator": 0},
        {"final_name": "../../etc/passwd"},
        {"final_name": ".."},
        {"final_name": ""},
        {"final_name": 0},
        {"final_name": "a\0b"},
        {"unknown": 1},
    ],
)
def test_an_unsound_claim_is_none(change: dict[str, Any]) -> None:
    """Values of a wrong kind, names with a path and validators that are none are not believed."""
    assert Claim.read(json.dumps(json.loads(CLAIM.to_bytes()) | change).encode()) is None


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_none(content: bytes) -> None:
    """Foreign bytes and foreign JSON claim nothing and raise nothing."""
    assert Claim.read(content) is None


def test_the_address_counts_without_its_query() -> None:
    """A fresh signature is the same address; the query itself is not kept."""
    cdn = Cdn(b"")
    cdn.origin = "https://cdn.example.com"
    first, second = (Claim.of(cdn.order(path=f"/v.mp4?sig={number}")) for number in (1, 2))
    assert first == second
    assert first != Claim.of(cdn.order(path="/w.mp4"))
    assert b"sig" not in first.to_bytes()


@pytest.mark.parametrize(
    ("etag", "is_strong"),
    [
        ('"a"', True),
        ('"5f-abc:gzip"', True),
        ('W/"a"', False),
        ("a", False),
        ("", False),
        ('""', False),
        ('"a"b"', False),
        ('"ä"', False),
    ],
)
def test_strong_validators(etag: str, is_strong: bool) -> None:
    """Only a quoted, unmarked ETag ties bytes to bytes."""
    assert (strong_validator(etag) == etag) is is_strong
