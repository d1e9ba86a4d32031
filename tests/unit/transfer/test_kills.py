"""kill -9 at every step that touches the disk: the next delivery brings the right file, and only that."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.media.films import film
from tests.unit.transfer.cdn import Cdn
from tests.unit.transfer.outcome import files

if TYPE_CHECKING:
    from pathlib import Path

CHILD = '''
"""Forks a delivery that is killed at its n-th visit to the disk, then one that is not, for n = 1, 2, ... until none is killed."""
import asyncio, json, os, signal, sys
from pathlib import Path
from runner.core.ports import Order
from runner.core.spec import Verify
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery

VISITS = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "fdopen"}
root, origin, case = sys.argv[1:]


async def deliver(number):
    delivery = FileDelivery(Path(root) / str(number), probe=probe, reserve_bytes=0)
    order = Order(job_id="j", task_id="t", fingerprint="f", address=f"{origin}/{number}.mp4", trusted_origins=(origin,),
                  stem="welcome/anna", media="video", expects_audio=True, verify=Verify.FRAME, replaces=())
    found = await delivery.deliver(order)
    again = await delivery.deliver(order)
    assert found == again, (found, again)
    await delivery.close()


def run(number, kill_at):
    child = os.fork()
    if child == 0:
        visits = 0

        def visit(event, arguments):
            nonlocal visits
            if event in VISITS and ("anna" in str(arguments[:2]) or "welcome" in str(arguments[:2])):
                visits += 1
                if visits == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(visit)
        asyncio.run(deliver(number))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def place_stranger(number):
    folder = Path(root) / str(number) / "welcome"
    folder.mkdir(parents=True)
    (folder / "anna.mp4").write_bytes(b"a stranger's")


kills = 0
if case == "stranger":
    place_stranger(kills)
while run(kills, kills + 1) == -signal.SIGKILL:
    assert run(kills, None) == 0
    kills += 1
    if case == "stranger":
        place_stranger(kills)
print(json.dumps(kills))
'''


@pytest.mark.parametrize("case", ["small", "pieces", "stranger"])
async def test_a_kill_at_every_visit_to_the_disk(root: Path, case: str) -> None:
    """Whichever visit is the last, afterwards the file is whole; its claim lies beside it, and what stood in its way."""
    # Padding in a box that players skip makes a film of several pieces.
    padding = bytes(600_000)
    content = film() + (b"" if case != "pieces" else (len(padding) + 8).to_bytes(4, "big") + b"free" + padding)
    async with Cdn(content) as cdn:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(root), cdn.origin, case, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
    assert child.returncode == 0
    kills = json.loads(said)
    stranger = b"a stranger's"
    digest = hashlib.sha256(stranger).hexdigest()
    aside = [f"welcome/anna.mp4.kept-{digest[:16]}"] if case == "stranger" else []
    assert kills >= (12 if case == "pieces" else 8)
    for number in range(kills):
        assert (root / str(number) / "welcome/anna.mp4").read_bytes() == content
        assert files(root / str(number)) == ["welcome/.anna.part.json", "welcome/anna.mp4", *aside]
        assert all((root / str(number) / path).read_bytes() == stranger for path in aside)
