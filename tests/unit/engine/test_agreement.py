"""Whatever happens, the sum that a run keeps is the ledger's, and no budget is exceeded: checked before every commit of many random campaigns."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.core import events
from runner.core.answers import Ended, Ready
from runner.core.ledger import changes, line_of
from runner.core.money import Budget, Price
from runner.core.plan import Action, FileState
from runner.core.spec import Limits, Timeouts
from runner.engine.submit import new_job
from runner.engine.worklist import Work
from tests.unit.engine.api import LOST, TAKES, TAKES_AND_DIES, Api, complaint, failed, unsent
from tests.unit.engine.own_ids import ById, Knowing, KnowingApi
from tests.unit.engine.speech import DAY_S, SPEECH, Speech, speaking, speech, with_speech
from tests.unit.engine.virtual_time import EPOCH
from tests.unit.engine.world import World, spec, specs, usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pytest

    from runner.core.answers import Exchange, QueryAnswer, Reply, Request
    from runner.core.ports import Move
    from runner.core.spec import JobSpec
    from runner.engine.run import Run
    from runner.engine.treasury import Purse, Treasury

ANSWERS: list[Exchange | str] = [TAKES, TAKES_AND_DIES, LOST, unsent(), complaint(400), complaint(429), complaint(500)]
MIDNIGHT = 6400.0
"""Virtual seconds at which the first day ends."""


@dataclass(frozen=True)
class Toll(Knowing):
    """An operation that may name its cost, and does not charge for failures.

    Args:
        cost: What each task is said to cost; None where the API does not say.
    """

    cost: str | None = None

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, with its cost."""
        match Knowing.read_query(self, reply, inputs):
            case Ready() as ready if self.cost is not None:
                return replace(ready, actual=usd(self.cost))
            case Ended() as ended:
                return replace(ended, charged=False)
            case answer:
                return answer


class Tolerant(KnowingApi):
    """Takes recordings, too, which carry no id of ours."""

    async def post(self, request: Request) -> Exchange:
        """Take it."""
        knows = "own" in json.loads(request.body or b"{}")
        return await (KnowingApi.post(self, request) if knows else Api.post(self, request))


