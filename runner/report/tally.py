"""How far a run is, kept up to date from its notices: figures for the heartbeat and the live view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from runner.core.job import State
from runner.core.money import Money
from runner.core.notices import JobMoved, JobProgress, RunStarted, SlowedDown, Waiting
from runner.report.moves import is_settled

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.notices import Notice


@dataclass(slots=True)
class ActiveJob:
    """A job that the run is working on.

    Args:
        job: As it stands.
        since: Unix seconds of its submission, or of the first notice about it.
        progress: 0 to 1; None when unknown.
        note: Words about its progress, or None.
        again_at: Unix seconds until which it waits before it tries again; None when it does not.
        reason: Why it waits.
    """

    job: Job
    since: float
    progress: float | None = None
    note: str | None = None
    again_at: float | None = None
    reason: str = ""


@dataclass(slots=True)
class AccountTally:
    """How far an account is.

    Args:
        jobs: Jobs with work.
        settled: How many of them are settled.
        limit: Tasks at a time, as lowered or raised.
        is_slowed: Whether it was asked to slow down.
    """

    jobs: int = 0
    settled: int = 0
    limit: int = 0
    is_slowed: bool = False


@dataclass(slots=True)
class Tally:
    """Counts of one run; holds only the jobs at work, of which the limits allow few."""

    started_at: float | None = None
    work: int = 0
    counts: Counter[State] = field(default_factory=Counter)
    accounts: dict[str, AccountTally] = field(default_factory=dict)
    active: dict[str, ActiveJob] = field(default_factory=dict)
    _spent: dict[str, Decimal] = field(default_factory=dict)

    def notify(self, notice: Notice) -> None:
        """Take a notice into account."""
        match notice:
            case RunStarted():
                self._start(notice)
            case JobMoved():
                self._move(notice)
            case JobProgress():
                entry = self._entry(notice.job, notice.at)
                entry.progress, entry.note = notice.progress, notice.note
            case Waiting():
                entry = self._entry(notice.job, notice.at)
                entry.again_at, entry.reason = notice.at + notice.wait_s, notice.reason
            case SlowedDown():
                account = self.accounts.setdefault(notice.account, AccountTally())
                account.limit, account.is_slowed = notice.limit, True
            case _:
                pass

    @property
    def settled(self) -> int:
        """Jobs that this run has nothing more to do for."""
        return self.counts.total()

    @property
    def spent(self) -> list[Money]:
        """What settled jobs cost as far as it is known, by currency."""
        return [Money(amount, currency) for currency, amount in sorted(self._spent.items())]

    @property
    def reserved(self) -> list[Money]:
        """What is set aside for jobs at work, by currency."""
        sums: dict[str, Decimal] = {}
        for entry in self.active.values():
            money = entry.job.reserved
            if money is not None:
                sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
        return [Money(amount, currency) for currency, amount in sorted(sums.items())]

    def on_account(self, account: str) -> int:
        """How many jobs of an account are at work."""
        return sum(entry.job.account == account for entry in self.active.values())

    def left_s(self, now: float) -> float | None:
        """Seconds that the rest will take at the pace so far; None before a tenth (and three jobs) are settled."""
        enough = max(3, self.work // 10)
        if self.started_at is None or self.settled < enough or self.settled >= self.work:
            return None
        return (now - self.started_at) / self.settled * (self.work - self.settled)

    def _start(self, notice: RunStarted) -> None:
        self.started_at = notice.at
        self.work = sum(notice.jobs_by_account.values())
        for name, jobs in notice.jobs_by_account.items():
            self.accounts[name] = AccountTally(jobs=jobs, limit=notice.accounts.get(name, 0))

    def _move(self, notice: JobMoved) -> None:
        job = notice.job
        if notice.was is State.IN_DOUBT and not is_settled(job.state):
            self._count(job, State.IN_DOUBT, -1)
        if is_settled(job.state):
            self.active.pop(job.id, None)
            self._count(job, job.state, 1)
            if job.actual is not None:
                sum_ = self._spent.get(job.actual.currency, Decimal(0))
                self._spent[job.actual.currency] = sum_ + job.actual.amount
        elif job.state is State.PENDING:
            self.active.pop(job.id, None)
        else:
            entry = self._entry(job, notice.at)
            entry.job, entry.again_at = job, None

    def _count(self, job: Job, state: State, step: int) -> None:
        """Count a settled job, unless an earlier run left it in doubt and it was never counted here."""
        if step < 0 and not self.counts[state]:
            return
        self.counts[state] += step
        account = self.accounts.setdefault(job.account, AccountTally())
        account.settled = max(0, account.settled + step)

    def _entry(self, job: Job, at: float) -> ActiveJob:
        entry = self.active.get(job.id)
        if entry is None:
            since = at if job.submitted_at is None else job.submitted_at
            entry = self.active[job.id] = ActiveJob(job, since)
        return entry
