"""What templates can call: filters, tests and functions, all of which pay for what they read and make before they do it.

Nothing here makes long text from short without computing the length first.
"""

from __future__ import annotations

import json
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import Undefined, pass_environment
from jinja2.exceptions import TemplateRuntimeError
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.tests import TESTS

from runner.manifest.templates.late import LateValue, refuse_late, too_early, written
from runner.manifest.templates.meter import MOST_CHARACTERS, MOST_ITEMS, too_large, weight
from runner.manifest.templates.text import in_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.manifest.templates.meter import Meter

_MOST_DIGITS: Final = 64

_AT_ONCE: Final = ("count", "d", "default", "first", "last", "length")
"""Filters of Jinja2 that look at no more than one item."""
_ONE_BY_ONE: Final = ("items", "list", "map", "reject", "rejectattr", "reverse", "select", "selectattr")
"""Filters of Jinja2 that hand items on. What looks into an item (`map('upper')`) pays for that itself."""
_THROUGHOUT: Final = (
    "abs", "capitalize", "dictsort", "float", "int", "lower", "max", "min", "sort", "string", "title", "trim", "truncate", "unique",
    "upper", "urlencode", "wordcount",
)  # fmt: skip
"""Filters of Jinja2 that read the whole value, and give no more than they take."""
_COMPARING: Final = {
    "eq": "eq", "==": "eq", "equalto": "eq", "ne": "ne", "!=": "ne", "lt": "lt", "<": "lt", "lessthan": "lt", "le": "lteq", "<=": "lteq",
    "gt": "gt", ">": "gt", "greaterthan": "gt", "ge": "gteq", ">=": "gteq", "in": "in",
}  # fmt: skip
"""Tests that compare, with the comparisons that they are."""
_OF_NUMBERS: Final = ("divisibleby", "even", "odd")
"""Tests that divide, which makes long text from a short one: `'%999999999d' is odd`."""
LOOP: Final = "callsheet_loop"
"""The filter that what a `for` runs over goes through; its argument is how many steps one round takes."""


def _round(value: Any, precision: Any = 0, method: str = "common") -> Any:
    """Jinja2's own, for numbers and as many digits as one can have: it multiplies with 10 to that power, which can take for ever."""
    _refuse_all_but_numbers("round", value)
    if not (isinstance(precision, int) and abs(precision) <= _MOST_DIGITS):
        raise too_large(f"`round` takes at most {_MOST_DIGITS} digits")
    return FILTERS["round"](value, precision, method)


def _refuse_all_but_numbers(name: str, *values: Any) -> None:
    for value in values:
        if isinstance(value, Undefined):
            str(value)  # raises: says which name is missing
        if not isinstance(value, int | float):
            raise TemplateRuntimeError(f"`{name}` works on numbers only, and this is {kind_of(value)}")


def _not_json(value: Any) -> Any:
    if isinstance(value, LateValue):
        raise too_early()
    raise TemplateRuntimeError(f"`tojson` cannot write {kind_of(value)}")


def _rounds(rest: tuple[Any, ...]) -> int:
    """How often a filter looks into an item: once for each step of the paths in its arguments (`attribute='a.b,c'`)."""
    return 1 + sum(text.count(".") + text.count(",") for text in rest if isinstance(text, str))


