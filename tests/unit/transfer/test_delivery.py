"""Results come home whole, verified, under their final name."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import StorageFailed
from runner.core.plan import FileState
from runner.core.spec import Verify
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from tests.unit.media.films import SECONDS, film, sound
from tests.unit.transfer.cdn import Cdn, status
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_result_comes_home(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """The bytes that were served lie under the final name, with digest, length and time."""
    found = output(await delivery.deliver(cdn.order()))
    path = root / "welcome/anna.mp4"
    assert path.read_bytes() == CONTENT
    assert found.path == "welcome/anna.mp4"
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (found.size_bytes, found.mtime_ns) == (len(CONTENT), path.stat().st_mtime_ns)
    assert (found.media_type, found.duration_s, found.has_audio) == ("video/mp4", None, None)


async def test_tidy_leaves_the_file_alone(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """The claim stays until the success is committed; then only the result is left."""
    order = cdn.order()
    await delivery.deliver(order)
    assert files(root) == ["welcome/.anna.part.json", "welcome/anna.mp4"]
    delivery.tidy(order.stem)
    delivery.tidy(order.stem)
    await delivery.close()
    assert files(root) == ["welcome/anna.mp4"]


def test_tidy_makes_nothing_and_raises_nothing(root: Path) -> None:
    """Where nothing was delivered there is nothing to forget."""
    FileDelivery(root, probe=probe).tidy("../x")
    FileDelivery(root, probe=probe).tidy("welcome/anna")
    assert not root.exists()


async def test_modes_follow_the_umask(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """Files are 0644 and folders 0755, as far as the umask allows."""
    before = os.umask(0o027)
    try:
        await delivery.deliver(cdn.order())
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "welcome/anna.mp4").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "welcome").stat().st_mode) == 0o750


async def test_what_is_sent(cdn: Cdn, delivery: FileDelivery) -> None:
    """The address goes out byte for byte; nothing of ours goes with it, and no compression is asked for."""
    await delivery.deliver(cdn.order(path="/a%2Fb/v.mp4?sig=a%2Bb+c%20d&x=%e4"))
    asked = cdn.asked[0]
    assert asked.raw_path == "/a%2Fb/v.mp4?sig=a%2Bb+c%20d&x=%e4"
    assert asked.headers["Accept-Encoding"] == "identity"
    assert not {"Authorization", "Cookie", "Referer"} & set(asked.headers)


async def test_no_cookie_comes_back(cdn: Cdn, delivery: FileDelivery) -> None:
    """A cookie that a server sets is forgotten."""
    cdn.answers = [status(500, Set_Cookie="a=b; Path=/")]
    await delivery.deliver(cdn.order())
    await delivery.deliver(cdn.order())
    assert "Cookie" not in cdn.asked[1].headers


@pytest.mark.parametrize("verify", [Verify.CONTAINER, Verify.FRAME])
async def test_facts_are_measured(delivery: FileDelivery, verify: Verify) -> None:
    """A real video is looked into before it gets its name."""
    async with Cdn(film()) as cdn:
        found = output(await delivery.deliver(cdn.order(verify=verify)))
    assert found.duration_s == pytest.approx(SECONDS, abs=0.15)
    assert (found.width, found.height, found.has_audio) == (96, 64, True)


async def test_a_sound_comes_home(delivery: FileDelivery) -> None:
    """Sound is a result like any other."""
    async with Cdn(sound(), content_type="application/octet-stream") as cdn:
        found = output(await delivery.deliver(cdn.order(media="audio", path="/x", verify=Verify.FRAME)))
    assert (found.path, found.media_type, found.width) == ("welcome/anna.wav", "audio/wav", None)


async def test_many_at_once(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """Deliveries into one new folder do not disturb one another."""
    orders = [cdn.order(f"a/b/{number}", task_id=str(number)) for number in range(20)]
    found = await asyncio.gather(*(delivery.deliver(order) for order in orders))
    assert {output(one).sha256 for one in found} == {hashlib.sha256(CONTENT).hexdigest()}
    assert len([name for name in files(root) if name.endswith(".mp4")]) == 20


async def test_look(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """Same size and time are unchanged; another time is settled by the digest; another size is altered."""
    found = output(await delivery.deliver(cdn.order()))
    path = root / found.path
    assert delivery.look(found) is FileState.UNCHANGED
    os.utime(path, ns=(1, 1))
    assert delivery.look(found) is FileState.UNCHANGED
    path.write_bytes(bytes(len(CONTENT)))
    assert delivery.look(found) is FileState.ALTERED
    path.write_bytes(b"short")
    assert delivery.look(found) is FileState.ALTERED
    path.unlink()
    assert delivery.look(found) is FileState.MISSING
    path.mkdir()
    assert delivery.look(found) is FileState.ALTERED


async def test_a_path_out_of_the_outputs_is_refused(cdn: Cdn, delivery: FileDelivery) -> None:
    """Whatever the state says, nothing is written elsewhere."""
    for stem in ("../x", "/x", "a//b", "a/../../x", ".", "a\0b", ""):
        with pytest.raises(StorageFailed, match="no path below the output folder"):
            await delivery.deliver(cdn.order(stem))
    assert cdn.asked == []
