"""Values that fit a schema, and values broken in one or two places, made by the thousand from a seed.

Hypothesis chooses the seeds. To draw every key through it would take fifty times as long, and shrinking a manifest that is broken in two
places gains little.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

Schema = dict[str, Any]

TEXTS: Final = (
    "", " ", "x", "X", "x\n", "a" * 63, "a" * 64, "no", "1", "25.00", "25", "1e3", "-1", "A_B", "日本", "😀", "https://a.b/c", "https://a.b/c\n",
    "http://u@a.b", "ftp://a.b", "https://", "digital-human/avatar", "digital-human/", "/", "welcome/1042", "{{ row.x }}", "USD", "../x", "\0",
)  # fmt: skip
NUMBERS: Final = (0, 1, -1, 1.0, 0.5, 0.05, 0.1, 59, 1e-9, 100_000, 100_001, 2**53 - 1, 1e300, True, False)
NAMES: Final = (
    "a",
    "digital-human",
    "kling-eu",
    "digital-human/avatar",
    "a/b",
    "x-1",
    "B",
    "a\n",
    "",
    "1",
    "include",
    "a" * 64,
    "row",
    "日本",
)
OTHERS: Final[tuple[Any, ...]] = (None, [], {}, [None], {"env": "A"}, {"file": "a"}, [[]], {"": {}})


class Generated:
    """Makes values of one schema.

    Args:
        schema: Where to begin; `$ref` leads into `root`.
        root: Holds `$defs`.
        random: Decides.
    """

    def __init__(self, schema: Schema, root: Schema, random: Random) -> None:
        self._schema = schema
        self._root = root
        self._random = random

    def nearly(self) -> Any:
        """A value that fits, left as it is or broken in one or two places."""
        value = self._fitting(self._schema)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 2))):
            value = self._broken(value)
        return value

    def anything(self, depth: int = 0) -> Any:
        """Any JSON."""
        random = self._random
        kind = random.randrange(6 if depth < 3 else 3)
        if kind < 3:
            return random.choice((random.choice(TEXTS), random.choice(NUMBERS), None))
        items = [self.anything(depth + 1) for _ in range(random.randrange(4))]
        return items if kind == 3 else {random.choice((*NAMES, *self._known_names())): item for item in items}

    def _known_names(self) -> tuple[str, ...]:
        return tuple(self._resolved(self._schema).get("properties", ()))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
        return schema

    def _fitting(self, schema: Schema) -> Any:
        schema, random = self._resolved(schema), self._random
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        if "anyOf" in schema:
            return self._fitting(random.choice(schema["anyOf"]))
        kind = schema.get("type", "string")
        match random.choice(kind) if isinstance(kind, list) else kind:
            case "object":
                return self._mapping(schema)
            case "array":
                least = schema.get("minItems", 0)
                return [self._fitting(schema.get("items", {})) for _ in range(random.randrange(least, least + 3))]
            case "integer" | "number":
                return max(schema.get("minimum", 1), random.choice((1, 2, 30)))
            case "boolean":
                return random.random() < 0.5
            case _:
                return random.choice(
                    schema.get("examples") or (schema.get("default") or "https://a.b/c", "a", "25.00", "x")
                )

    def _mapping(self, schema: Schema) -> dict[str, Any]:
        random = self._random
        properties: dict[str, Schema] = schema.get("properties", {})
        required = set(schema.get("required", ()))
        choices = schema.get("oneOf", ())
        one_of = {key for branch in choices for key in branch.get("required", ())}
        chosen = set(random.choice(choices)["required"]) if one_of else set()
        made = {
            key: self._fitting(value)
            for key, value in properties.items()
            if key in required | chosen or (key not in one_of and random.random() < 0.4)
        }
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for _ in range(random.randrange(schema.get("minProperties", 0), 3)):
                made[random.choice(NAMES[:4])] = self._fitting(extra)
        return made

    def _broken(self, value: Any) -> Any:
        """The value with one place changed."""
        value = copy.deepcopy(value)
        places = list(_places(value))
        holder, key = self._random.choice(places) if places else (None, None)
        if holder is None:
            return self.anything()
        self._break(holder, key)
        return value

    def _break(self, holder: Any, key: Any) -> None:
        random = self._random
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[key[:-1] or "x"] = holder.pop(key)
            case 2 if isinstance(holder, dict):
                holder[random.choice((*NAMES, key + "s"))] = copy.deepcopy(holder[key])
            case 2:
                holder.append(copy.deepcopy(holder[key]))
            case 3:
                holder[key] = random.choice(TEXTS)
            case 4:
                holder[key] = random.choice(NUMBERS)
            case _:
                holder[key] = copy.deepcopy(random.choice(OTHERS))


def _places(value: Any) -> Any:
    """Every container with each of its keys or indices."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from _places(item)


def shown(value: Any) -> str:
    """A value for the message of a failed test."""
    return json.dumps(value, ensure_ascii=True)[:2_000]
