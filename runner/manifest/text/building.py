"""From the events of libyaml to plain values and their positions: one pass, no recursion, every size bounded.

PyYAML's own composer and constructor follow YAML 1.1, let the last of two equal keys win, recurse, and copy merged mappings as often as
a chain of merges asks for. Here aliases share one object, a merge copies each key once, and both count in full against one limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from runner.manifest.text.positions import Positions
from runner.manifest.text.refusals import Refusals
from runner.manifest.text.scalars import BadNumber, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from yaml.events import CollectionEndEvent, CollectionStartEvent, Event

    from runner.manifest.text.lines import Lines

DEEPEST: Final = 64
"""Lists and mappings inside one another, aliases followed (a merge counts as one): what reads the value later may recurse."""
MOST_VALUES: Final = 400_000
"""Keys and values, aliases and merges counted out: about 16,000 jobs written one by one, read in 1 s. More jobs come from `foreach`."""


class _MergeKey:
    """Stands in a mapping for an unquoted `<<` until the mapping is complete."""

    def __str__(self) -> str:
        return "<<"


_MERGE: Final = _MergeKey()


class _Anchored(NamedTuple):
    """What an alias stands for.

    Args:
        value: A scalar, list or dict.
        node: Its number in the positions.
        size: Values in it, itself included, aliases and merges counted out.
        height: Lists and mappings inside one another, itself included; 0 for a scalar, None while its end has not been seen.
    """

    value: Any
    node: int
    size: int = 1
    height: int | None = 0


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen.

    Args:
        value: What it holds so far.
        node: Its number in the positions.
        anchor: Its name for aliases, or None.
        is_mapping: Whether keys and values alternate.
        entries: Nodes of its items; for a mapping of key and value in turn.
        key: The key whose value comes next, or None.
        key_node: That key's node.
        aliased: Values that aliases inside it stand for, counted out.
        height: Lists and mappings inside one another so far, itself included.
    """

    value: Any
    node: int
    anchor: str | None = None
    is_mapping: bool = False
    entries: list[int] = field(default_factory=list)
    key: str | _MergeKey | None = None
    key_node: int = 0
    aliased: int = 0
    height: int = 1


def _is_joined(event: ScalarEvent) -> bool:
    """Whether nothing divides anchor and text: `&a:b c` is an anchor `a:b` in YAML 1.2 and an anchor `a` to libyaml."""
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    return end.line == start.line and end.column - start.column == len(f"&{event.anchor}{event.value}")


