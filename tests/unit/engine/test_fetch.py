"""Bringing results home: what a download can meet, and what becomes of the job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.answers import Ready
from runner.core.errors import StorageFailed
from runner.core.job import State
from runner.core.plan import FileState
from runner.core.ports import FetchProblem, NotDelivered
from runner.providers.digital_human import Avatar
from tests.unit.engine.api import Forever, complaint, done, failed
from tests.unit.engine.world import spec, specs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply
    from tests.unit.engine.world import World


def problem(kind: FetchProblem, retry_after_s: float | None = None) -> NotDelivered:
    """A delivery that did not succeed."""
    return NotDelivered(problem=kind, message="it did not come", retry_after_s=retry_after_s)


def code_of(world: World, job_id: str = "anna") -> str | None:
    """A job's failure."""
    failure = world.rows()[job_id].failure
    return failure.code if failure else None


def test_an_order_says_all_that_a_download_needs(world: World) -> None:
    """Path, trusted origins, kind of file and how far it is checked travel with the order."""
    world.change(base_url="https://api.example.com:8443/v1", download_origins=("http://127.0.0.1:9",))
    world.run([spec("anna", output="eu/anna")])
    (order,) = world.home.orders
    assert (order.stem, order.media, order.expects_audio) == ("eu/anna", "video", True)
    assert order.trusted_origins == ("https://api.example.com:8443", "http://127.0.0.1:9")
    assert order.address == "https://cdn.example.com/anna.mp4"


class AtTheApi(Avatar):
    """The digital human as if it served its videos itself."""

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """The real answer, a result's address exchanged for a path."""
        answer = super().read_query(reply, inputs)
        return replace(answer, address="/v1/videos/v-1/content") if isinstance(answer, Ready) else answer


def test_a_result_at_the_api_is_fetched_with_the_credential(world: World) -> None:
    """A path instead of an address lies below `base_url`, prefix and all, and the order names the account."""
    world.operations = {"digital-human/avatar": AtTheApi()}
    world.change(base_url="https://api.example.com:8443/prefix", download_origins=("http://127.0.0.1:9",))
    world.run([spec("anna")])
    (order,) = world.home.orders
    assert order.address == "https://api.example.com:8443/prefix/v1/videos/v-1/content"
    assert order.credential_of == "digital-human"
    assert "https://api.example.com:8443" in order.trusted_origins


def test_an_address_elsewhere_is_fetched_without_the_credential(world: World) -> None:
    """An address, even one below `base_url`, names no account: it may have come from anywhere."""
    world.change(base_url="https://cdn.example.com")
    world.run([spec("anna")])
    (order,) = world.home.orders
    assert (order.address, order.credential_of) == ("https://cdn.example.com/anna.mp4", None)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_expired_address_is_asked_for_again(world: World, times: int) -> None:
    """Up to three times the task is asked for a fresh address; nothing is paid again."""
    world.api.results["anna"] = done("anna", address="https://cdn.example.com/{name}.mp4?fresh")
    world.home.script["anna"] = [problem(FetchProblem.EXPIRED)] * times
    outcome = world.run([spec("anna")])
    assert outcome.states == {State.SUCCEEDED: 1}
    assert (len(world.home.orders), len(world.api.posts)) == (times + 1, 1)


def test_a_result_that_has_expired_for_good_needs_a_decision(world: World) -> None:
    """After the third fresh address the job fails with P401; only `--retry-failed` pays again."""
    world.home.script["anna"] = [problem(FetchProblem.EXPIRED)] * 4
    world.run([spec("anna")])
    assert (code_of(world), len(world.home.orders)) == ("P401", 4)
    assert world.run([spec("anna")]).submitted == 0
    assert world.run([spec("anna")], retry_failed=True).states == {State.SUCCEEDED: 1}
    assert len(world.api.posts) == 2


def test_a_task_that_ended_meanwhile_has_no_fresh_address(world: World) -> None:
    """When the task now says that it failed, its result is gone."""
    world.home.script["anna"] = [problem(FetchProblem.EXPIRED)]
    world.api.task_s = lambda _job: 1.0
    world.api.gets_script["anna"] = [done("anna"), failed()]
    world.run([spec("anna")])
    assert code_of(world) == "P401"


def test_an_api_that_gives_no_fresh_address_leaves_the_fetch_for_the_next_run(world: World) -> None:
    """A sick API does not make a paid result expired: the next run asks the same task."""
    world.home.script["anna"] = [problem(FetchProblem.EXPIRED)]
    world.api.task_s = lambda _job: 1.0
    world.api.gets_script["anna"] = Forever([done("anna"), complaint(502)])
    world.api.gets_script["anna"] = [done("anna"), *[complaint(502)] * 5]
    world.run([spec("anna")])
    assert code_of(world) == "P402"
    again = world.run([spec("anna")])
    assert (again.states, again.submitted) == ({State.SUCCEEDED: 1}, 0)


