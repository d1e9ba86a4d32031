"""Turns a schema into sections of a page: one for each mapping, with a table of its keys."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.manifest.schema.words import choice_in_words, code, value_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.manifest.schema.walk import Schema


@dataclass(frozen=True, slots=True)
class Section:
    """What a page says about one mapping.

    Args:
        title: Its heading.
        paths: Where it stands, such as `providers.<account>.limits`: the same mapping may stand in several places.
        schema: With references inlined.
        depth: How many mappings are around it.
    """

    title: str
    paths: tuple[str, ...]
    schema: Schema
    depth: int

    @property
    def anchor(self) -> str:
        """The heading's anchor, as GitHub makes it."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")

    def printed(self, level: int) -> Iterator[str]:
        """Its lines of Markdown, with a heading of this level."""
        yield from (f"{'#' * level} {self.title}", "")
        if self.depth:
            yield from (f"At {' and '.join(map(code, self.paths))}. {self.schema.get('description', '')}".rstrip(), "")
        yield from ("| key | value | when not given | meaning | example |", "|---|---|---|---|---|")
        yield from (_row(name, part, self.schema) for name, part in _keys(self.schema))
        yield ""
        if (choice := choice_in_words(self.schema)) is not None:
            yield from (choice, "")


def sections(schema: Schema, path: str) -> list[Section]:
    """A section for a mapping and for every mapping inside, in the order of the schema; mappings with the same keys share one.

    Args:
        schema: A mapping's schema with references inlined.
        path: Where it stands; "" for the whole document.
    """
    found: list[Section] = []
    for section in _every_section(schema, path, depth=0):
        same = next((number for number, other in enumerate(found) if _are_alike(other, section)), None)
        if same is None:
            found.append(section)
        else:
            found[same] = _merged(found[same], section)
    return found


def _merged(one: Section, other: Section) -> Section:
    """One section for both places; what is said of only one of them stands in the table around it."""
    texts = {section.schema.get("description") for section in (one, other)}
    schema = one.schema if len(texts) == 1 else {key: it for key, it in one.schema.items() if key != "description"}
    return replace(one, paths=one.paths + other.paths, schema=schema)


def _every_section(schema: Schema, path: str, depth: int) -> Iterator[Section]:
    yield Section(schema.get("title", code(path)), (path,), schema, depth)
    for name, part in _keys(schema):
        inner, where = _mapping_in(part, f"{path}.{name}".lstrip("."))
        if inner is not None:
            yield from _every_section(inner, where, depth + 1)


def _are_alike(one: Section, other: Section) -> bool:
    return one.depth == other.depth and "title" in one.schema and list(_keys(one.schema)) == list(_keys(other.schema))


def _keys(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The keys of a mapping with what they hold; those that the user names stand as `<name>`."""
    yield from schema.get("properties", {}).items()
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"<{schema.get('propertyNames', {}).get('title', 'name')}>", schema["additionalProperties"]
    for pattern, part in schema.get("patternProperties", {}).items():
        yield f"{pattern.removeprefix('^')}…", part


def _mapping_in(schema: Schema, path: str) -> tuple[Schema | None, str]:
    """The mapping that a value is, or that the items of a list are; None when there is none with keys of its own."""
    if isinstance(schema.get("items"), dict):
        return _mapping_in(schema["items"], f"{path}[]")
    return (schema if any(True for _ in _keys(schema)) else None), path


def _row(name: str, schema: Schema, around: Schema) -> str:
    needed = "**required**" if name in around.get("required", ()) else ""
    default = code(schema["default"]) if "default" in schema else needed
    example = schema.get("examples", [""])[0]
    cells = (code(name), value_in_words(schema), default, _meaning(schema, around, name), _example(example))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _meaning(schema: Schema, around: Schema, name: str) -> str:
    meanings = zip(schema.get("enum", ()), schema.get("enumDescriptions", ()), strict=False)
    names = around.get("propertyNames", {}).get("patternErrorMessage") if name.startswith("<") else None
    parts = [schema.get("description", ""), *(f"{code(value)}: {meaning}." for value, meaning in meanings)]
    return "<br>".join([*parts, *([f"The name {names}."] if names else [])])


def _example(value: object) -> str:
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) if value != "" else ""
