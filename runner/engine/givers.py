"""The jobs that give outputs to others, at the moment of a submission: how long what they gave lasts, and whether it may still be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.core.ageing import age_s, too_old
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.giving import has_given
from runner.engine.lengths import length_s

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.ports import Store
    from runner.core.spec import JobSpec
    from runner.engine.needs import Needs


_MOST_KNOWN: Final = 1000
"""Rows that are kept: one recording may serve thousands of jobs, each of which asks for it four times."""


_UNSENT: Final = "nothing was sent: "


class Unfit(Exception):
    """A job must not be sent with what the jobs that it needs have given.

    Args:
        failure: Why; what kind of failure it is says whether a next run mends it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Givers:
    """The needed jobs, asked for when they are done: after that their rows stay as they are for the rest of the run.

    Args:
        store: The state.
        needs: Knows which row of a needed job counts.
    """

    store: Store
    needs: Needs
    _known: dict[str, Job] = field(default_factory=dict)
    _unrenewed: dict[str, str] = field(default_factory=dict)
    """By job that was to be made again for its age: why it was not."""

    def note_unrenewed(self, job_id: str, why: str) -> None:
        """A delivered job was to be made again for its age, and nothing was sent for it.

        Args:
            job_id: The job.
            why: The reason, for those who need it young.
        """
        self._unrenewed[job_id] = why.removeprefix(_UNSENT)

    def row(self, job_id: str) -> Job | None:
        """The row of a needed job that has given its outputs, of the inputs that the manifest asks for; None when there is none."""
        row = self._known.get(job_id) or self._read(job_id)
        if row is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[job_id] = row
        return row

    def _read(self, job_id: str) -> Job | None:
        fingerprint = self.needs.fingerprint(job_id)
        rows = self.store.rows([job_id]).get(job_id, ())
        return next((row for row in rows if row.fingerprint == fingerprint and has_given(row)), None)

    def result_length_s(self, spec: JobSpec) -> float | None:
        """How long a job's result will last, in seconds: as what a needed job gave, or as its inputs tell; None when unknown."""
        if spec.lasts_as is None:
            return spec.duration_s
        row = self.row(spec.lasts_as)
        return None if row is None else length_s(row)

    def check(self, spec: JobSpec, now: float) -> None:
        """See that a job may be sent with what it is given.

        Args:
            spec: The job, its needs met.
            now: Unix seconds.

        Raises:
            Unfit: An output is too old, or lasts too long or too short.
        """
        for job_id, most_s in spec.ageing:
            self._check_age(job_id, most_s, spec.id, now)
        for job_id, least_s, longest_s in spec.lengths:
            self._check_length(job_id, least_s, longest_s)

    def _check_age(self, job_id: str, most_s: float, user: str, now: float) -> None:
        row = self.row(job_id)
        if row is not None and (age := age_s(row, now)) >= most_s:
            why = self._unrenewed.get(job_id)
            remedy = "the next run makes it again first" if why is None else f"it could not be made again: {why}"
            message = f"{_UNSENT}{too_old(age, most_s, user)} (`{job_id}`); {remedy}"
            raise Unfit(Failure(cause=Cause.NOT_ACCEPTED, code=Code.OUTPUT_TOO_OLD, message=message))

    def _check_length(self, job_id: str, least_s: float | None, most_s: float | None) -> None:
        row = self.row(job_id)
        lasts_s = None if row is None else length_s(row)
        if lasts_s is None or (least_s or 0.0) <= lasts_s <= (lasts_s if most_s is None else most_s):
            return
        taken = _bounds(least_s, most_s)
        message = f"{_UNSENT}what `{job_id}` gave lasts {lasts_s:g} s, and {taken} is taken"
        raise Unfit(Failure(cause=Cause.REFUSED, code=Code.OUTPUT_LENGTH, message=message))


def unpriced(spec: JobSpec) -> Unfit:
    """Why a job is not sent under a budget when its price has stayed unknown."""
    why = f"how long what `{spec.lasts_as}` gave lasts is not known" if spec.lasts_as else "its price is not known"
    message = f"{_UNSENT}a budget is set, and {why}, so neither is what it costs"
    return Unfit(Failure(cause=Cause.NOT_ACCEPTED, code=Code.UNPRICED, message=message))


def _bounds(least_s: float | None, most_s: float | None) -> str:
    if most_s is None:
        return f"{least_s:g} s and more"
    return f"at most {most_s:g} s" if least_s is None else f"{least_s:g} to {most_s:g} s"
