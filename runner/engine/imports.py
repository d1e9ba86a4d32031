"""Taking over what was paid elsewhere: which tasks at a provider are jobs of a manifest, and how those jobs go on with them.

A task that carries our own id of an attempt (`runner.core.identity`) is that attempt, whichever machine has submitted it. Any other task
is a job's only because a person says so. Only jobs without a task of their own take one: what is paid already is never paid, or
delivered, in another's place.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.answers import Ended
from runner.core.identity import external_id
from runner.core.job import Job, State, advance
from runner.core.plan import Action
from runner.core.ports import Move
from runner.core.selection import Selection
from runner.engine.aftermath import doubt_of
from runner.engine.submit import new_job, reopening
from runner.engine.survey import select
from runner.engine.worklist import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic
    from runner.core.events import Event
    from runner.core.money import Money
    from runner.core.ports import ListedTask, Store, TaskList
    from runner.core.renames import Renames
    from runner.core.spec import Campaign, JobSpec


@dataclass(frozen=True, slots=True)
class Offer:
    """A task at a provider that may be a job's.

    Args:
        task_id: The provider's name for it.
        ended: Why it ended without a result; None for one that runs or has its result.
    """

    task_id: str
    ended: str | None = None


class Fate(Enum):
    """What becomes of a task that is a job's."""

    ATTACHED = "attached"
    """The job goes on with it."""
    KNOWN = "known"
    """The job has a task already, this one or another."""
    FAILED = "failed"
    """It has ended without a result, and the job may be submitted."""


@dataclass(frozen=True, slots=True)
class Match:
    """A job and a task that is its own.

    Args:
        spec: What is asked for.
        job: Where it stands; pending and never stored for one that the state does not know.
        offer: The task.
        own_id: Our own id of the attempt that the task is.
        fate: What becomes of it.
        tasks: How many of the offered tasks are attempts at the job.
    """

    spec: JobSpec
    job: Job
    offer: Offer
    own_id: str
    fate: Fate
    tasks: int = 1


def offer_of(task: ListedTask, task_list: TaskList) -> Offer:
    """A listed task as an offer. Whether it has failed does not depend on what was asked for, so nobody need know that."""
    answer = task_list.read_task(task, {})
    return Offer(task.task_id, answer.failure.message if isinstance(answer, Ended) else None)


def takes_task(job: Job) -> bool:
    """Whether a job has no task that was paid for, and may be given one."""
    match job.state:
        case State.PENDING | State.SKIPPED | State.IN_DOUBT:
            return True
        case State.SUBMITTING:  # a stored reply says more: the next run reads it
            return job.reply is None
        case State.FAILED:
            return job.task_id is None
        case _:
            return False


def job_of(spec: JobSpec, row: Job | None) -> Job:
    """Where a job stands; for one that the state does not know, the pending job that it would begin as."""
    return row if row is not None else new_job(Work(0, spec, Action.CREATE, is_new=True))


def matches(
    campaign: Campaign,
    store: Store,
    account: str,
    offers: Mapping[str, Offer],
    report: Callable[[Diagnostic], None],
) -> Iterator[Match]:
    """The jobs of an account whose tasks are among those offered, in manifest order, streamed.

    Args:
        campaign: The manifest.
        store: The state; read only.
        account: The account that has the tasks.
        offers: Tasks by our own ids.
        report: Takes findings; a job with an error is left out.
    """
    earlier = _EarlierIds(campaign.moved)
    for selected in select(campaign, store, Selection(), report):
        spec = selected.spec
        if spec.account != account or spec.obstacles:
            continue
        job = job_of(spec, selected.job)
        found = [
            (offer, own_id)
            for job_id in (spec.id, *earlier.of(spec.id))
            for offer, own_id in _attempts(campaign.name, job_id, job, offers)
        ]
        if found:
            yield _match(spec, job, found)


def _attempts(manifest: str, job_id: str, job: Job, offers: Mapping[str, Offer]) -> Iterator[tuple[Offer, str]]:
    """The offers that are attempts at a job, the latest first.

    Behind the job's own attempt only while tasks are found: a state that was lost has counted fewer than there were. A job that is made again
    because what it gave grew old has its earlier tasks behind it.
    """
    found = []
    for attempt in count(1 if job.output is None else job.attempt):
        own_id = job.external_id if attempt == job.attempt and job.external_id is not None else None
        own_id = own_id or external_id(manifest, job_id, job.fingerprint, attempt)
        if own_id in offers:
            found.append((offers[own_id], own_id))
        elif attempt >= job.attempt:
            break
    return reversed(found)


def _match(spec: JobSpec, job: Job, found: list[tuple[Offer, str]]) -> Match:
    offer, own_id = next((each for each in found if each[0].ended is None), found[0])
    fate = Fate.ATTACHED if offer.ended is None else Fate.FAILED
    return Match(spec, job, offer, own_id, fate if takes_task(job) else Fate.KNOWN, len(found))


class _EarlierIds:
    """The ids that jobs had before their renames: a task that was submitted under one of them carries its id.

    Args:
        renames: The manifest's.
    """

    def __init__(self, renames: Renames) -> None:
        self._by_new: dict[str, list[str]] = defaultdict(list)
        for entry in renames.entries:
            self._by_new[entry.new].append(entry.old)

    def of(self, job_id: str) -> Iterator[str]:
        """All earlier ids of a job, the latest first; each once."""
        seen, open_ids = {job_id}, [job_id]
        while open_ids and self._by_new:
            now = open_ids.pop(0)
            for old in self._before(now):
                if old not in seen:
                    seen.add(old)
                    open_ids.append(old)
                    yield old

    def _before(self, job_id: str) -> Iterator[str]:
        parts = job_id.split("/")
        for length in range(len(parts), 0, -1):
            rest = parts[length:]
            for old in self._by_new.get("/".join(parts[:length]), ()):
                yield "/".join((old, *rest))


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word that a task is a job's.

    Args:
        who: The person, as `user@host`.
        why: On what grounds.
    """

    who: str
    why: str


def attachment(match: Match, *, at: float, reserved: Money | None, word: Word | None = None) -> Move:
    """How a job goes on with a task.

    Args:
        match: The job and the task; `takes_task` holds for the job.
        at: Unix seconds.
        reserved: What the task is expected to cost; None when unknown. A job in doubt has reserved it already.
        word: Who says so; None where the task carries our own id.

    Returns:
        The move to commit: to a running task whose money is reserved, as if this state had submitted it.
    """
    after = match.job
    story = tuple(_story(match, at, reserved, word))
    for event in story:
        after = advance(after, event)
    return Move(before=match.job, events=story, after=after)


def _story(match: Match, at: float, reserved: Money | None, word: Word | None) -> Iterator[Event]:
    job, task_id = match.job, match.offer.task_id
    if job.state not in (State.SUBMITTING, State.IN_DOUBT):
        yield from reopening(job, at)
        yield events.SubmitStarted(
            at=at,
            external_id=match.own_id,
            request_sha256="",  # whoever has sent it knows its bytes
            request=None,
            reserved=reserved,
            output_stem=match.spec.output,
        )
    if job.state is State.SUBMITTING and word is not None:
        yield events.SubmitLost(at=at, failure=doubt_of("the run ended before the reply was stored"))
    if job.state in (State.SUBMITTING, State.IN_DOUBT) and word is not None:
        yield events.Adopted(at=at, who=word.who, why=word.why, task_id=task_id)
    else:
        yield events.TaskFound(at=at, task_id=task_id)
