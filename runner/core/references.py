"""References to other jobs' outputs, as they stand in a job's inputs until the job is submitted.

A template such as `{{ jobs['anna-voice'].outputs.audio_id }}` is rendered long before that output exists. What it leaves in the
string is a marker between two private-use characters; the engine puts the value in right before the submission. Templates themselves
never see a marker. One that is damaged all the same is found, since its frame or its checksum no longer holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPEN: Final = "\ue000"
CLOSE: Final = "\ue001"
_MARKER: Final = re.compile(f"{OPEN}([^|{CLOSE}]*)\\|([^|{CLOSE}]*)\\|([0-9a-f]{{8}}){CLOSE}")


@dataclass(frozen=True, slots=True, order=True)
class OutputRef:
    """A named output of another job.

    Args:
        job: That job's id.
        output: The output's name, e.g. `audio_id`.
    """

    job: str
    output: str


class BrokenReference(ValueError):
    """A marker is damaged: nothing but a whole one, or text around it, stands for an output."""


def marker(ref: OutputRef) -> str:
    """The text that stands for an output until it is known."""
    body = f"{ref.job}|{ref.output}"
    return f"{OPEN}{body}|{crc32(body.encode()):08x}{CLOSE}"


def _parse(match: re.Match[str]) -> OutputRef:
    job, output, checksum = match.groups()
    if f"{crc32(f'{job}|{output}'.encode()):08x}" != checksum:
        raise BrokenReference(f"the reference to output `{output}` of `{job}` is damaged")
    return OutputRef(job, output)


def find(value: Any) -> Iterator[OutputRef]:
    """Every reference in a JSON value, in the order they stand.

    Raises:
        BrokenReference: A marker is damaged.
    """
    match value:
        case str():
            if OPEN not in value and CLOSE not in value:
                return
            for match in _MARKER.finditer(value):
                yield _parse(match)
            rest = _MARKER.sub("", value)
            if OPEN in rest or CLOSE in rest:
                raise BrokenReference("a reference to another job's output is damaged")
        case dict():
            for item in value.values():
                yield from find(item)
        case list() | tuple():
            for item in value:
                yield from find(item)
        case _:
            return


def resolve(value: Any, lookup: Callable[[OutputRef], Any]) -> Any:
    """The JSON value with every reference replaced by what `lookup` gives for it.

    Args:
        value: A JSON value with markers.
        lookup: Gives the output's value; a string that is one marker takes it with its type, else its text is put in.

    Returns:
        A new value without markers.
    """
    return replaced(value, lambda text: _resolved(text, lookup))


def replaced(value: Any, by: Callable[[str], Any]) -> Any:
    """The JSON value with something else in the place of every string that holds markers, or what may be the rest of one.

    Args:
        value: A JSON value with markers.
        by: Gives what stands for such a string.

    Returns:
        A new value.
    """
    # A million jobs go through here, so this asks for types in the order of how many there are.
    kind = type(value)
    if kind is str:
        return by(value) if OPEN in value or CLOSE in value else value
    if kind is dict:
        return {key: replaced(item, by) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [replaced(item, by) for item in value]
    return value


def _resolved(text: str, lookup: Callable[[OutputRef], Any]) -> Any:
    whole = _MARKER.fullmatch(text)
    if whole is not None:
        return lookup(_parse(whole))
    return _MARKER.sub(lambda match: str(lookup(_parse(match))), text)
