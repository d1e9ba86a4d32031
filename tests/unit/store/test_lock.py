"""The lock of a state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import LockHeld
from runner.store.lock import hold_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.store.lives import Place

HOLD = """
import sys, time
from pathlib import Path
from runner.store.lock import hold_lock
lock = hold_lock(Path(sys.argv[1]), command="callsheet run autumn.yaml")
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(place: Place) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock, lets it go at a line on its stdin, and ends at a second one."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_holds_it(place: Place, holder: subprocess.Popen[str]) -> None:
    """The refusal names process, machine, time and command, however often one asks."""
    for _ in range(2):
        with pytest.raises(LockHeld) as caught:
            hold_lock(place.folder, command="mine")
        assert f"`callsheet run autumn.yaml` (process {holder.pid} on {os.uname().nodename}, since 2" in str(
            caught.value
        )
        assert caught.value.next_step == "Wait until it has ended."


def test_a_command_that_can_wait_says_so(place: Place, holder: subprocess.Popen[str]) -> None:
    """The flag is named to those that have it."""
    assert holder.pid
    with pytest.raises(LockHeld) as caught:
        hold_lock(place.folder, command="mine", can_wait=True)
    assert caught.value.next_step == "Wait until it has ended, or start with --wait-for-lock."


def test_a_killed_holder_leaves_nothing_to_clean_up(place: Place, holder: subprocess.Popen[str]) -> None:
    """After kill -9 of the holder the next process simply gets the lock."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with hold_lock(place.folder, command="mine"):
        assert json.loads((place.folder / "lock").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("wait_s", [None, 30.0])
def test_waiting_gets_the_lock_when_it_is_free(
    place: Place, holder: subprocess.Popen[str], wait_s: float | None
) -> None:
    """With time to wait the lock is taken soon after the holder lets it go."""
    assert holder.stdin is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    began = time.monotonic()
    hold_lock(place.folder, command="mine", wait_s=wait_s).release()
    assert time.monotonic() - began < 10


def test_waiting_ends(place: Place, holder: subprocess.Popen[str]) -> None:
    """After the time to wait the refusal comes as without waiting."""
    began = time.monotonic()
    with pytest.raises(LockHeld):
        hold_lock(place.folder, command="mine", wait_s=0.3)
    assert time.monotonic() - began >= 0.3


def test_the_same_process_is_kept_out_too(place: Place) -> None:
    """Two holders in one process exclude each other; releasing twice is harmless."""
    lock = hold_lock(place.folder, command="first")
    with pytest.raises(LockHeld, match="`first`"):
        hold_lock(place.folder, command="second")
    lock.release()
    lock.release()
    hold_lock(place.folder, command="second").release()


def test_the_name_of_a_dead_holder_is_not_told(place: Place) -> None:
    """A name that a killed process left in the file is not given for that of the present holder."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    with hold_lock(place.folder, command="mine"):
        name = {"pid": ended.pid, "host": os.uname().nodename, "since": "then", "command": "dead"}
        (place.folder / "lock").write_text(json.dumps(name))
        with pytest.raises(LockHeld, match=r"^another process holds"):
            hold_lock(place.folder, command="second")


def test_a_lock_file_removed_by_hand_does_not_let_two_in(place: Place) -> None:
    """The lock is on the file that has the name: after a removal the next one locks a new file, and is alone on that."""
    with hold_lock(place.folder, command="first"):
        (place.folder / "lock").unlink()
        with hold_lock(place.folder, command="second"), pytest.raises(LockHeld, match="`second`"):
            hold_lock(place.folder, command="third")


def test_programmes_that_are_started_do_not_inherit_it(place: Place) -> None:
    """A child that outlives its parent does not keep the lock."""
    lock = hold_lock(place.folder, command="mine")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        hold_lock(place.folder, command="next").release()
        child.kill()


def test_the_folder_is_private_and_out_of_git(place: Place) -> None:
    """The folder is 0700, the file 0600, and git sees neither."""
    hold_lock(place.folder, command="mine").release()
    modes = [path.stat().st_mode & 0o777 for path in (place.folder, place.folder / "lock")]
    assert modes == [0o700, 0o600]
    assert (place.folder / ".gitignore").read_text() == "*\n"


def test_four_at_once_are_one_at_a_time(tmp_path: Path, place: Place) -> None:
    """Processes started together that all wait hold the lock one after another."""
    script = (
        "import sys, time; from pathlib import Path; from runner.store.lock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1]), command='x', wait_s=None), open(sys.argv[2], 'a') as log:\n"
        "    log.write('in '); log.flush(); time.sleep(0.02); log.write('out '); log.flush()\n"
    )
    log = tmp_path / "log"
    processes = [subprocess.Popen([sys.executable, "-c", script, str(place.folder), str(log)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert log.read_text().split() == ["in", "out"] * 4
