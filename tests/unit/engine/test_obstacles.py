"""Who is not made because somebody else is not, whatever the order of the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.core.events import Cause, Failure
from runner.core.job import Job, State
from runner.core.plan import Action, Decision
from runner.engine.obstacles import Obstacles
from runner.engine.survey import Surveyed
from tests.unit.engine.world import USES, spec

if TYPE_CHECKING:
    from collections.abc import Sequence


def row(job_id: str, state: State) -> Job:
    """A row of the state."""
    failure = Failure(cause=Cause.REFUSED, code="P201", message="no") if state is State.FAILED else None
    return Job(id=job_id, fingerprint="f1", uses=USES, operation=USES, state=state, failure=failure)


def job(job_id: str, *needs: str, action: Action = Action.CREATE, state: State | None = None) -> Surveyed:
    """A job and what was decided for it."""
    name = job_id.partition("/")[0]
    found = None if state is None else row(job_id, state)
    return Surveyed(spec(job_id, needs=needs, name=name), Decision(action, "because", found))


DOUBT = job("voice", action=Action.IN_DOUBT, state=State.IN_DOUBT)
FAILED = job("voice", action=Action.BLOCKED, state=State.FAILED)
GIVEN_UP = job("voice", action=Action.BLOCKED, state=State.CANCELLED)
NO_FILE = job("voice", action=Action.BLOCKED)
DONE = job("voice", action=Action.UP_TO_DATE, state=State.SUCCEEDED)


def told(entries: Sequence[Surveyed], missing: dict[str, str] | None = None) -> dict[str, str | None]:
    """What is said about each job, once all is known."""
    obstacles = Obstacles(missing or {})
    for _ in range(len(entries)):
        obstacles.is_stale = False
        said = {entry.spec.id: obstacles.of(entry) for entry in entries}
        if not obstacles.is_stale:
            return said
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (DOUBT, "waits for `voice`, which is in doubt"),
        (FAILED, "waits for `voice`, which failed"),
        (GIVEN_UP, "waits for `voice`, which was given up"),
        (NO_FILE, "waits for `voice`, which is blocked"),
        (DONE, None),
        (job("voice"), None),
    ],
)
@pytest.mark.parametrize("is_later", [False, True])
def test_a_dependant_says_what_it_waits_for(need: Surveyed, words: str | None, *, is_later: bool) -> None:
    """Whether the needed job stands before or after it."""
    entries = [need, job("after", "voice")]
    assert told(entries[::-1] if is_later else entries)["after"] == words


@pytest.mark.parametrize("is_later", [False, True])
def test_obstacles_go_down_a_chain(*, is_later: bool) -> None:
    """Each job names the one before it."""
    entries = [DOUBT, job("b", "voice"), job("c", "b"), job("d", "c")]
    said = told(entries[::-1] if is_later else entries)
    assert (said["c"], said["d"]) == ("waits for `b`, which is blocked", "waits for `c`, which is blocked")


@pytest.mark.parametrize("is_later", [False, True])
def test_of_many_one_is_enough(*, is_later: bool) -> None:
    """A need of all of a name names that one; a need of one of them looks at that one alone."""
    entries = [job("many/1"), job("many/2", action=Action.IN_DOUBT, state=State.IN_DOUBT), job("many/3")]
    waiting = [job("all", "many/*"), job("one", "many/1"), job("two", "many/2")]
    said = told([*waiting, *entries] if is_later else [*entries, *waiting])
    assert said["all"] == "waits for `many`, one of which is in doubt"
    assert (said["one"], said["two"]) == (None, "waits for `many/2`, which is in doubt")


def test_a_missing_credential_blocks_only_what_needs_it() -> None:
    """Its jobs that have work, and those that wait for them; what is up to date needs no credential."""
    missing = {"digital-human": "no credential"}
    entries = [DONE, job("new"), job("open", action=Action.REATTACH, state=State.RUNNING), job("after", "new", "voice")]
    said = told(entries, missing)
    assert said == {"voice": None, "new": "no credential", "open": "no credential", "after": "no credential"}
    assert Obstacles({"kling": "none"}).of(job("new")) is None
