"""Makes replies that nobody recorded, out of those that somebody did: their keys and words in other places, or with a part exchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from runner.core.answers import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.contract.recordings import Case

_STATUSES: Final = (100, 200, 201, 204, 302, 400, 401, 404, 409, 429, 500, 502, 503, 599)
_ODD_WORDS: Final = (
    "",
    "0",
    "-3",
    "1e999",
    "null",
    "\ud800",
    "http://[",
    "https://a.example/b",
    "/b",
    "ünï",
    "x" * 300,
)
_MOST_LEAVES: Final = 12


def near_replies(cases: Sequence[Case]) -> st.SearchStrategy[Reply]:
    """Replies that look like recorded ones to a careless reader, and some that look like nothing.

    Args:
        cases: Recorded ones; those of one operation.
    """
    bodies = [value for case in cases if (value := _parsed(case.reply.body)) is not None]
    names = sorted(
        {name for body in bodies for name in _names(body)} | {"code", "message", "data", "error", "id", "status"}
    )
    words = sorted({word for body in bodies for word in _words(body)}) + list(_ODD_WORDS)
    headers = sorted({name for case in cases for name in case.reply.headers} | {"retry-after", "date"})
    value = _json(names, words)
    made = value | _exchanged(bodies, value) if bodies else value
    return st.builds(
        Reply,
        st.sampled_from(_STATUSES),
        st.dictionaries(st.sampled_from(headers), st.text(), max_size=3),
        st.binary() | made.map(lambda body: json.dumps(body).encode()),
        st.booleans() if not bodies else st.sampled_from((False, False, False, True)),
    )


def strange_objects() -> st.SearchStrategy[bytes]:
    """Bodies that are JSON objects with keys that no API has."""
    keys = st.text(alphabet="uvwxyz", min_size=1)
    return st.dictionaries(keys, _json(["code", "id"], []), max_size=5).map(lambda body: json.dumps(body).encode())


@st.composite
def damaged(draw: st.DrawFn, replies: st.SearchStrategy[Reply]) -> Reply:
    """A reply with up to four bytes of its body exchanged for others, wherever they are."""
    reply = draw(replies)
    at = draw(st.integers(0, len(reply.body)))
    junk, width = draw(st.binary(max_size=4)), draw(st.integers(0, 4))
    return Reply(reply.status, reply.headers, reply.body[:at] + junk + reply.body[at + width :], reply.truncated)


def _json(names: list[str], words: list[str]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    if words:
        leaves |= st.sampled_from(words)
    keys = st.sampled_from(names) | st.text()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=_MOST_LEAVES,
    )


@st.composite
def _exchanged(draw: st.DrawFn, bodies: list[Any], value: st.SearchStrategy[Any]) -> Any:
    """A recorded body in which one part, however deep, is another."""
    body = draw(st.sampled_from(bodies))
    at = draw(st.sampled_from(list(_places(body, ()))))
    return _with(body, at, draw(value))


def _places(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from _places(inner, (*at, key))


def _with(value: Any, at: tuple[str | int, ...], part: Any) -> Any:
    if not at:
        return part
    if isinstance(value, dict):
        return {**value, at[0]: _with(value[at[0]], at[1:], part)}
    return [_with(inner, at[1:], part) if number == at[0] else inner for number, inner in enumerate(value)]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(inner)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(inner)
