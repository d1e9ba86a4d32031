"""Which tasks at a provider are jobs of a manifest, and how those jobs go on with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.core import events
from runner.core.answers import Reply
from runner.core.codes import Code
from runner.core.diagnostics import Diagnostic, Span
from runner.core.events import Cause, Failure
from runner.core.identity import external_id
from runner.core.job import Job, OutputFile, State
from runner.core.ports import ListedTask
from runner.core.renames import Rename, Renames
from runner.engine.imports import Fate, Match, Offer, Word, attachment, matches, offer_of
from tests.unit.engine.listing_api import Pages
from tests.unit.engine.world import MANIFEST, USES, Sheet, World, spec, specs, usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.core.events import Event
    from runner.core.spec import JobSpec

NOT_ACCEPTED = Failure(cause=Cause.NOT_ACCEPTED, code=Code.NOT_ACCEPTED, message="busy")
REFUSED = Failure(cause=Cause.REFUSED, code=Code.POLICY, message="no")
FAILED = Failure(cause=Cause.GENERATION, code=Code.GENERATION_FAILED, message="no face")
DOUBT = Failure(cause=None, code=Code.IN_DOUBT, message="lost")
REPLY = Reply(200, {}, b"{}")
VIDEO = OutputFile(path="anna.mp4", sha256="ab" * 32, size_bytes=1, mtime_ns=1, media_type="video/mp4")


def own_id(job_id: str = "anna", attempt: int = 1) -> str:
    """Our own id of an attempt at a job."""
    return external_id("spring", job_id, "f1", attempt)


def intent(attempt: int = 1, job_id: str = "anna") -> events.SubmitStarted:
    """A submission begins."""
    return events.SubmitStarted(
        at=1.0,
        external_id=own_id(job_id, attempt),
        request_sha256="",
        request=None,
        reserved=None,
        output_stem="anna",
    )


def pending(job_id: str = "anna") -> Job:
    """A row before anything happened."""
    return Job(id=job_id, fingerprint="f1", uses=USES, operation=USES)


ACCEPTED = events.Accepted(at=2.0, task_id="t-1")
READY = events.TaskReady(at=3.0, address="https://cdn.example.com/a.mp4")
DELIVERED = events.Delivered(at=4.0, output=VIDEO)

LIVES: dict[str, tuple[tuple[Event, ...], Fate]] = {
    "not sent": ((intent(), events.NotSent(at=2.0, reason="busy")), Fate.ATTACHED),
    "skipped": ((events.Skipped(at=1.0, failure=DOUBT),), Fate.ATTACHED),
    "given up": ((events.GaveUp(at=1.0, failure=NOT_ACCEPTED),), Fate.ATTACHED),
    "refused": ((intent(), events.Refused(at=2.0, failure=REFUSED)), Fate.ATTACHED),
    "cut off": ((intent(),), Fate.ATTACHED),
    "in doubt": ((intent(), events.SubmitLost(at=2.0, failure=DOUBT)), Fate.ATTACHED),
    "to be sent again": (
        (intent(), events.SubmitLost(at=2.0, failure=DOUBT), events.Resubmitted(at=3.0, who="me", why="")),
        Fate.ATTACHED,
    ),
    "replied to": ((intent(), events.ReplyReceived(at=2.0, reply=REPLY)), Fate.KNOWN),
    "running": ((intent(), ACCEPTED), Fate.KNOWN),
    "downloading": ((intent(), ACCEPTED, READY), Fate.KNOWN),
    "delivered": ((intent(), ACCEPTED, READY, DELIVERED), Fate.KNOWN),
    "failed": ((intent(), ACCEPTED, events.TaskFailed(at=3.0, failure=FAILED)), Fate.KNOWN),
    "abandoned": (
        (intent(), events.SubmitLost(at=2.0, failure=DOUBT), events.Abandoned(at=3.0, who="me", why="")),
        Fate.KNOWN,
    ),
}


def found(
    world: World, jobs: Iterable[JobSpec], offers: Mapping[str, Offer], *, moved: Renames | None = None
) -> list[Match]:
    """The matches of a manifest with these jobs."""
    sheet = Sheet(jobs, world.accounts, str(world.folder), moved=moved or Renames())
    with world.open() as store:
        return list(matches(sheet, store, "digital-human", offers, lambda _: None))


def attach(world: World, *, word: Word | None = None, created_at: float | None = None) -> Job:
    """Attach the task `t-9` to `anna` and read back where it stands."""
    (match,) = found(world, [spec("anna")], {own_id(): Offer("t-9", created_at=created_at)})
    with world.open() as store:
        asyncio.run(store.commit(attachment(match, at=9.0, reserved=usd("0.20"), word=word)))
    return world.rows()["anna"]


def test_a_job_that_the_state_does_not_know_goes_on_with_its_task(world: World) -> None:
    """As if this state had submitted it: the next run follows the task, and its price counts."""
    job = attach(world)
    assert (job.state, job.task_id, job.external_id, job.attempt) == (State.RUNNING, "t-9", own_id(), 1)
    assert (job.output_stem, world.spent()) == ("anna", "0.20")
    assert world.story("anna") == ["SubmitStarted", "TaskFound"]
    assert '"task_id":"t-9"' in (world.folder / "state" / "submissions.jsonl").read_text()
    world.api.tasks["t-9"] = ("anna", 0.0, 0.0)
    assert (world.run([spec("anna")]).states, world.api.posts) == ({State.SUCCEEDED: 1}, [])


@pytest.mark.parametrize("life", list(LIVES))
def test_only_jobs_without_a_task_of_their_own_take_one(world: World, life: str) -> None:
    """What was paid already is never put in another's place."""
    story, fate = LIVES[life]
    world.live(pending(), *story)
    (match,) = found(world, [spec("anna")], {own_id(): Offer("t-9")})
    assert match.fate is fate
    if fate is Fate.ATTACHED:
        assert (attach(world).state, attach_is_done(world)) == (State.RUNNING, True)


