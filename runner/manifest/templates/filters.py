"""What templates can call, with a meter: every filter, loop and `range` pays for the items that it touches.

A rendering may touch 1,000,000 items and make 1,000,000 characters, well under a second's work. Nothing here makes long text from short
without computing the length first.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError
from jinja2.filters import FILTERS

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CHARACTERS: Final = 1_000_000
MOST_ITEMS: Final = 10_000
_MOST_STEPS: Final = 1_000_000
_MOST_DIGITS: Final = 64

_BORROWED: Final = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "sum", "title",
    "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
"""Jinja2's own filters that give no more than they take."""


def too_large(message: str) -> Flaw:
    """The flaw of a template that does or makes too much."""
    return Flaw(Code.TEMPLATE_TOO_LARGE, message)


def kind_of(value: object) -> str:
    """What a value is, for people."""
    kinds = {
        str: "a text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
        list: "a list",
    }
    return kinds.get(type(value), "a mapping" if isinstance(value, dict) else "this value")


def in_text(value: Any) -> Any:
    """A value as it stands inside text: text and numbers as they are, true and false as YAML writes them.

    Raises:
        TemplateRuntimeError: It is null, a list or a mapping, which nobody wants to hear read aloud.
    """
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        raise TemplateRuntimeError("null stands inside text; give it a value, such as `| default('', true)`")
    if isinstance(value, Undefined):
        return value  # fails by itself, and says which name is missing
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateRuntimeError(f"{kind_of(value)} stands inside text; use `| join(', ')` or `| tojson`")


def _round(value: Any, precision: Any = 0, method: str = "common") -> Any:
    """Jinja2's own, for as many digits as a number can have: it raises 10 to that power, which can take for ever."""
    if not (isinstance(precision, int) and abs(precision) <= _MOST_DIGITS):
        raise too_large(f"`round` takes at most {_MOST_DIGITS} digits")
    return FILTERS["round"](value, precision, method)


class Metered:
    """The filters and functions of one sandbox, with the meter of the present rendering."""

    def __init__(self) -> None:
        self._steps = 0

    def begin(self) -> None:
        """A rendering begins."""
        self._steps = 0

    def functions(self) -> dict[str, Callable[..., Any]]:
        """What templates call as functions."""
        return {"range": self._range}

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What templates call as filters; `callsheet_loop` is put around what a `for` runs over."""
        borrowed = {name: self._metered(FILTERS[name]) for name in _BORROWED}
        own: dict[str, Callable[..., Any]] = {
            "replace": self._replace,
            "join": self._join,
            "tojson": self._tojson,
            "round": _round,
            "callsheet_loop": self._loop,
        }
        return {**borrowed, **own}

    def _pay(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise too_large(f"the template works through more than {_MOST_STEPS:,} items")

    def _metered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # Jinja2 hands some filters the environment or context before the value.
        position = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def metered(*args: Any, **kwargs: Any) -> Any:
            value = args[position]
            self._pay(len(value) + 1 if hasattr(value, "__len__") and not isinstance(value, Undefined) else 1)
            return function(*args, **kwargs)

        return metered

    def _range(self, *bounds: int) -> list[int]:
        numbers = range(*bounds)
        if len(numbers) > MOST_ITEMS:
            raise too_large(f"`range` gives at most {MOST_ITEMS:,} numbers here")
        self._pay(len(numbers))
        return list(numbers)

    def _loop(self, items: Any) -> list[Any]:
        found: list[Any] = []
        for item in items:
            found.append(item)
            if len(found) > MOST_ITEMS:
                raise too_large(f"a loop runs over at most {MOST_ITEMS:,} items")
        self._pay(len(found))
        return found

    def _replace(self, value: Any, old: str, new: str, count: int | None = None) -> str:
        text, old, new = str(value), str(old), str(new)
        times = text.count(old) if count is None else min(int(count), text.count(old))
        if len(text) + times * (len(new) - len(old)) > MOST_CHARACTERS:
            raise too_large(f"`replace` makes more than {MOST_CHARACTERS:,} characters")
        self._pay(len(text))
        return text.replace(old, new, -1 if count is None else int(count))

    def _join(self, items: Any, separator: str = "") -> str:
        parts: list[str] = [in_text(item) for item in self._loop(items)]
        if sum(map(len, parts)) + len(separator) * len(parts) > MOST_CHARACTERS:
            raise too_large(f"`join` makes more than {MOST_CHARACTERS:,} characters")
        return separator.join(parts)

    def _tojson(self, value: Any) -> str:
        """JSON in one line; Jinja2's own escapes `<` for web pages."""
        if isinstance(value, Undefined):
            str(value)  # raises: says which name is missing
        text = json.dumps(value, ensure_ascii=False)
        self._pay(len(text))
        return text