def cents(most: int) -> st.SearchStrategy[Decimal]:
    """An amount."""
    return st.integers(0, most).map(lambda number: Decimal(number) / 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A run that is stopped, a pause, and two runs under budgets.

    Args:
        knows: Whether lost submissions can be looked up.
        by_second: Whether avatars are priced by the second.
        prices: In the first run (None: unknown) and in those after it.
        cost: What the API says that a task cost.
        limit: For the whole campaign.
        limit_a_day: Likewise for a day; None without.
        in_flight: Tasks at once.
        script: What submissions meet.
        losers: Jobs that fail.
        missing: Jobs whose file goes missing in the pause.
        imported: What is reserved for a task of another machine; None for nothing.
        begins: Virtual seconds at which the first run begins.
        stopped_after: Seconds after which it is stopped.
        pause: Seconds until the next.
    """

    knows: bool
    by_second: bool
    prices: tuple[Decimal | None, Decimal]
    cost: str | None
    limit: Decimal
    limit_a_day: Decimal | None
    in_flight: int
    script: list[int]
    losers: set[int]
    missing: set[int]
    imported: Decimal | None
    begins: float
    stopped_after: float
    pause: float

    @property
    def jobs(self) -> list[JobSpec]:
        """A recording, two that speak it, a task of another machine, and plain jobs."""
        plain = specs(7, duration_s=10.0)
        return [*plain[:3], speech(), speaking("anna"), speaking("ben"), spec("far", duration_s=10.0), *plain[3:]]

    @property
    def budgets(self) -> list[Budget]:
        """One or two."""
        a_day = [] if self.limit_a_day is None else [Budget(usd(str(self.limit_a_day)), per_day=True)]
        return [Budget(usd(str(self.limit))), *a_day]

    def priced(self, price: Decimal | None) -> dict[str, Price]:
        """The price list of a run."""
        if price is None:
            return {}
        avatar = Price(per_second=price / 10) if self.by_second else Price(per_job=price)
        return {"avatar": avatar, "speech": Price(per_job=price / 2)}


SCENES = st.builds(
    Scene,
    knows=st.booleans(),
    by_second=st.booleans(),
    prices=st.tuples(st.none() | cents(40), cents(40)),
    cost=st.none() | cents(30).map(str),
    limit=cents(300),
    limit_a_day=st.none() | cents(150),
    in_flight=st.integers(1, 6),
    script=st.lists(st.sampled_from(range(len(ANSWERS))), max_size=10),
    losers=st.sets(st.integers(0, 6), max_size=2),
    missing=st.sets(st.integers(0, 6), max_size=4),
    imported=st.none() | cents(40),
    begins=st.sampled_from([0.0, MIDNIGHT - 20.0, MIDNIGHT - DAY_S]),
    stopped_after=st.floats(0.5, 100.0),
    pause=st.sampled_from([1.0, MIDNIGHT - 80.0, DAY_S, 31 * DAY_S]),
)


@dataclass(slots=True)
class Audit:
    """Compares what a run counts with the ledger, before each commit and at the end.

    Args:
        run: The run.
        first_day: When it began.
        opened: What counted then, by budget.
        excess: How much more tasks have cost than was reserved or assumed for them.
    """

    run: Run
    first_day: datetime
    opened: list[Decimal] = field(init=False)
    excess: Decimal = Decimal(0)
    checks: int = 0

    def __post_init__(self) -> None:
        """Note what counts at first."""
        self.opened = [purse.spent(self._days[0]) for purse in self.treasury.purses]

    @property
    def treasury(self) -> Treasury:
        """What is held against the ledger."""
        return self.run.ctx.treasury

    @property
    def _days(self) -> list[str]:
        return [f"{self.first_day + timedelta(days=number):%Y-%m-%d}" for number in range(2)]

    def before(self, move: Move) -> None:
        """Check, then foresee what the move costs beyond expectation."""
        self.check()
        line = line_of(move.before)
        for change in changes(move):
            if line is not None and change.amount is not None and isinstance(move.events[-1], events.TaskReady):
                known = self.treasury.assumed.get(((move.before.id, move.before.fingerprint), line.attempt), line)
                expected = Decimal(0) if known.amount is None else known.amount.amount
                self.excess += max(Decimal(0), change.amount.amount - expected)

    def check(self) -> None:
        """The sums agree, and every budget holds."""
        self.checks += 1
        for purse, opened in zip(self.treasury.purses, self.opened, strict=True):
            for day in self._days if purse.budget.per_day else self._days[:1]:
                assert purse.spent(day) == self._ledger(purse, day) + self._assumed(purse, day)
                known = opened if day == self._days[0] else Decimal(0)
                assert purse.spent(day) <= max(purse.budget.limit.amount, known) + self.excess

    def _ledger(self, purse: Purse, day: str) -> Decimal:
        charges = self.run.ctx.store.spent(day=day if purse.budget.per_day else None)
        return sum((charge.amount for charge in charges), Decimal(0))

    def _assumed(self, purse: Purse, day: str) -> Decimal:
        lines = [line for line in self.treasury.assumed.values() if not purse.budget.per_day or line.day == day]
        return sum((line.amount.amount for line in lines if line.amount is not None), Decimal(0))


def stage(scene: Scene, world: World) -> None:
    """Set the world up, with a task that another machine has submitted."""
    world.api = Tolerant(world.say)
    world.apis = dict.fromkeys(world.accounts, world.api)
    with_speech(world)
    own_ids = ById() if scene.knows else None
    world.operations = {SPEECH: Speech(), "digital-human/avatar": Toll(own_ids=own_ids, cost=scene.cost)}
    world.change(
        limits=Limits(in_flight=scene.in_flight, submits_per_minute=6000.0),
        timeouts=Timeouts(submit_s=5.0, lookup_s=(1.0, 3.0)),
        prices=scene.priced(scene.prices[0]),
    )
    world.api.posts_script["*"] = [ANSWERS[number] for number in scene.script]
    plain = specs(7)
    for place in scene.losers:
        world.api.results[plain[place].id] = failed()
    world.now = scene.begins
    world.api.tasks["t-far"] = ("far", world.now - 10.0, world.now + 30.0)
    far = next(job for job in scene.jobs if job.id == "far")
    world.live(new_job(Work(0, far, Action.CREATE, is_new=True)), *_import(scene, EPOCH + world.now - 10.0))


def _import(scene: Scene, at: float) -> tuple[events.Event, ...]:
    intent = events.SubmitStarted(
        at=at,
        external_id="far-1",
        request_sha256="",
        request=None,
        reserved=None if scene.imported is None else usd(str(scene.imported)),
        output_stem="far",
    )
    return intent, events.TaskFound(at=at, task_id="t-far")


@settings(
    max_examples=30,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(scene=SCENES)
def test_the_treasury_and_the_ledger_agree(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stops, doubts, look-ups, midnight, other prices, tasks without reservation, imports, renewals, lost files: the sums agree, the budgets hold."""
    world = World(tmp_path_factory.mktemp("agree"))
    stage(scene, world)
    audits: list[Audit] = []
    world.breaks = lambda move: audits[-1].before(move)  # noqa: PLW0108  there is none yet

    def begin(run: Run) -> None:
        audits.append(Audit(run, datetime.fromtimestamp(EPOCH + world.now, UTC)))

    def begin_and_stop(run: Run) -> None:
        begin(run)
        asyncio.get_running_loop().call_later(scene.stopped_after, run.stop, "signal")

    if scene.prices[0] is not None:
        world.budgets = scene.budgets
    world.on_start = begin_and_stop
    _perform(world, scene.jobs)
    for place in scene.missing:
        world.home.lost[f"hello/{place:03d}.mp4"] = FileState.MISSING
    world.now += scene.pause
    world.budgets = scene.budgets
    world.change(prices=scene.priced(scene.prices[1]))
    world.on_start = begin
    for _ in range(2):
        _perform(world, scene.jobs)
        audits[-1].check()
    assert sum(audit.checks for audit in audits) > len(audits)


def _perform(world: World, jobs: list[JobSpec]) -> None:
    outcome = world.run(jobs)
    if outcome.fatal is not None:
        raise outcome.fatal
