"""Judges the Bearer token of a request to Kling: a plain key, or a JWT made from a key pair.

Source: api-facts.md section 1.1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any


def token_problem(token: str, credential: str | None, now: float) -> str | None:
    """The kind of refusal that a token deserves; None for one that is good.

    Args:
        token: What stands behind `Bearer`.
        credential: The only one that is accepted, a key or a pair as `ACCESS:SECRET`; None accepts every key, and every JWT whose times
            are right.
        now: Unix seconds.
    """
    if token.count(".") != 2:
        return None if credential in (None, token) else "bad-token"
    claims = _claims(token)
    if claims is None or not _is_signed_by(token, claims, credential):
        return "bad-token"
    if claims["nbf"] > now:
        return "kling-1003"
    return "kling-1004" if claims["exp"] <= now else None


def _claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT of the documented form."""
    head, payload, _ = token.split(".")
    try:
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(payload))
    except ValueError:
        return None
    if not isinstance(header, dict) or header.get("alg") != "HS256" or not isinstance(claims, dict):
        return None
    has_times = all(type(claims.get(name)) in (int, float) for name in ("exp", "nbf"))
    return claims if has_times and isinstance(claims.get("iss"), str) else None


def _is_signed_by(token: str, claims: dict[str, Any], credential: str | None) -> bool:
    if credential is None:
        return True
    access_key, _, secret_key = credential.partition(":")
    signed, _, signature = token.rpartition(".")
    right = hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).digest()
    return claims["iss"] == access_key and signature == urlsafe_b64encode(right).decode().rstrip("=")


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