def attach_is_done(world: World) -> bool:
    """Whether a further import finds nothing to do."""
    (match,) = found(world, [spec("anna")], {own_id(): Offer("t-9")})
    return match.fate is Fate.KNOWN


@pytest.mark.parametrize(("life", "steps"), [("cut off", ["SubmitLost", "Adopted"]), ("in doubt", ["Adopted"])])
def test_a_person_s_word_about_a_doubt_is_kept(world: World, life: str, steps: list[str]) -> None:
    """Who said it, and on what grounds."""
    world.live(pending(), *LIVES[life][0])
    attach(world, word=Word("ann@host", "named in tasks.csv"))
    assert world.story("anna")[-len(steps) :] == steps
    with world.open() as store:
        *_, last = store.events("anna")
    assert "ann@host" in str(last)
    assert "tasks.csv" in str(last)


def test_the_latest_attempt_that_has_not_failed_counts(world: World) -> None:
    """A state that was lost knows of one attempt; the provider may have seen several."""
    offers = {
        own_id(attempt=1): Offer("t-1", ended="no face"),
        own_id(attempt=2): Offer("t-2"),
        own_id(attempt=3): Offer("t-3", ended="no face"),
        own_id(attempt=5): Offer("t-5"),
    }
    (match,) = found(world, [spec("anna")], offers)
    assert (match.offer.task_id, match.own_id, match.tasks) == ("t-2", own_id(attempt=2), 3)


def test_a_job_whose_tasks_all_failed_is_told(world: World) -> None:
    """With the latest; it may be submitted."""
    offers = {own_id(attempt=attempt): Offer(f"t-{attempt}", ended="no face") for attempt in (1, 2)}
    (match,) = found(world, [spec("anna")], offers)
    assert (match.fate, match.offer.task_id) == (Fate.FAILED, "t-2")


