"""Writing a person's decision about jobs in doubt into the history."""

from __future__ import annotations

import asyncio
import getpass
import shlex
import socket
import time
from typing import TYPE_CHECKING

from runner.cli.opening import further_options, open_manifest, state_folder
from runner.cli.screen import say
from runner.cli.state import open_state
from runner.core import events
from runner.core.codes import Code
from runner.core.error_codes import ErrorCode
from runner.core.errors import DecisionRefused
from runner.core.events import Failure
from runner.core.job import Job, State, advance
from runner.core.ports import Move
from runner.store.lock import hold_lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.spec import Campaign
    from runner.store.store import StateStore


_MOST_TASK_ID_CHARS = 256


def record_decisions(
    manifest: str,
    jobs: Sequence[str],
    *,
    variables: Mapping[str, str],
    allow_files_outside: bool,
    sandbox: bool,
    adopt: str | None,
    resubmit: bool,
    abandon: bool,
    why: str,
) -> None:
    """Record the same decision for every job, in doubt all of them; none is recorded when one does not fit.

    Raises:
        DecisionRefused: A job is unknown or not in doubt; nothing was recorded.
        LockHeld: A run is at work.
        StorageFailed: It may not be durable.
    """
    campaign = open_manifest(manifest, variables=variables, allow_files_outside=allow_files_outside, sandbox=sandbox)
    with (
        hold_lock(state_folder(campaign), command=f"callsheet resolve {manifest}"),
        open_state(campaign, read_only=False) as store,
    ):
        doubts = [_in_doubt(store, campaign, job) for job in dict.fromkeys(jobs)]
        if adopt is not None:
            _check_adoption(store, doubts[0], adopt.strip())
        decision = _decision(adopt, why, resubmit=resubmit, abandon=abandon)
        asyncio.run(_commit(store, doubts, decision))
    for job in doubts:
        say(f"{job.id}: {_words(decision)}")
    options = further_options(variables, sandbox=sandbox, allow_files_outside=allow_files_outside)
    say(f"next: {shlex.join(['callsheet', 'run', manifest, *options])}")


async def _commit(store: StateStore, doubts: Sequence[Job], decision: events.Decision) -> None:
    await asyncio.gather(*(store.commit(_move(job, decision)) for job in doubts))


def _move(job: Job, decision: events.Decision) -> Move:
    steps: tuple[events.Event, ...] = (decision,)
    if job.state is State.SUBMITTING:
        failure = Failure(cause=None, code=Code.IN_DOUBT, message="the run ended before the reply was stored")
        steps = (events.SubmitLost(at=decision.at, failure=failure), decision)
    after = job
    for step in steps:
        after = advance(after, step)
    return Move(before=job, events=steps, after=after)


def _is_cut_off(row: Job) -> bool:
    """Whether a run died in the middle of its submission: with the lock in our hand nobody else works on it, so it is in doubt."""
    return row.state is State.SUBMITTING and row.reply is None


def _in_doubt(store: StateStore, campaign: Campaign, job_id: str) -> Job:
    rows = store.rows([job_id]).get(job_id, ())
    doubts = [row for row in rows if row.state is State.IN_DOUBT or _is_cut_off(row)]
    if doubts:
        return doubts[-1]
    known = f"it is {rows[-1].state.value}" if rows else "the state does not know it"
    raise DecisionRefused(
        f"`{job_id}` is not in doubt: {known}",
        next_step=f"callsheet status {campaign.path} --select state:in_doubt",
    )


def _check_adoption(store: StateStore, job: Job, task_id: str) -> None:
    """A task belongs to one job: adopting another's would deliver the wrong video without a word."""
    if not task_id.isprintable() or any(char.isspace() for char in task_id) or len(task_id) > _MOST_TASK_ID_CHARS:
        raise DecisionRefused(
            f"{task_id!r} is no task id",
            next_step="copy the id as the provider's console shows it",
            code=ErrorCode.TASK_REFUSED,
        )
    owner = next((row for row in store.all_rows() if row.task_id == task_id and row != job), None)
    if owner is not None:
        raise DecisionRefused(
            f"task {task_id} is that of job `{owner.id}` already",
            next_step="look for the task of this very job at the provider",
            code=ErrorCode.TASK_REFUSED,
        )


def _decision(adopt: str | None, why: str, *, resubmit: bool, abandon: bool) -> events.Decision:
    now, who = time.time(), who_types()
    if adopt is not None:
        return events.Adopted(at=now, who=who, why=why, task_id=adopt.strip())
    if resubmit:
        return events.Resubmitted(at=now, who=who, why=why)
    assert abandon
    return events.Abandoned(at=now, who=who, why=why)


def who_types() -> str:
    """The person at the keyboard, as `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _words(decision: events.Decision) -> str:
    match decision:
        case events.Adopted():
            return f"goes on with task {decision.task_id}"
        case events.Resubmitted():
            return "will be submitted again"
        case _:
            return "given up"
