"""Puts a value where a gateway puts it: at a path such as `data.result_urls[0]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP: Final = re.compile(r"[a-z_]+|\d+")


def placed(body: Any, place: str, value: Any) -> Any:
    """A copy of a JSON value with another one in it.

    Args:
        body: Stays as it is, apart from what is in the way.
        place: Names divided by dots; a number in brackets makes a list of one element.
        value: What stands there.
    """
    return _placed(body, _STEP.findall(place), value)


def _placed(body: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step.isdecimal():
        return [_placed({}, rest, value)]
    inside = body if isinstance(body, dict) else {}
    return {**inside, step: _placed(inside.get(step, {}), rest, value)}
