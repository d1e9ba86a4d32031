"""A full disk, a lost state, a state from a backup: nothing is lost and nothing paid twice."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.api import Moment
from tests.fakeapi.script import ACCEPT, FilePlan, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stage import Stage

MIB = 1024 * 1024


class SmallDisk:
    """A tmpfs of a size that can grow.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, size_mib: int, *options: str) -> None:
        """Mount it, or with `remount` change its size; skips the test where that is not permitted."""
        words = ",".join([f"size={size_mib}m", *options])
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", words, "tmpfs", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip(f"a small disk needs the right to mount a tmpfs: {mounted.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 80 MiB."""
    disk = SmallDisk(tmp_path / "disk")
    disk.folder.mkdir()
    disk.mount(80)
    yield disk
    subprocess.run(["umount", str(disk.folder)], check=True)


def test_disk_with_too_little_room(small_disk: SmallDisk, make_stage: Callable[..., Stage]) -> None:
    """Nothing is bought that leaves less than 64 MiB: exit 74, what was bought is home, and with more room the run goes on."""
    stage = make_stage(jobs=8, in_flight=1, work=small_disk.folder)
    stage.script(always(accepted(file=FilePlan(padding_bytes=4 * MIB))))
    stage.run(code=74)
    bought = len(stage.ledger.creates)
    assert 1 <= bought < 8
    stage.audit()
    small_disk.mount(200, "remount")
    stage.run()
    assert len(stage.ledger.creates) == 8


def test_disk_that_is_full_from_the_start(small_disk: SmallDisk, make_stage: Callable[..., Stage]) -> None:
    """With no room at all nothing is sent: exit 74, and the next run, with room, does everything."""
    stage = make_stage(work=small_disk.folder)
    ballast = small_disk.folder / "ballast"
    ballast.write_bytes(bytes(79 * MIB))
    stage.run(code=74)
    assert not stage.ledger.creates
    ballast.unlink()
    small_disk.mount(200, "remount")
    stage.run()


def test_video_that_does_not_fit(make_stage: Callable[..., Stage]) -> None:
    """When a download hits a limit of the disk the run is exit 74; the next one fetches the paid tasks' files."""
    stage = make_stage(jobs=3)
    stage.script(always(accepted(file=FilePlan(padding_bytes=2 * MIB))))
    running = stage.start()
    running.limit_file_size(MIB)
    finished = running.wait().expect(74)
    assert "Traceback" not in finished.stderr
    paid = len(stage.ledger.creates)
    assert paid >= 1
    stage.run()
    assert len(stage.ledger.creates) == 3
    assert stage.reported() == {"succeeded": 3}


@pytest.mark.parametrize("kib", [24, 128, 256])
def test_state_that_cannot_grow(make_stage: Callable[..., Stage], kib: int) -> None:
    """When the state cannot be written the run is exit 74, stops submitting, and every accepted task is found again."""
    stage = make_stage(jobs=12, in_flight=3)
    running = stage.start()
    running.limit_file_size(kib * 1024)
    finished = running.wait().expect(74)
    assert "Traceback" not in finished.stderr
    stage.recover()


def _forget_state(stage: Stage) -> None:
    for path in stage.places.state_folder.glob("state.db*"):
        path.unlink()


def test_deleted_state(stage: Stage) -> None:
    """With state and lock file gone the witness alone keeps every job from being paid again."""
    stage.run()
    _forget_state(stage)
    (stage.campaign.folder / "campaign.lock.jsonl").unlink()
    assert stage.states() == {"running": 4}, "status and plan know what the witness knows"
    assert all(row["task_id"] for row in stage.rows().values())
    assert not stage.places.state.exists(), "looking writes nothing"
    stage.run()
    assert len(stage.ledger.creates) == 4
    assert stage.reported() == {"succeeded": 4}


def test_state_deleted_after_a_crash(make_stage: Callable[..., Stage]) -> None:
    """The same when the run had been killed in the middle: what has a task id goes on, what has none is in doubt."""
    stage = make_stage(jobs=6, in_flight=3)
    running = stage.start()
    stage.server.strike_at(Moment.CREATE_ACCEPTED, 4, running.kill)
    running.wait().expect(-9)
    _forget_state(stage)
    stage.recover()
    assert len(stage.ledger.accepted) == 6


def test_state_from_a_backup(stage: Stage, tmp_path: Path) -> None:
    """A state older than what happened is caught up from the witness before anything is sent."""
    stage.callsheet("run", "campaign.yaml", "--limit", "1")
    assert len(stage.ledger.creates) == 1
    shutil.copy(stage.places.state, tmp_path / "backup.db")
    stage.run()
    _forget_state(stage)
    shutil.copy(tmp_path / "backup.db", stage.places.state)
    stage.run()
    assert len(stage.ledger.creates) == 4


def test_unreadable_state(stage: Stage) -> None:
    """A state that is no state is exit 74 and nothing is sent."""
    stage.places.state_folder.mkdir(parents=True)
    stage.places.state.write_bytes(b"this is not a database, and it is long enough to be read as one" * 100)
    stage.script(always(ACCEPT))
    stage.run(code=74)
    assert not stage.ledger.creates
    _forget_state(stage)
