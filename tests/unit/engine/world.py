"""A whole run in virtual time: the engine and the state are real, the API and the disk are scripted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, cast

from runner.core.diagnostics import Span
from runner.core.job import OutputFile
from runner.core.ledger import day_of
from runner.core.money import Budget, Money, Price
from runner.core.plan import FileState
from runner.core.renames import Renames
from runner.core.selection import Selection
from runner.core.spec import Account, CredentialRef, JobSpec, Limits, PollBounds, Timeouts, Verify
from runner.engine.context import Context
from runner.engine.journal import Journal
from runner.engine.lane import Lane
from runner.engine.prepare import prepare
from runner.engine.pricing import expected_cost
from runner.engine.run import Outcome, Run
from runner.engine.survey import Scope
from runner.engine.treasury import Treasury
from runner.providers.registry import PROVIDERS
from runner.store.store import StateStore
from tests.unit.engine.api import Api
from tests.unit.engine.virtual_time import EPOCH, VirtualClock, VirtualLoop, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.core.diagnostics import Diagnostic
    from runner.core.events import Event
    from runner.core.job import Job
    from runner.core.notices import Notice
    from runner.core.plan import Standing
    from runner.core.ports import Move, NotDelivered, Operation, Order, Store, Traits
    from runner.engine.prepare import Prepared

USES = "digital-human/avatar"
MANIFEST = Span("spring.yaml", 1, 1)


def spec(job_id: str, *, needs: Sequence[str] = (), fingerprint: str = "f1", **fields: Any) -> JobSpec:
    """A job that says its own id."""
    inputs: dict[str, Any] = {
        "avatar_url": f"https://faces.example.com/{job_id}.png",
        "audio_url": "https://sounds.example.com/a.mp3",
    }
    facts: dict[str, Any] = {
        "id": job_id,
        "name": job_id.partition("/")[0],
        "uses": USES,
        "operation": "digital-human/avatar",
        "inputs": inputs,
        "fingerprint": fingerprint,
        "tags": (),
        "output": job_id,
        "verify": Verify.NONE,
        "needs": tuple(needs),
        "source": MANIFEST,
    }
    return JobSpec(**(facts | fields))


def specs(number: int, name: str = "hello", **fields: Any) -> list[JobSpec]:
    """Many jobs of one name."""
    return [spec(f"{name}/{index:03d}", **fields) for index in range(number)]


def make_account(**fields: Any) -> Account:
    """An account that takes four at a time and one submission a second."""
    facts: dict[str, Any] = {
        "name": "digital-human",
        "type": "digital-human",
        "base_url": "https://api.example.com/v1",
        "credential": CredentialRef(env="NO_SUCH_NAME"),
        "limits": Limits(in_flight=4, submits_per_minute=60.0, downloads=2),
        "poll": PollBounds(min_s=5.0, max_s=30.0, deadline_s=7200.0),
        "timeouts": Timeouts(),
        "source": MANIFEST,
    }
    return Account(**(facts | fields))


def usd(amount: str) -> Money:
    """An amount in dollars."""
    return Money(Decimal(amount), "USD")


@dataclass(slots=True)
class Sheet:
    """A campaign made of values."""

    specs: Iterable[JobSpec]
    accounts: Mapping[str, Account]
    folder: str
    name: str = "spring"
    path: str = "spring.yaml"
    sha256: str = "0" * 64
    output_dir: str = "outputs"
    budget: Budget | None = None
    moved: Renames = field(default_factory=Renames)
    lock_path: str | None = None
    ageing: Mapping[str, float] = field(default_factory=dict)

    def place(self, spec: JobSpec, at: tuple[str | int, ...]) -> Span:  # noqa: ARG002  all of a job comes from one line
        """Where the job is written."""
        return spec.source

    def jobs(self, report: Callable[[Diagnostic], None]) -> Iterator[JobSpec]:  # noqa: ARG002  nothing is wrong with them
        """Every job."""
        yield from self.specs


@dataclass(slots=True)
class WatchedStore:
    """The real state; notes every commit once it is durable, and breaks when told to.

    Args:
        store: The state.
        say: Takes (`commit`, `job id: event`).
        breaks: Says of a move whether the disk fails with it, and ever after.
        after_commit: Looks at the state after each.
    """

    store: StateStore
    say: Callable[[str, str], None]
    breaks: Callable[[Move], Exception | None] = lambda _move: None
    after_commit: Callable[[StateStore], object] = lambda _store: None
    broken: Exception | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self, move: Move) -> None:
        """Commit one by one: in a group, the order in which callers go on would depend on a thread."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with self.lock:
            self.broken = self.broken or self.breaks(move)
            if self.broken is not None:
                self.say("lost", f"{move.after.id}: {type(move.events[-1]).__name__}")
                raise self.broken
            await loop.in_thread(self.store.commit(move))
        self.after_commit(self.store)
        for event in move.events:
            self.say("commit", f"{move.after.id}: {type(event).__name__}")

    def __getattr__(self, name: str) -> Any:
        """Everything else is the state's own."""
        return getattr(self.store, name)


