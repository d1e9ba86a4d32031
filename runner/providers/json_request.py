"""Writes the body of a submission: always the same bytes for the same inputs, since their digest stands in the state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.core.answers import Request

if TYPE_CHECKING:
    from collections.abc import Mapping


def json_post(path: str, body: Mapping[str, Any]) -> Request:
    """The POST of a JSON object.

    Args:
        path: Path and encoded query, starting with `/`.
        body: JSON values; the keys are sent in their order.

    Returns:
        The request, its body as compact UTF-8 JSON.
    """
    encoded = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Request("POST", path, encoded)
