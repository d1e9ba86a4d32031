"""What an unquoted YAML scalar means under the core schema of YAML 1.2.

`no`, `on`, `12:30` and `2020-01-01` are text, `017` is seventeen, `0o17` is fifteen. Numbers that JSON cannot carry without loss
(not a number, infinities, integers beyond 2**53 - 1) are refused rather than rounded.

Source: https://yaml.org/spec/1.2.2/ section 10.3.2 (tag resolution); RFC 7493 section 2.2 and RFC 8785 section 3.2.2.3 (numbers).
"""

from __future__ import annotations

import math
import re
from typing import Final

LARGEST_INTEGER: Final = 2**53 - 1
LONGEST_NUMBER: Final = 100
"""Characters. Parsing digits costs the square of their count, and nothing exact is left beyond 17 of them."""

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER: Final = re.compile(
    r"""(?P<decimal>[-+]?[0-9]+)
      | 0o(?P<octal>[0-7]+)
      | 0x(?P<hexadecimal>[0-9a-fA-F]+)
      | (?P<fraction>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)
      | (?P<infinity>[-+]?\.(?:inf|Inf|INF))
      | (?P<not_a_number>\.(?:nan|NaN|NAN))""",
    re.VERBOSE,
)
_BASES: Final = {"decimal": 10, "octal": 8, "hexadecimal": 16}
_FIRST: Final = frozenset("+-.0123456789~nNtTfF")
"""How a scalar that is not text may begin; all others are told apart without a regular expression."""


class BadNumber(ValueError):
    """A number that no manifest can hold; the message completes "`1e999` …"."""


def resolve(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar.

    Args:
        text: As written, folded; "" for a value that was left out.

    Raises:
        BadNumber: It is an infinity, not a number, or an integer that JSON cannot carry exactly.
    """
    if text and text[0] not in _FIRST:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    match = _NUMBER.fullmatch(text)
    return text if match is None else _number(match)


def _number(match: re.Match[str]) -> int | float:
    kind = str(match.lastgroup)
    if kind == "not_a_number":
        raise BadNumber("is not a number")
    if kind == "infinity":
        raise BadNumber("is infinite")
    if len(match[0]) > LONGEST_NUMBER:
        raise BadNumber(f"is a number of more than {LONGEST_NUMBER} characters")
    return _float(match[0]) if kind == "fraction" else _integer(match[kind], _BASES[kind])


def _integer(digits: str, base: int) -> int:
    number = int(digits, base)
    if abs(number) > LARGEST_INTEGER:
        raise BadNumber(f"is an integer beyond ±{LARGEST_INTEGER}, which JSON cannot carry exactly")
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BadNumber("is larger than any number that JSON can carry")
    return number
