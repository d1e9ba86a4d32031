"""Places of inputs in an operation's schema, and what stands there in the inputs of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.manifest.inputs import Pointer

Place = tuple[str, ...]
"""Keys that lead to an input, `EVERY` for each item of a list."""

EVERY: Final = "*"
"""In a place: each item of a list."""


def place_of(at: Pointer) -> Place:
    """The place that a pointer within a job's inputs leads to."""
    return tuple(EVERY if isinstance(step, int) else step for step in at)


def name_of(place: Place) -> str:
    """How an input is called in limits and messages: `create_voice.audio_url`; items of a list as the list."""
    return ".".join(step for step in place if step != EVERY)


def values_at(value: Any, place: Place, at: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """What stands at a place, each with its pointer.

    Args:
        value: The inputs of a job.
        place: The place within them.
        at: Pointer of `value` itself.
    """
    if not place:
        yield at, value
        return
    step, *further = place
    if step == EVERY:
        for number, item in enumerate(value if isinstance(value, list) else ()):
            yield from values_at(item, tuple(further), (*at, number))
    elif isinstance(value, dict) and step in value:
        yield from values_at(value[step], tuple(further), (*at, step))