def test_a_job_that_is_made_again_for_its_age_leaves_its_earlier_task_behind(world: World) -> None:
    """That one was delivered, and is too old."""
    story = (intent(), ACCEPTED, READY, DELIVERED, events.Renewed(at=5.0))
    world.live(pending(), *story)
    assert found(world, [spec("anna")], {own_id(attempt=1): Offer("t-1")}) == []
    (match,) = found(world, [spec("anna")], {own_id(attempt=2): Offer("t-2")})
    assert match.fate is Fate.ATTACHED


def test_a_voice_that_is_made_again_leaves_its_earlier_task_behind_too(world: World) -> None:
    """It has no file, and was delivered all the same."""
    ready = replace(READY, address=None, outputs={"voice_id": "v-1"})
    lost = events.Refused(at=6.0, failure=REFUSED)
    again = (events.Renewed(at=5.0), replace(intent(2), external_id="own-2"), lost)
    world.live(pending(), intent(), ACCEPTED, ready, events.Delivered(at=4.0, output=None), *again)
    assert found(world, [spec("anna")], {own_id(attempt=1): Offer("t-1")}) == []


DOUBTS: dict[str, tuple[Event, ...]] = {"cut off": (), "in doubt": (events.SubmitLost(at=4.0, failure=DOUBT),)}
RESUBMITTED = (intent(), events.SubmitLost(at=2.0, failure=DOUBT), events.Resubmitted(at=3.0, who="me", why=""))


@pytest.mark.parametrize("doubt", list(DOUBTS))
@pytest.mark.parametrize(
    ("listed", "fate", "task_id"),
    [([1], Fate.KNOWN, "t-1"), ([2], Fate.ATTACHED, "t-2"), ([1, 2], Fate.ATTACHED, "t-2")],
)
def test_an_open_submission_takes_its_own_task_alone(
    world: World, doubt: str, listed: list[int], fate: Fate, task_id: str
) -> None:
    """Under the later id a task may be running that nobody has seen yet: an earlier attempt's does not stand for it."""
    world.live(pending(), *RESUBMITTED, intent(2), *DOUBTS[doubt])
    offers = {own_id(attempt=attempt): Offer(f"t-{attempt}") for attempt in listed}
    (match,) = found(world, [spec("anna")], offers)
    assert (match.fate, match.offer.task_id, match.tasks) == (fate, task_id, len(listed))


def test_the_task_of_a_renamed_job_is_not_given_to_the_next_of_that_name(world: World) -> None:
    """`greeting` was called `hello` when it was paid; the new `hello` asks for the same and is another job."""
    world.live(pending("greeting"), intent(job_id="hello"), ACCEPTED)
    (match,) = found(world, [spec("greeting"), spec("hello")], {own_id("hello"): Offer("t-1")})
    assert (match.spec.id, match.fate, match.tasks) == ("greeting", Fate.KNOWN, 1)


def test_a_task_with_two_names_counts_once(world: World) -> None:
    """The id that it was sent with is that of the job's earlier name, too."""
    world.live(pending("greeting"), intent(job_id="hello"))
    moved = Renames([Rename("hello", "greeting", MANIFEST)])
    (match,) = found(world, [spec("greeting")], {own_id("hello"): Offer("t-1")}, moved=moved)
    assert (match.fate, match.tasks) == (Fate.ATTACHED, 1)


@pytest.mark.parametrize(("created_at", "taken_at"), [(None, 9.0), (4.0, 4.0), (9.0, 9.0), (10.0, 9.0)])
def test_a_task_is_as_old_as_the_provider_says(world: World, created_at: float | None, taken_at: float) -> None:
    """What it gives may have grown old before anybody attached it; a clock that goes ahead makes nothing younger."""
    job = attach(world, created_at=created_at)
    assert (job.submitted_at, job.accepted_at) == (taken_at, taken_at)


