"""The combinations of a matrix, in the order written, with `include` and `exclude` as in GitHub Actions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.paths import id_part_flaw
from runner.manifest.template_sandbox import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.manifest.inputs import Pointer

_MOST_COMBINATIONS: Final = 100_000


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
    return _with_parts(_include(made, axes, matrix.get("include", [])), axes, report)


def _check_values(axes: Mapping[str, Any], includes: list[Any], report: Callable[[Pointer, Flaw], None]) -> None:
    """Every value of an axis is a part of an id."""
    placed: list[tuple[Pointer, Any]] = [
        ((name, at), it) for name, values in axes.items() for at, it in enumerate(values)
    ]
    for at, extra in enumerate(includes):
        placed += [(("include", at, name), value) for name, value in extra.items() if name in axes or not axes]
    for pointer, value in placed:
        if (flaw := id_part_flaw(as_part(value))) is not None:
            report(pointer, flaw)


def _agrees(combination: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # 1 and true are equal in Python and different in a manifest.
    return all(name in combination and _same(combination[name], value) for name, value in wanted.items())


def _same(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _exclude(
    made: list[dict[str, Any]], axes: Mapping[str, Any], excludes: list[Any], report: Callable[[Pointer, Flaw], None]
) -> list[dict[str, Any]]:
    for number, wanted in enumerate(excludes):
        unknown = [name for name in wanted if name not in axes]
        for name in unknown:
            flaw = Flaw(
                Code.BAD_COMBINATION, f"`exclude` names `{name}`, which is no axis", hint=did_you_mean(name, axes)
            )
            report(("exclude", number, name), flaw)
        if not unknown:
            left = [combination for combination in made if not _agrees(combination, wanted)]
            if len(left) == len(made):
                report(("exclude", number), Flaw(Code.BAD_COMBINATION, "`exclude` leaves out no combination"))
            made = left
    return made


def _include(made: list[dict[str, Any]], axes: Mapping[str, Any], includes: list[Any]) -> list[dict[str, Any]]:
    originals, added = [dict(combination) for combination in made], []
    for extra in includes:
        on_axes = {name: value for name, value in extra.items() if name in axes}
        fits = [index for index, original in enumerate(originals) if _agrees(original, on_axes)]
        for index in fits:
            made[index].update(extra)
        if not fits:
            added.append(dict(extra))
    return [*made, *added]


def _with_parts(
    made: list[dict[str, Any]], axes: Mapping[str, Any], report: Callable[[Pointer, Flaw], None]
) -> list[Combination]:
    found: dict[tuple[str, ...], Combination] = {}
    for values in made:
        order = [name for name in axes if name in values] + ([] if axes else list(values))
        parts = tuple(as_part(values[name]) for name in order)
        if not parts or parts in found:
            what = "/".join(parts) if parts else "no value of any axis"
            report(
                ("include",) if parts else (), Flaw(Code.BAD_COMBINATION, f"two combinations have the same id: {what}")
            )
            continue
        found[parts] = Combination(Matrix(values), parts)
    return list(found.values())


def as_part(value: Any) -> str:
    """A value as a part of an id: text as it is, true and false as YAML writes them, numbers in their shortest form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