def test_an_unreachable_result_is_tried_again(world: World) -> None:
    """Five failures of the network and the sixth try brings it home."""
    world.home.script["anna"] = [problem(FetchProblem.UNREACHABLE)] * 5
    assert world.run([spec("anna")]).states == {State.SUCCEEDED: 1}


def test_an_unreachable_result_is_left_for_the_next_run(world: World) -> None:
    """After six tries the job fails; the next run downloads from the same task without paying."""
    world.home.script["anna"] = [problem(FetchProblem.UNREACHABLE)] * 6
    world.run([spec("anna")])
    assert code_of(world) == "P402"
    again = world.run([spec("anna")])
    assert (again.states, again.submitted, len(world.api.posts)) == ({State.SUCCEEDED: 1}, 0, 1)


def test_a_wish_of_the_cdn_is_honoured(world: World) -> None:
    """`Retry-After` of a CDN is waited for."""
    world.home.script["anna"] = [problem(FetchProblem.UNREACHABLE, retry_after_s=120.0)]
    world.run([spec("anna")])
    assert world.now > 60 + 120


@pytest.mark.parametrize(
    ("kind", "code"), [(FetchProblem.BLOCKED, "P403"), (FetchProblem.DAMAGED, "P404")], ids=["blocked", "damaged"]
)
def test_a_result_that_may_not_or_does_not_play_fails_at_once(world: World, kind: FetchProblem, code: str) -> None:
    """One try; the next run tries the same task again, and pays nothing."""
    world.home.script["anna"] = [problem(kind)]
    outcome = world.run([spec("anna")])
    assert (outcome.states, code_of(world), len(world.home.orders)) == ({State.FAILED: 1}, code, 1)
    again = world.run([spec("anna")])
    assert (again.states, again.submitted) == ({State.SUCCEEDED: 1}, 0)


def test_a_full_disk_ends_the_run_and_loses_nothing(world: World) -> None:
    """The storage failure is the run's outcome; the job is still downloading, and the next run ends it."""
    world.home.script["hello/000"] = [StorageFailed("the disk is full")]
    outcome = world.run(specs(12))
    assert isinstance(outcome.fatal, StorageFailed)
    assert world.rows()["hello/000"].state is State.DOWNLOADING
    assert len(world.api.posts) < 12
    assert world.run(specs(12)).states == {State.SUCCEEDED: 12}
    assert len(world.api.posts) == 12


@pytest.mark.parametrize("state", [FileState.MISSING, FileState.ALTERED])
def test_a_file_that_is_gone_is_fetched_again_from_the_paid_task(world: World, state: FileState) -> None:
    """No submission; the very same task is asked; what did not change is not touched."""
    world.run(specs(3))
    world.home.lost["hello/001.mp4"] = state
    world.api.gets.clear()
    outcome = world.run(specs(3))
    assert (outcome.states, outcome.submitted) == ({State.SUCCEEDED: 3}, 0)
    assert {job for _, job in world.api.gets} == {"hello/001"}
    assert len(world.home.orders) == 4


def test_downloads_come_first_and_submissions_last(world: World) -> None:
    """What is paid is brought home before more is bought."""
    world.run(specs(2))
    world.home.lost["hello/000.mp4"] = FileState.MISSING
    world.api.gets_script["hello/001"] = []
    world.log.clear()
    world.run([*specs(2), *specs(2, "new")])
    first_post = world.log.index(("post", "new/000"))
    assert world.log.index(("commit", "hello/000: Reopened")) < first_post


def test_many_lost_files_are_asked_for_a_few_at_a_time(world: World) -> None:
    """A hundred missing files do not become a hundred requests at once."""
    world.change(limits=world.account.limits.__class__(in_flight=4, submits_per_minute=60_000.0, downloads=2))
    world.api.task_s = lambda _job: 1.0
    jobs = specs(60)
    world.run(jobs)
    world.home.lost = {f"{job.id}.mp4": FileState.MISSING for job in jobs}
    world.api.gets.clear()
    world.api.get_s = 30.0
    assert world.run(jobs).states == {State.SUCCEEDED: 60}
    starts = sorted(at for at, _ in world.api.gets)
    at_once = max(sum(start <= moment < start + 30.0 for start in starts) for moment in starts)
    assert at_once <= 2 * 2 + 4