@pytest.mark.parametrize(("created_at", "accepted_at"), [(None, 9.0), (4.0, 4.0), (0.5, 1.0)])
def test_a_submission_of_ours_is_as_old_as_it_is(world: World, created_at: float | None, accepted_at: float) -> None:
    """Its intent is known; the provider cannot have taken it earlier."""
    world.live(pending(), intent())
    job = attach(world, created_at=created_at)
    assert (job.submitted_at, job.accepted_at) == (1.0, accepted_at)


def test_what_was_taken_over_teaches_no_durations(world: World) -> None:
    """When its result was seen says when somebody looked."""
    attach(world)
    world.live(world.rows()["anna"], replace(READY, at=10.0))
    world.live(pending("ben"), intent(job_id="ben"), ACCEPTED, replace(READY, at=62.0))
    with world.open() as store:
        assert list(store.durations(USES, 50)) == [60.0]


def test_a_renewal_that_another_machine_has_paid_is_this_job_s(world: World) -> None:
    """It carries the task that it replaces in the place of a number; the next run finds it by that, and nothing is attached now."""
    world.live(pending(), intent(), ACCEPTED, READY, DELIVERED)
    renewal = external_id("spring", "anna", "f1", 7, replaces="t-1")
    (match,) = found(world, [spec("anna")], {renewal: Offer("t-2")})
    assert (match.fate, match.offer.task_id) == (Fate.KNOWN, "t-2")


@pytest.mark.parametrize(
    ("old", "moves"),
    [
        ("ann", [("ann", "anna")]),
        ("hello/1", [("hello", "anna")]),
        ("first/1", [("first", "second"), ("second", "anna")]),
        ("a", [("a", "b"), ("b", "anna"), ("anna", "a")]),
    ],
)
def test_a_task_carries_the_id_that_its_job_had(world: World, old: str, moves: list[tuple[str, str]]) -> None:
    """Under whatever name it was submitted, however often that changed."""
    job_id = "anna/1" if "/" in old else "anna"
    moved = Renames([Rename(one, other, MANIFEST) for one, other in moves])
    (match,) = found(world, [spec(job_id)], {own_id(old): Offer("t-9")}, moved=moved)
    assert (match.spec.id, match.own_id) == (job_id, own_id(old))


def test_a_task_of_other_inputs_is_nobody_s(world: World) -> None:
    """Our own id names what was asked for, too."""
    assert found(world, [spec("anna", fingerprint="f2")], {own_id(): Offer("t-9")}) == []


def test_jobs_of_other_accounts_are_left_alone(world: World) -> None:
    """An account's tasks are known to that account."""
    assert found(world, [spec("anna", uses="other/avatar")], {own_id(): Offer("t-9")}) == []


def test_a_job_that_lacks_a_file_is_left_alone(world: World) -> None:
    """What it asks for is not known."""
    lacking = replace(spec("anna"), obstacles=(Diagnostic(code="M501", message="no file", span=Span("a.yaml")),))
    assert found(world, [lacking], {own_id(): Offer("t-9")}) == []


def test_thousands_of_jobs_are_matched_in_order(world: World) -> None:
    """Those with a task are found among those without."""
    offers = {own_id(f"hello/{number:03d}"): Offer(f"t-{number}") for number in range(0, 3000, 7)}
    got = [match.offer.task_id for match in found(world, specs(3000), offers)]
    assert got == [f"t-{number}" for number in range(0, 3000, 7)]


@pytest.mark.parametrize(("status", "ended"), [("running", None), ("done", None), ("odd", None), ("failed", "no face")])
def test_only_a_task_that_has_failed_is_no_offer(status: str, ended: str | None) -> None:
    """One that runs, has its result, or of which the list does not say how it stands, may be worth following."""
    task = ListedTask(
        task_id="t-1", external_id=own_id(), body={"id": "t-1", "status": status, "address": None}, created_at=5.0
    )
    assert offer_of(task, Pages()) == Offer("t-1", ended, 5.0)
