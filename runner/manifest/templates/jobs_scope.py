"""`jobs` in templates: `jobs['anna-voice'].outputs.audio_id` gives a value that is known only when that job has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.core.references import OutputRef, marker
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean, suggestion
from runner.manifest.templates.late import LateValue
from runner.manifest.templates.sandbox import Lookup

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class JobShape:
    """What references need to know about the jobs of one name.

    Args:
        is_many: Whether it has `foreach` or `matrix`, so that its ids have further parts.
        outputs: The outputs of its operation; None when the operation is not known.
    """

    is_many: bool
    outputs: tuple[str, ...] | None


class Jobs(Lookup):
    """`jobs`: by id."""

    __slots__ = ("_shapes",)

    def __init__(self, shapes: Mapping[str, JobShape]) -> None:
        self._shapes = shapes

    def look(self, name: str) -> _Job:
        """The job of this id. Whether a row has that id shows when the rows are read."""
        block, _, rest = name.partition("/")
        shape = self._shapes.get(block)
        if shape is None:
            raise Flaw(Code.UNKNOWN_JOB, f"there is no job `{block}`", hint=suggestion(block, self._shapes))
        if shape.is_many and not rest:
            raise Flaw(Code.UNKNOWN_JOB, f"`{block}` makes many jobs", hint=f"name one of them: jobs['{block}/…']")
        if rest and not shape.is_many:
            raise Flaw(Code.UNKNOWN_JOB, f"there is no job `{name}`", hint=f"did you mean `{block}`?")
        return _Job(name, shape)


class _Job(Lookup):
    __slots__ = ("_id", "_shape")

    def __init__(self, job_id: str, shape: JobShape) -> None:
        self._id = job_id
        self._shape = shape

    def look(self, name: str) -> Outputs:
        if name != "outputs":
            raise Flaw(
                Code.UNKNOWN_OUTPUT, f"a job has no `{name}`; it has `outputs`", hint=did_you_mean(name, ("outputs",))
            )
        return Outputs(self._id, self._shape)


class Outputs(Lookup):
    """`jobs['x'].outputs`: by name."""

    __slots__ = ("_id", "_shape")

    def __init__(self, job_id: str, shape: JobShape) -> None:
        self._id = job_id
        self._shape = shape

    def look(self, name: str) -> LateValue:
        """An output: a marker (`runner.core.references`) that no template can read."""
        known = self._shape.outputs
        if known is not None and name not in known:
            raise Flaw(
                Code.UNKNOWN_OUTPUT,
                f"job `{self._id}` has no output `{name}`",
                hint=did_you_mean(name, known),
                notes=(f"its outputs: {', '.join(known)}",),
            )
        return LateValue(marker(OutputRef(self._id, name)))