class Filters:
    """The filters, tests and functions of one sandbox.

    Args:
        meter: What they are paid from.
        compare: Compares two values: `Operators.compare`.
        add: Adds two values: checked as `+` is.
    """

    def __init__(self, meter: Meter, compare: Callable[[str, Any, Any], Any], add: Callable[[Any, Any], Any]) -> None:
        self._meter = meter
        self._compare = compare
        self._add = add

    def functions(self) -> dict[str, Callable[..., Any]]:
        """What templates call as functions."""
        return {"range": self._range}

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What templates call as filters, and what a `for` goes through."""
        found = {name: self._paid(FILTERS[name], self._at_once) for name in _AT_ONCE}
        found |= {name: self._paid(FILTERS[name], self._one_by_one) for name in _ONE_BY_ONE}
        found |= {name: self._paid(FILTERS[name], partial(self._throughout, name)) for name in _THROUGHOUT}
        found |= {
            "replace": self._paid(self._replace, self._at_once),
            "round": self._paid(_round, self._at_once),
            "sum": self._paid(self._sum(), self._one_by_one),
            "tojson": self._paid(self._tojson, partial(self._throughout, "tojson")),
        }
        # What `default` may give, it does not read.
        found |= {name: self._paid(FILTERS[name], self._at_once, operands=1) for name in ("d", "default")}
        return {**found, "join": self._join, LOOP: self._loop}

    def tests(self) -> dict[str, Callable[..., Any]]:
        """What templates call behind `is`, and inside `select` and its like."""
        tests = cast("dict[str, Callable[..., Any]]", TESTS)
        found = {name: self._paid(test, self._at_once) for name, test in tests.items()}
        found |= {name: self._paid(tests[name], partial(self._throughout, name)) for name in ("lower", "upper")}
        found |= {name: self._paid(tests[name], partial(self._number, name)) for name in _OF_NUMBERS}
        return {**found, **{name: partial(self._compare, comparison) for name, comparison in _COMPARING.items()}}

    # --- what it costs ------------------------------------------------------------------------------------------------

    def _paid(
        self, function: Callable[..., Any], pay: Callable[[Any, tuple[Any, ...]], Any], operands: int | None = None
    ) -> Callable[..., Any]:
        """A filter or test that refuses what is not known yet, and pays before it begins.

        Args:
            function: It.
            pay: Takes the value and the other arguments; gives the value to go on with.
            operands: How many of its operands it reads; None for all.
        """
        # Jinja2 hands some of them the environment or context before the value.
        position = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def paid(*args: Any, **kwargs: Any) -> Any:
            refuse_late((*args, *kwargs.values())[:operands])
            before, value, rest = args[:position], args[position], args[position + 1 :]
            return function(*before, pay(value, (*rest, *kwargs.values())), *rest, **kwargs)

        return paid

    def _at_once(self, value: Any, rest: tuple[Any, ...]) -> Any:
        self._meter.pay(1 + len(rest))
        return value

    def _one_by_one(self, value: Any, rest: tuple[Any, ...]) -> Any:
        self._meter.read(*rest)
        rounds = _rounds(rest)
        if hasattr(value, "__next__"):
            return self._meter.counted(value, rounds)
        if not isinstance(value, Undefined) and hasattr(value, "__len__"):
            self._meter.pay((len(value) + 1) * rounds)
        return value

    def _throughout(self, name: str, value: Any, rest: tuple[Any, ...]) -> Any:
        self._meter.read(*rest)
        value = self._meter.listed(value)
        items = len(value) if isinstance(value, str | list | tuple | dict) else 1
        steps = weight(value) * _rounds(rest)
        match name:
            case "sort" | "dictsort":
                steps *= items.bit_length()
            case "unique":  # numbers can be chosen so that each look into a set of them becomes a search
                steps += items * items
            case "trim" if rest:
                steps *= 1 + weight(rest[0])
        self._meter.pay(steps)
        return value

    def _number(self, name: str, value: Any, rest: tuple[Any, ...]) -> Any:
        _refuse_all_but_numbers(name, value, *rest)
        self._meter.pay(1)
        return value

    # --- our own ------------------------------------------------------------------------------------------------------

    def _range(self, *bounds: int) -> list[int]:
        numbers = range(*bounds)
        if len(numbers) > MOST_ITEMS:
            raise too_large(f"`range` gives at most {MOST_ITEMS:,} numbers here")
        self._meter.pay(len(numbers))
        return list(numbers)

    def _loop(self, items: Any, steps: int = 1) -> list[Any]:
        found: list[Any] = []
        for item in items:
            found.append(item)
            if len(found) > MOST_ITEMS:
                raise too_large(f"a loop runs over at most {MOST_ITEMS:,} items")
        self._meter.pay(len(found) * steps)
        return found

    def _sum(self) -> Callable[..., Any]:
        @pass_environment
        def total(environment: Any, items: Any, attribute: Any = None, start: Any = 0) -> Any:
            values: Iterator[Any] = (
                iter(items) if attribute is None else map(make_attrgetter(environment, attribute), items)
            )
            for value in values:
                start = self._add(start, value)
            return start

        return total

    def _replace(self, value: Any, old: str, new: str, count: int | None = None) -> str:
        self._meter.read(value, old, new)
        text, old, new = str(value), str(old), str(new)
        times = text.count(old) if count is None else min(int(count), text.count(old))
        characters = len(text) + times * (len(new) - len(old))
        if characters > MOST_CHARACTERS:
            raise too_large(f"`replace` makes more than {MOST_CHARACTERS:,} characters")
        self._meter.pay(characters)
        return text.replace(old, new, -1 if count is None else int(count))

    def _join(self, items: Any, separator: Any = "") -> str | LateValue:
        parts = [in_text(item) for item in self._loop(items)]
        separator = in_text(separator)
        characters = sum(len(written(part)) for part in parts) + len(written(separator)) * len(parts)
        if characters > MOST_CHARACTERS:
            raise too_large(f"`join` makes more than {MOST_CHARACTERS:,} characters")
        self._meter.pay(characters)
        return LateValue.joined(parts, separator)

    def _tojson(self, value: Any) -> str:
        """JSON in one line; Jinja2's own escapes `<` for web pages."""
        if isinstance(value, Undefined):
            str(value)  # raises: says which name is missing
        text = json.dumps(value, ensure_ascii=False, default=_not_json)
        self._meter.pay(len(text))
        return text
