"""Python's operators as templates have them: on values that are known, of sane size, paid for before they are used."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from jinja2.exceptions import SecurityError

from runner.manifest.templates.late import LateValue, refuse_late, written
from runner.manifest.templates.meter import MOST_CHARACTERS, too_large
from runner.manifest.templates.text import in_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.manifest.templates.meter import Meter

CONCAT: Final = "callsheet_concat"
"""The filter that a list of the operands of `~` goes through."""
COMPARE: Final = "callsheet_compare"
"""The filter that a comparison becomes: its arguments are Jinja2's names of the operators, each with the operand behind it."""
SLICE: Final = "callsheet_slice"
"""The filter that `value[start:stop:step]` becomes."""
ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "//", "%", "**"})
"""The operators that `compute` checks the operands of."""

_MOST_BITS: Final = 2**15
"""Two operands together have fewer: twice as many as the longest number that JSON gives, 4,300 digits."""
_LARGEST_BASE: Final = 1_000_000
_LARGEST_EXPONENT: Final = 64


def _is_in(item: Any, items: Any) -> bool:
    return item in items


def _is_not_in(item: Any, items: Any) -> bool:
    return item not in items


_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": _is_in,
    "notin": _is_not_in,
}


class Operators:
    """The operators of one sandbox.

    Args:
        meter: What they are paid from.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters that stand for operators which Jinja2 would leave to Python."""
        return {CONCAT: self._concat, COMPARE: self._chain, SLICE: self._slice}

    def _concat(self, items: list[Any]) -> str | LateValue:
        parts = [in_text(item) for item in items]
        characters = sum(len(written(part)) for part in parts)
        if characters > MOST_CHARACTERS:
            raise too_large(f"`~` makes more than {MOST_CHARACTERS:,} characters")
        self._meter.pay(characters)
        return LateValue.joined(parts)

    def _chain(self, left: Any, *rest: Any) -> Any:
        """`left < right`, and `left < middle < right` as Python has it."""
        holds: Any = True
        for name, right in zip(rest[::2], rest[1::2], strict=True):
            holds = self.compare(name, left, right)
            if not holds:
                break
            left = right
        return holds

    def compare(self, name: str, left: Any, right: Any) -> Any:
        """What a comparison gives.

        Args:
            name: Jinja2's name of it: `eq`, `gteq`, `in`, …
            left: The operand before it.
            right: The operand behind it.

        Raises:
            Flaw: An operand is not known yet, or there is too much to compare.
        """
        refuse_late((left, right))
        if name in ("in", "notin"):
            right = self._meter.listed(right)
            # In a mapping a key is looked up, and nothing else read.
            self._meter.read(left, () if isinstance(right, dict) else right)
        elif isinstance(left, str) and isinstance(right, str):
            self._meter.pay(min(len(left), len(right)))
        elif not (_is_number(left) or _is_number(right)):
            self._meter.read(left, right)
        return _COMPARISONS[name](left, right)

    def _slice(self, value: Any, start: Any, stop: Any, step: Any) -> Any:
        wanted = slice(start, stop, step)
        self._meter.pay(len(range(*wanted.indices(len(value)))))
        return value[wanted]

    def add(self, left: Any, right: Any) -> Any:
        """The sum of two numbers, texts or lists."""
        self.refuse_operands("+", left, right)
        return left + right

    def refuse_operands(self, sign: str, left: Any, right: Any) -> None:
        """Raise what keeps an operator of `ARITHMETIC` from its operands, and pay for what it will make."""
        refuse_late((left, right))
        if sign == "+" and isinstance(left, str | list | tuple) and type(left) is type(right):
            self._meter.pay(len(left) + len(right))
        elif not (_is_number(left) and _is_number(right)):
            others = ", or two texts or lists" if sign == "+" else " only"
            raise SecurityError(f"`{sign}` works on numbers{others}")
        elif _bits(left) + _bits(right) > _MOST_BITS:
            raise too_large(f"a number has more than {_MOST_BITS:,} bits")
        elif sign == "**" and (abs(left) > _LARGEST_BASE or abs(right) > _LARGEST_EXPONENT):
            raise too_large("`**` works on small numbers only")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _bits(number: float) -> int:
    return number.bit_length() if isinstance(number, int) else 0
