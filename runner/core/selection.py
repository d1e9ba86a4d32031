"""Which jobs a command is about: `--select` and `--exclude`, in dbt's habit.

A selector is `tag:NAME`, `state:STATE`, `uses:PATTERN`, a job's name, or a pattern for the id; patterns are globs in which `*` also
crosses `/`. A comma joins conditions that must all hold; a repeated option adds alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runner.core.job import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.core.spec import JobSpec

_KINDS = ("tag", "state", "uses")


class BadSelector(ValueError):
    """A selector that means nothing; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Jobs chosen by selectors. It remembers which of its selectors a job was ever asked about with success.

    Args:
        select: Alternatives, each a tuple of (kind, pattern) that must all hold; empty chooses every job.
        exclude: Likewise; a job that one of these holds for is left out.
    """

    select: tuple[tuple[tuple[str, str], ...], ...] = ()
    exclude: tuple[tuple[tuple[str, str], ...], ...] = ()
    _matched: set[int] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def is_everything(self) -> bool:
        """Whether no selector was given."""
        return not self.select and not self.exclude

    def holds(self, spec: JobSpec, state: Callable[[], State]) -> bool:
        """Whether a job is chosen.

        Args:
            spec: The job.
            state: Gives its state; asked only when a selector needs it.
        """
        fitting = [place for place, terms in enumerate(self.select) if _all_hold(terms, spec, state)]
        self._matched.update(fitting)
        if self.select and not fitting:
            return False
        return not any(_all_hold(terms, spec, state) for terms in self.exclude)

    @property
    def written(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The alternatives of `select` and those of `exclude`, as they were written."""
        return tuple(map(_written, self.select)), tuple(map(_written, self.exclude))

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The alternatives of `select`, as they were written, that have held for no job so far."""
        return tuple(_written(terms) for place, terms in enumerate(self.select) if place not in self._matched)


def parse(select: Sequence[str], exclude: Sequence[str]) -> Selection:
    """Read selectors as they stand on the command line.

    Raises:
        BadSelector: An empty part, an unknown kind before a colon, or an unknown state.
    """
    return Selection(tuple(_terms(text) for text in select), tuple(_terms(text) for text in exclude))


def _terms(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(_term(part.strip(), text) for part in text.split(","))


def _term(part: str, whole: str) -> tuple[str, str]:
    if not part:
        raise BadSelector(f"`{whole}` holds an empty selector")
    kind, colon, pattern = part.partition(":")
    if not colon:
        return ("id", part)
    if kind not in _KINDS:
        raise BadSelector(
            f"`{part}`: a selector is tag:NAME, state:STATE, uses:PATTERN, a job's name, or a pattern for the id"
        )
    if kind == "state" and pattern not in set(State):
        raise BadSelector(f"`{part}`: a state is one of {', '.join(State)}")
    return (kind, pattern)


def _written(terms: tuple[tuple[str, str], ...]) -> str:
    return ",".join(pattern if kind == "id" else f"{kind}:{pattern}" for kind, pattern in terms)


def _all_hold(terms: tuple[tuple[str, str], ...], spec: JobSpec, state: Callable[[], State]) -> bool:
    return all(_holds(kind, pattern, spec, state) for kind, pattern in terms)


def _holds(kind: str, pattern: str, spec: JobSpec, state: Callable[[], State]) -> bool:
    match kind:
        case "tag":
            return any(fnmatchcase(tag, pattern) for tag in spec.tags)
        case "state":
            return state() == pattern
        case "uses":
            return fnmatchcase(spec.uses, pattern)
        case _:
            return spec.name == pattern or fnmatchcase(spec.id, pattern)
