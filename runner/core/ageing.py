"""Outputs that may be used for a time only: a provider forgets them, as Kling forgets a sound 30 days after it was made.

Age counts from the submission of the job that gave the output: the provider cannot have made it earlier. Of a task that was paid elsewhere and
taken over, that is when the provider took it, where its list says so. A state that was built from the lock file has not seen the submission;
there it counts from when the result was first seen, which is minutes later.
"""

from __future__ import annotations

from math import inf, isinf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.plan import Standing

_MARGIN_S: Final = 12 * 3600.0
"""A run that decides to use an output may submit the job that uses it only at its end, and a run may last a night."""

_MARGIN_PART: Final = 0.1
"""Of a short time not all may be margin, or the output would be made again for every run."""

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0


def margin_s(most_s: float) -> float:
    """How long before its end an output is made again rather than used by a run that begins now.

    Args:
        most_s: Seconds that it may be used.
    """
    return min(_MARGIN_S, most_s * _MARGIN_PART)


def age_s(job: Job | Standing, now: float) -> float:
    """How old the outputs of a delivered job are, in seconds; infinite where the state knows no time of it at all.

    Args:
        job: The job.
        now: Unix seconds.
    """
    since = job.submitted_at if job.submitted_at is not None else job.ready_at
    return inf if since is None else now - since


def too_old(age: float, most_s: float, user: str) -> str:
    """Why outputs are not used any more, e.g. `its outputs are 31 days old, and `hello` takes none older than 30 days`.

    Args:
        age: Theirs, in seconds.
        most_s: Seconds that they may be used.
        user: Id of the job that would use them.
    """
    if isinf(age):
        how_old = "are of unknown age"
    elif age < most_s:
        how_old = f"will soon be {_stretch(most_s)} old"
    else:
        how_old = f"are {_stretch(age)} old"
    return f"its outputs {how_old}, and `{user}` takes none older than {_stretch(most_s)}"


def _stretch(seconds: float) -> str:
    """Whole days, or hours below two days."""
    number, unit = (seconds / _DAY_S, "day") if seconds >= 2 * _DAY_S else (seconds / _HOUR_S, "hour")
    return f"{int(number)} {unit}{'' if int(number) == 1 else 's'}"