class Builder:
    """Takes the events of one text in order.

    Args:
        file: The path that findings name.
        lines: The text that the events come from.
    """

    def __init__(self, file: str, lines: Lines) -> None:
        self.positions = Positions(file, lines)
        self.refusals = Refusals(self.positions)
        self._root = _Open([], 0)
        self._open = [self._root]
        self._anchors: dict[str, _Anchored] = {}
        self._keys: dict[str, str] = {}
        self._aliased = 0
        self._steps: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            AliasEvent: self._alias,
            MappingStartEvent: self._begin,
            SequenceStartEvent: self._begin,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            StreamStartEvent: self._ignore,
            DocumentStartEvent: self._document,
            DocumentEndEvent: self._ignore,
            StreamEndEvent: self._finish,
        }

    def take(self, events: Iterable[Event]) -> None:
        """Takes the events of a stream, from its beginning to its end.

        Raises:
            Abandoned: The rest of the text cannot or should not be read; `refusals` has the reason.
        """
        steps = self._steps
        for event in events:
            steps[type(event)](event)

    @property
    def value(self) -> Any:
        """The document's value."""
        return self._root.value[0]

    @property
    def node(self) -> int:
        """The node of the document's value."""
        return self._root.entries[0]

    def _ignore(self, event: Event) -> None:
        """The stream begins or the document ends."""

    def _document(self, event: DocumentStartEvent) -> None:
        if self._root.value:
            self.refusals.second_document(self.positions.add(event))
        if event.version not in (None, (1, 2)):
            self.refusals.version(self.positions.add(event))

    def _finish(self, event: StreamEndEvent) -> None:
        if not self._root.value:  # no document at all
            self._put(None, self.positions.add(event))

    def _add(self, event: Event) -> int:
        node = self.positions.add(event)
        if node + self._aliased >= MOST_VALUES:
            self.refusals.too_many_values(node, MOST_VALUES)
        return node

    def _scalar(self, event: ScalarEvent) -> None:
        node = self._add(event)
        if event.tag is not None:
            self.refusals.tag(node, event.tag)
        inside = self._open[-1]
        if inside.is_mapping and inside.key is None:
            value: Any = event.value
            inside.key, inside.key_node = self._key(event, node), node
        else:
            value = self._value(event, node)
            self._put(value, node)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, node)
            if event.implicit[0] and event.value and _is_joined(event):
                self.refusals.joined_anchor(node, event.anchor)

    def _key(self, event: ScalarEvent, node: int) -> str | _MergeKey:
        text: str = event.value
        if event.implicit[0]:
            if text == "<<":
                return _MERGE
            if not isinstance(self._value(event, node), str):
                self.refusals.key(node, text)
        return self._keys.setdefault(text, text)

    def _value(self, event: ScalarEvent, node: int) -> str | int | float | bool | None:
        text: str = event.value
        if event.implicit[0]:
            try:
                return resolve(text)
            except BadNumber as problem:
                self.refusals.number(node, text, problem)
        elif "\0" in text:
            self.refusals.nul(node)
        return text

    def _put(self, value: Any, node: int) -> None:
        """Puts a value where it belongs: next in a list, or behind its key."""
        inside = self._open[-1]
        if not inside.is_mapping:
            inside.value.append(value)
            inside.entries.append(node)
            return
        key, inside.key = inside.key, None
        if key in inside.value:
            first = inside.entries[2 * list(inside.value).index(key)]
            self.refusals.duplicate(inside.key_node, first, str(key))
            return
        inside.value[key] = value
        inside.entries += (inside.key_node, node)

    def _begin(self, event: CollectionStartEvent) -> None:
        node = self._add(event)
        if event.tag is not None:
            self.refusals.tag(node, event.tag)
        inside = self._open[-1]
        if inside.is_mapping and inside.key is None:
            self.refusals.collection_as_key(node)
        if len(self._open) > DEEPEST:
            self.refusals.too_deep(node, DEEPEST)
        is_mapping = type(event) is MappingStartEvent
        value: Any = {} if is_mapping else []
        self._put(value, node)
        self._open.append(_Open(value, node, event.anchor, is_mapping))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, node, height=None)

    def _end(self, event: CollectionEndEvent) -> None:
        done = self._open.pop()
        if done.is_mapping and _MERGE in done.value:
            self._merge(done)
        self.positions.close(done.node, done.entries, event)
        outside = self._open[-1]
        outside.aliased += done.aliased
        if outside.height <= done.height:  # `max` takes a tenth of a second of the largest manifest
            outside.height = done.height + 1
        if done.anchor is not None and self._anchors[done.anchor].node == done.node:
            size = self.positions.count - done.node + done.aliased
            self._anchors[done.anchor] = _Anchored(done.value, done.node, size, done.height)

    def _alias(self, event: AliasEvent) -> None:
        assert event.anchor is not None
        node = self._add(event)
        known = self._anchors.get(event.anchor)
        inside = self._open[-1]
        if known is None or known.height is None:
            self.refusals.alias(node, event.anchor, None if known is None else known.node)
            known = _Anchored({}, node)
        if inside.is_mapping and inside.key is None:
            inside.key, inside.key_node = self._alias_as_key(known, node, event.anchor), node
            return
        self._expand(known, node)
        self._put(known.value, known.node)

    def _alias_as_key(self, known: _Anchored, node: int, name: str) -> str:
        if isinstance(known.value, str):
            return known.value
        # Not its value as text: that may be as long as the file, and stand behind every alias.
        self.refusals.key(node, f"*{name}")
        return f"*{name}"

    def _expand(self, known: _Anchored, node: int) -> None:
        """Counts what an alias stands for."""
        assert known.height is not None
        inside = self._open[-1]
        inside.aliased += known.size
        inside.height = max(inside.height, known.height + 1)
        self._aliased += known.size
        if self.positions.count + self._aliased > MOST_VALUES:
            self.refusals.too_many_values(node, MOST_VALUES)
        if len(self._open) - 1 + known.height > DEEPEST:
            self.refusals.too_deep(node, DEEPEST)

    def _merge(self, done: _Open) -> None:
        """Adds the entries that `<<` asks for: keys of the mapping itself win, then those of earlier mappings."""
        number = list(done.value).index(_MERGE)
        node = done.entries[2 * number + 1]
        del done.entries[2 * number : 2 * number + 2]
        for mapping, mapping_node in self._merged(done.value.pop(_MERGE), node):
            entries = iter(self.positions.entries(mapping_node, mapping))
            for (key, value), key_node, value_node in zip(mapping.items(), entries, entries, strict=True):
                if key not in done.value:
                    done.value[key] = value
                    done.entries += (key_node, value_node)

    def _merged(self, source: Any, node: int) -> Iterator[tuple[dict[str, Any], int]]:
        """The mappings behind a `<<`, in the order in which they count."""
        is_list = isinstance(source, list)
        nodes = self.positions.entries(node, source) if is_list else [node]
        for mapping, mapping_node in zip(source if is_list else [source], nodes, strict=True):
            if isinstance(mapping, dict):
                yield mapping, mapping_node
            else:
                self.refusals.merge(mapping_node)
