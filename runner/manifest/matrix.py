"""The combinations of a matrix, in the order written, with `include` and `exclude` as in GitHub Actions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, suggestion
from runner.manifest.paths import id_part_flaw
from runner.manifest.templates.sandbox import Matrix
from runner.manifest.templates.template import is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from runner.manifest.inputs import Pointer

_MOST_COMBINATIONS: Final = 100_000
_MOST_ADDED: Final = 1_000_000
"""Values that `include` adds to combinations, each in its own mapping."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One combination.

    Args:
        values: `matrix` in templates.
        parts: The parts of the id that it adds.
    """

    values: Matrix
    parts: tuple[str, ...]

    @classmethod
    def none(cls) -> Combination:
        """The one combination of a job without a matrix."""
        return cls(Matrix(), ())


def combinations(matrix: Mapping[str, Any], report: Callable[[Pointer, Flaw], None]) -> list[Combination]:
    """Every combination of a matrix that the schema has passed.

    Args:
        matrix: Axes with their values, `include` and `exclude`.
        report: Takes the pointer within the matrix and what is wrong there.

    Returns:
        The product of the axes in the order written, without the excluded, followed by those that `include` adds. An include whose
        values agree with a combination on every axis it names only adds to it; one that agrees with none is a new one.
    """
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > _MOST_COMBINATIONS:
        report(
            (),
            Flaw(
                Code.BAD_COMBINATION,
                f"the matrix has {count:,} combinations; at most {_MOST_COMBINATIONS:,} are allowed",
            ),
        )
        return []
    _check_values(axes, matrix.get("include", []), report)
    made = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    made = _exclude(made, axes, matrix.get("exclude", []), report)
    added = _include(made, axes, matrix.get("include", []), report)
    return _with_parts([*(((), values) for values in made), *added], axes, report)


def _check_values(axes: Mapping[str, Any], includes: list[Any], report: Callable[[Pointer, Flaw], None]) -> None:
    """Every value of an axis is a part of an id."""
    placed: list[tuple[Pointer, Any]] = [
        ((name, at), it) for name, values in axes.items() for at, it in enumerate(values)
    ]
    for at, extra in enumerate(includes):
        placed += [(("include", at, name), value) for name, value in extra.items() if name in axes or not axes]
    for name, values in axes.items():
        seen: set[str] = set()
        for number, value in enumerate(values):
            if as_part(value) in seen:
                report((name, number), Flaw(Code.BAD_COMBINATION, f"`{name}` has the value {as_part(value)} twice"))
            seen.add(as_part(value))
    for pointer, value in placed:
        if isinstance(value, str) and is_template(value):
            continue  # a finding already
        if (flaw := id_part_flaw(as_part(value))) is not None:
            report(pointer, flaw)


class _ByValue:
    """Finds combinations by their values, in a time that does not grow with those that have others.

    Args:
        made: The product of the axes.
        axes: Their names.
    """

    def __init__(self, made: Sequence[Mapping[str, Any]], axes: Iterable[str]) -> None:
        self._all = range(len(made))
        self._indices: dict[tuple[str, bool, Any], set[int]] = defaultdict(set)
        for name in axes:
            for index, combination in enumerate(made):
                self._indices[_exact(name, combination[name])].add(index)

    def matching(self, wanted: Mapping[str, Any]) -> Collection[int]:
        """The indices of the combinations that have these values of axes."""
        if any(isinstance(value, list | dict) for value in wanted.values()):
            return ()  # no axis has such a value
        found = [self._indices.get(_exact(name, value), set()) for name, value in wanted.items()]
        return set.intersection(*sorted(found, key=len)) if found else self._all


def _exact(name: str, value: Any) -> tuple[str, bool, Any]:
    # 1 and true are equal in Python and different in a manifest.
    return name, isinstance(value, bool), value


def _exclude(
    made: list[dict[str, Any]], axes: Mapping[str, Any], excludes: list[Any], report: Callable[[Pointer, Flaw], None]
) -> list[dict[str, Any]]:
    by_value = _ByValue(made, axes if excludes else ())
    gone: set[int] = set()
    for number, wanted in enumerate(excludes):
        unknown = [name for name in wanted if name not in axes]
        for name in unknown:
            flaw = Flaw(
                Code.BAD_COMBINATION, f"`exclude` names `{name}`, which is no axis", hint=suggestion(name, axes)
            )
            report(("exclude", number, name), flaw)
        if not unknown:
            found = by_value.matching(wanted)
            if gone.issuperset(found):
                report(("exclude", number), Flaw(Code.BAD_COMBINATION, "`exclude` leaves out no combination"))
            gone.update(found)
    return [combination for index, combination in enumerate(made) if index not in gone]


def _include(
    made: list[dict[str, Any]], axes: Mapping[str, Any], includes: list[Any], report: Callable[[Pointer, Flaw], None]
) -> list[tuple[Pointer, dict[str, Any]]]:
    """Adds values to the combinations, in place; returns those that are new, each with its pointer.

    Source: GitHub Actions, "Expanding or adding matrix configurations": an include never overwrites an original value, may overwrite
    what an earlier include added, and is a new combination when it can be added to none of the original ones.
    """
    by_value = _ByValue(made, axes if includes else ())
    added: list[tuple[Pointer, dict[str, Any]]] = []
    count = 0
    for number, extra in enumerate(includes):
        fits = by_value.matching({name: value for name, value in extra.items() if name in axes})
        count += len(fits) * len(extra)
        if count > _MOST_ADDED:
            text = f"`include` adds more than {_MOST_ADDED:,} values to combinations; let rows of `foreach` hold them"
            report(("include", number), Flaw(Code.BAD_COMBINATION, text))
            break
        for index in fits:
            made[index].update(extra)
        if not fits:
            added.append((("include", number), dict(extra)))
    return added


def _with_parts(
    made: list[tuple[Pointer, dict[str, Any]]], axes: Mapping[str, Any], report: Callable[[Pointer, Flaw], None]
) -> list[Combination]:
    found: dict[tuple[str, ...], Combination] = {}
    for at, values in made:
        order = [name for name in axes if name in values] + ([] if axes else list(values))
        parts = tuple(as_part(values[name]) for name in order)
        if not parts:
            text = "there is no combination that this could be added to, and it has no value of any axis for one of its own"
            report(at, Flaw(Code.BAD_COMBINATION, text))
        elif parts not in found:
            found[parts] = Combination(Matrix(values), parts)
        elif at:  # else it is of the product, where an axis has a value twice: a finding already
            report(at, Flaw(Code.BAD_COMBINATION, f"two combinations have the same id: {'/'.join(parts)}"))
    if not made:
        report((), Flaw(Code.BAD_COMBINATION, "the matrix has no combination, so this makes no jobs"))
    return list(found.values())


def as_part(value: Any) -> str:
    """A value as a part of an id: text as it is, true and false as YAML writes them, numbers in their shortest form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
