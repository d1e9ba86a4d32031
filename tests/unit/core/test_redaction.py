"""Secrets leave text by their value."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.redaction import LEAST_SECRET_CHARS, MASK, redact

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'sk-1/2+3=4 "é\\'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        urlencode({"token": SECRET}).partition("=")[2],
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)
def test_forms(form: str) -> None:
    """Every form goes, and what stands around it stays."""
    assert redact(f"before {form} after", [SECRET]) == f"before {MASK} after"


@given(
    secret=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=LEAST_SECRET_CHARS),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
    encode=st.sampled_from([b64encode, urlsafe_b64encode]),
)
def test_base64_at_any_offset(secret: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    """A secret that was encoded together with others, such as `user:secret`, goes too."""
    encoded = encode(before + secret.encode() + after).decode()
    assert MASK in redact(encoded, [secret])


@given(secret=st.text(min_size=LEAST_SECRET_CHARS), text=st.text())
def test_never_left_standing(secret: str, text: str) -> None:
    """Whatever the text, the secret is not in it afterwards, unless the mask itself spells it."""
    assert secret not in redact(text + secret + text, [secret]).replace(MASK, "\0")


def test_the_longest_form_goes_first() -> None:
    """Where one form begins another, nothing of the longer one is left standing."""
    assert redact("<abcdefgh\\\\>", ["abcdefgh\\"]) == f"<{MASK}>"


def test_short_words_stay() -> None:
    """A credential such as `data` would blank the words that replies are made of."""
    assert redact('{"data":"x"}', ["data", "", "success"]) == '{"data":"x"}'


def test_several_secrets() -> None:
    """Each of them goes."""
    assert redact("first-secret second-secret", ["first-secret", "second-secret"]) == f"{MASK} {MASK}"
