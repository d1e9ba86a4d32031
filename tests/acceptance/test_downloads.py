"""Results whose way home is rough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakeapi.script import FilePlan, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


def test_expired_address_is_asked_for_again(make_stage: Callable[..., Stage]) -> None:
    """A refused address leads to a fresh one from the same task, not to a create."""
    stage = make_stage(jobs=2)
    stage.script(always(accepted(file=FilePlan(expired_addresses=1))))
    stage.run()
    assert sorted(fetch.status for fetch in stage.ledger.fetches) == [200, 200, 403, 403]
    assert len(stage.ledger.creates) == 2


def test_cut_download_is_resumed(make_stage: Callable[..., Stage]) -> None:
    """A body that is cut is continued where it ended."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(file=FilePlan(padding_bytes=400_000, cuts=(150_000, 100_000)))))
    stage.run()
    assert [fetch.status for fetch in stage.ledger.fetches] == [200, 206, 206]
    starts = [fetch.start for fetch in stage.ledger.fetches]
    assert 0 == starts[0] < starts[1] < starts[2] <= 250_000


def test_cut_download_without_ranges(make_stage: Callable[..., Stage]) -> None:
    """A server without ranges serves the whole file again, and the file is whole."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(file=FilePlan(padding_bytes=400_000, cuts=(150_000,), has_ranges=False))))
    stage.run()
    assert [fetch.status for fetch in stage.ledger.fetches] == [200, 200]


def test_killed_download_is_resumed(make_stage: Callable[..., Stage]) -> None:
    """After a kill in the middle of a body the next run continues it, with `Range`."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(file=FilePlan(padding_bytes=4_000_000, pause_s=1.0))))
    running = stage.start()
    stage.server.wait_for(lambda ledger: bool(ledger.fetches) and ledger.fetches[0].sent > 0)
    _wait_for_part(stage)
    running.kill()
    running.wait().expect(-9)
    stage.run()
    assert [fetch.status for fetch in stage.ledger.fetches] == [200, 206]


def _wait_for_part(stage: Stage) -> None:
    stage.server.wait_for(lambda _ledger: any(path.stat().st_size > 1_000_000 for path in stage.places.parts()))


def test_damaged_file_is_fetched_by_the_next_run(make_stage: Callable[..., Stage]) -> None:
    """Bytes that do not play never get the final name: exit 1, and the next run fetches the same task's file again."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(file=FilePlan(noise=1))))
    stage.run(code=1)
    assert not stage.places.delivered()
    assert stage.reported() == {"failed": 1}
    stage.audit()
    stage.run()
    assert len(stage.ledger.creates) == 1


def test_private_address_is_refused(make_stage: Callable[..., Stage]) -> None:
    """A result on loopback is not fetched unless its origin is allowed; once it is, the next run fetches it."""
    stage = make_stage(jobs=1)
    allowed = stage.campaign.account["download_origins"]
    stage.campaign.account["download_origins"] = ["http://127.0.0.1:1"]
    stage.campaign.write()
    stage.run(code=1)
    assert not stage.ledger.fetches
    stage.campaign.account["download_origins"] = allowed
    stage.campaign.write()
    stage.run()
    assert len(stage.ledger.creates) == 1