@dataclass(slots=True)
class Home:
    """Where the files go: a scripted `Delivery`.

    Args:
        say: Takes (`deliver` or `tidy`, job id).
        script: By job: what its deliveries meet, in order; after the last they succeed.
        transfer_s: Seconds that one takes.
        free: Bytes that are free.
        lost: Files that are missing or altered, by path.
    """

    say: Callable[[str, str], None] = lambda _what, _job: None
    script: dict[str, list[NotDelivered | BaseException]] = field(default_factory=dict)
    transfer_s: float = 2.0
    free: int = 10**12
    lost: dict[str, FileState] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def deliver(self, order: Order) -> OutputFile | NotDelivered:
        """Bring a file home as the script says."""
        self.orders.append(order)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.transfer_s)
        finally:
            self.at_once -= 1
        script = self.script.get(order.job_id)
        if script:
            answer = script.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        self.say("deliver", order.job_id)
        return OutputFile(
            path=f"{order.stem}.mp4", sha256="ab" * 32, size_bytes=1000, mtime_ns=1, media_type="video/mp4"
        )

    def tidy(self, stem: str) -> None:
        """Note it."""
        self.say("tidy", stem)

    def look(self, output: OutputFile) -> FileState:
        """As the test says; unchanged otherwise."""
        return self.lost.get(output.path, FileState.UNCHANGED)

    async def recall(
        self,
        output: OutputFile,
        stem: str,
        replaces: tuple[str, ...] | None,  # noqa: ARG002  nothing stands in the way here
    ) -> OutputFile | None:
        """Put a file that is unchanged under another name."""
        if self.look(output) is not FileState.UNCHANGED:
            return None
        self.say("recall", f"{output.path} to {stem}")
        return replace(output, path=f"{stem}.mp4")

    def free_bytes(self) -> int:
        """As the test says."""
        return self.free

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(slots=True)
class Watch:
    """Takes notices."""

    notices: list[Notice]

    def notify(self, notice: Notice) -> None:
        """Keep one."""
        self.notices.append(notice)


