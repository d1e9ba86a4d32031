r"""What a schema's keyword says about one value or key, as the library that decides reads it.

Patterns above all: Python's `re` has rules of its own (no `\p{Lu}`, another `$`), and a pattern of a user can keep it busy for ever.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_KEPT: Final = 1_000


@lru_cache(maxsize=_MOST_KEPT)
def _compiled(keyword: str, wanted: str | float) -> Callable[[Any], bool]:
    return jsonschema_rs.Draft202012Validator({keyword: wanted}).is_valid


def holds(keyword: str, wanted: str | float, value: Any) -> bool:
    """Whether a value satisfies a keyword that looks at nothing but the value, such as `pattern` or `multipleOf`.

    Args:
        keyword: The keyword.
        wanted: What stands behind it in the schema.
        value: Any JSON value, without half surrogate pairs.
    """
    return _compiled(keyword, wanted)(value)


def additional_keys(instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The keys that `additionalProperties` of a schema is about, in the order as written."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return (key for key in instance if key not in known and not any(holds("pattern", it, key) for it in patterns))
