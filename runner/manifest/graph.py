"""Which names under `jobs:` wait for which, and whether they wait in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def cycles(waits_for: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The circles of a graph, each once.

    Args:
        waits_for: For each name the names it waits for; names that are no keys lead nowhere.

    Returns:
        Each circle as a path that ends where it began, e.g. `["a", "b", "a"]`; as many as it takes so that without their last steps no
        circle is left.
    """
    found: list[list[str]] = []
    done: set[str] = set()
    for start in waits_for:
        _walk(start, waits_for, done, found)
    return found


def _walk(start: str, waits_for: Mapping[str, Sequence[str]], done: set[str], found: list[list[str]]) -> None:
    """Depth first without recursion: a chain may have more links than Python has stack."""
    path, branches = [start], [iter(waits_for[start])]
    on_path = {start}
    while path and start not in done:
        step = next(branches[-1], None)
        if step is None:
            done.add(path[-1])
            on_path.discard(path.pop())
            branches.pop()
        elif step in on_path:
            found.append([*path[path.index(step) :], step])
        elif step not in done and step in waits_for:
            path.append(step)
            on_path.add(step)
            branches.append(iter(waits_for[step]))


def circle(path: Sequence[str]) -> Flaw:
    """The flaw of names under `jobs:` that wait in a circle.

    Args:
        path: It ends where it began.
    """
    first, *rest = path
    if rest == [first]:
        text = f"`{first}` waits for itself: jobs cannot wait for jobs of the same name"
        mend = "take the need away, or put the jobs that others wait for under a name of their own"
        return Flaw(Code.CYCLE, text, notes=(mend,))
    return Flaw(Code.CYCLE, f"jobs wait for one another in a circle: {' -> '.join(path)}")