class World:
    """Everything around a run, kept from one run to the next.

    Args:
        folder: An empty folder for the state.
        account: The one account, or several.
    """

    def __init__(self, folder: Path, *accounts: Account) -> None:
        self.folder = folder
        self.accounts = {account.name: account for account in accounts or (make_account(),)}
        self.log: list[tuple[str, str]] = []
        self.api = Api(self.say)
        self.apis = dict.fromkeys(self.accounts, self.api)
        self.home = Home(self.say)
        self.notices: list[Notice] = []
        self.budgets: list[Budget] = []
        self.ageing: dict[str, float] = {}
        self.now = 0.0
        self.breaks: Callable[[Move], Exception | None] = lambda _move: None
        self.operations: dict[str, Operation] = {
            operation.name: operation for operation in PROVIDERS["digital-human"].operations.values()
        }
        self.seed = 0
        self.after_commit: Callable[[StateStore], object] = lambda _store: None
        self.on_start: Callable[[Run], None] = lambda _run: None

    @property
    def account(self) -> Account:
        """The only account."""
        (account,) = self.accounts.values()
        return account

    @property
    def traits(self) -> dict[str, Traits]:
        """What may be relied on for the operations."""
        return {name: operation.traits for name, operation in self.operations.items()}

    def change(self, **fields: Any) -> None:
        """Change the only account."""
        self.accounts[self.account.name] = replace(self.account, **fields)

    def price(self, per_job: str) -> None:
        """Set what a job costs."""
        self.change(prices={"avatar": Price(per_job=Decimal(per_job))})

    def say(self, what: str, about: str) -> None:
        """Note what happened."""
        self.log.append((what, about))

    def run(
        self,
        jobs: Iterable[JobSpec],
        *,
        limit: int | None = None,
        selection: Selection | None = None,
        retry_failed: bool = False,
        budget: str | None = None,
    ) -> Outcome:
        """One run, from the survey to its end."""
        sheet = Sheet(jobs, self.accounts, str(self.folder), ageing=self.ageing)
        budgets = [*self.budgets, *([Budget(usd(budget))] if budget is not None else [])]
        scope = Scope(
            now=EPOCH + self.now,
            selection=selection or Selection(),
            retry_failed=retry_failed,
            traits=self.traits,
        )
        with self.open() as store:
            prepared = prepare(
                sheet,
                store,
                self.home,
                scope,
                folder=self.folder,
                has_budget=bool(budgets),
                can_look_up=self._can_look_up,
            )
            try:
                outcome, self.now = play(lambda: self._execute(store, prepared, budgets, limit), now=self.now)
            finally:
                prepared.worklist.close()
        return outcome

    async def _execute(
        self, store: StateStore, prepared: Prepared, budgets: Sequence[Budget], limit: int | None
    ) -> Outcome:
        watched = cast("Store", WatchedStore(store, self.say, self.breaks, self.after_commit))
        clock, watch = VirtualClock(), Watch(self.notices)
        expected = partial(expected_cost, self.accounts, "USD", prepared.lengths_s)
        treasury = Treasury.open(budgets, watched, today=day_of(clock.wall()), expected=expected)
        ctx = Context(
            manifest="spring",
            store=watched,
            delivery=self.home,
            clock=clock,
            observer=watch,
            journal=Journal(watched, watch, clock, treasury),
            treasury=treasury,
            limit=limit,
        )
        lanes = {
            name: Lane(account, self.apis[name], self.operations, Random(self.seed), currency="USD")
            for name, account in self.accounts.items()
        }
        run = Run(ctx, lanes, prepared)
        self.on_start(run)
        return await run.execute()

    def _can_look_up(self, row: Job | Standing) -> bool:
        operation = self.operations.get("digital-human/" + row.uses.partition("/")[2])
        return self.accounts[row.account].looks_up and operation is not None and operation.own_ids is not None

    def stop_at(self, second: float, by: str = "signal") -> None:
        """The next runs are told to stop so many seconds after they began."""

        def wait(run: Run) -> None:
            asyncio.get_running_loop().call_later(second, run.stop, by)

        self.on_start = wait

    # --- what is left behind ------------------------------------------------------------------------------------------

    def open(self) -> StateStore:
        """The state."""
        return StateStore.open(
            self.folder / "state", manifest_name="spring", manifest_path=str(self.folder / "spring.yaml")
        )

    def rows(self) -> dict[str, Job]:
        """The latest row of every job."""
        with self.open() as store:
            return {row.id: row for row in store.all_rows()}

    def states(self) -> dict[str, str]:
        """Where every job stands."""
        return {job_id: row.state.value for job_id, row in self.rows().items()}

    def story(self, job_id: str) -> list[str]:
        """The names of a job's events."""
        with self.open() as store:
            return [stored.type for stored in store.events(job_id)]

    def spent(self) -> str:
        """What the state says was spent or is reserved, in dollars."""
        with self.open() as store:
            return str(sum((charge.amount for charge in store.spent()), Decimal(0)))

    def told(self, kind: type[Notice]) -> list[Any]:
        """The notices of a kind."""
        return [notice for notice in self.notices if isinstance(notice, kind)]

    def live(self, job: Job, *story: Event) -> None:
        """Write a job's earlier life into the state."""

        async def write(store: StateStore) -> None:
            from runner.engine.journal import Journal  # noqa: PLC0415

            await Journal(store, Watch([]), VirtualClock()).move(job, *story)

        with self.open() as store:
            asyncio.run(write(store))
