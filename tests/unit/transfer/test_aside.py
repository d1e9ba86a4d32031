"""A delivery sets aside what stands under its final name and is not its job's; names fit into what a file system stores."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from runner.core.errors import StorageFailed
from runner.core.plan import FileState
from runner.core.ports import FetchProblem
from runner.core.spec import Verify
from runner.manifest.paths import output_flaw
from runner.transfer.claim import Claim
from runner.transfer.disk import mark_time
from runner.transfer.partial import claim_name
from tests.unit.media.films import film
from tests.unit.transfer.cdn import Cdn
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output, problem
from tests.unit.transfer.shelf import contents, delivered, film_of, kept

if TYPE_CHECKING:
    from pathlib import Path

    from runner.transfer.delivery import FileDelivery


async def test_another_jobs_file_is_set_aside(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """A new result never costs an old one; the old one can be recalled from where it is."""
    other = delivered(root, "welcome/anna.mp4", film_of("b"))
    output(await delivery.deliver(cdn.order(replaces=("0" * 64,))))
    delivery.tidy("welcome/anna")
    assert (root / kept(other)).read_bytes() == film_of("b")
    found = await delivery.recall(other, "welcome/bob", ())
    assert found is not None
    assert delivery.look(found) is FileState.UNCHANGED
    assert not (root / kept(other)).exists()


@pytest.mark.parametrize("anything", [True, False])
async def test_what_may_be_replaced_is_replaced(
    cdn: Cdn, delivery: FileDelivery, root: Path, *, anything: bool
) -> None:
    """An earlier output of the job goes when the new one comes."""
    earlier = delivered(root, "welcome/anna.mp4", film_of("b"))
    output(await delivery.deliver(cdn.order(replaces=None if anything else (earlier.sha256,))))
    delivery.tidy("welcome/anna")
    await delivery.close()
    assert contents(root) == {"welcome/anna.mp4": CONTENT}


async def test_the_same_bytes_are_not_set_aside(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """What comes and what is there cannot be told apart."""
    delivered(root, "welcome/anna.mp4", CONTENT)
    output(await delivery.deliver(cdn.order(replaces=())))
    delivery.tidy("welcome/anna")
    await delivery.close()
    assert contents(root) == {"welcome/anna.mp4": CONTENT}


async def test_a_damaged_result_moves_nothing(delivery: FileDelivery, root: Path) -> None:
    """Only a verified file makes others give way."""
    delivered(root, "welcome/anna.mp4", film_of("b"))
    async with Cdn(CONTENT) as cdn:
        found = problem(await delivery.deliver(cdn.order(replaces=(), verify=Verify.CONTAINER)))
    assert found.problem is FetchProblem.DAMAGED
    assert files(root) == ["welcome/anna.mp4", "welcome/anna.part.bad"]


def longest_name() -> str:
    """The longest last part that a manifest may give an output."""
    return max(("n" * length for length in range(200, 256) if output_flaw("n" * length) is None), key=len)


async def test_the_longest_name_that_a_manifest_allows(delivery: FileDelivery, root: Path) -> None:
    """Download, claim, damage, recall and setting aside all find room beside it, with the longest suffix."""
    name = longest_name()
    async with Cdn(film(), content_type="video/webm") as cdn:
        first = output(await delivery.deliver(cdn.order(name)))
        other = output(await delivery.deliver(cdn.order("other", task_id="t-2")))
        (root / first.path).write_bytes(film_of("b"))
        assert await delivery.recall(other, name, ()) is not None
        await delivery.deliver(cdn.order(name, task_id="t-3", verify=Verify.FRAME, media="audio"))
    aside = f"{name}.webm.kept-{hashlib.sha256(film_of('b')).hexdigest()[:16]}"
    assert (root / aside).read_bytes() == film_of("b")
    assert len(aside) == 255


async def test_a_name_that_is_too_long_is_said(cdn: Cdn, delivery: FileDelivery, tmp_path: Path, root: Path) -> None:
    """Whatever does not fit, the message names the path and asks for a shorter `output`."""
    old = delivered(root, "1.mp4", film_of("a"))
    for attempt in (delivery.deliver(cdn.order("n" * 255)), delivery.recall(old, "n" * 255, ())):
        with pytest.raises(StorageFailed, match=r"nnn.*the name is too long") as said:
            await attempt
        assert "Shorten the job's `output`" in (said.value.next_step or "")
    delivery.tidy("n" * 255)


async def test_tidying_removes_claims_only(delivery: FileDelivery, root: Path) -> None:
    """What goes is the claim of that path; a link of its name is removed, not followed."""
    claim = root / "welcome" / claim_name("anna")
    claim.parent.mkdir(parents=True)
    claim.symlink_to("../elsewhere")
    (root / "elsewhere").write_bytes(Claim(task_id="t", fingerprint="f", address_sha256="").to_bytes())
    delivery.tidy("welcome/bob")
    delivery.tidy("welcome/anna")
    await delivery.close()
    assert files(root) == ["elsewhere"]


def test_two_files_of_one_tick_have_two_times(tmp_path: Path) -> None:
    """The time below the millisecond comes from the bytes, so equal length and time do not hide a swap."""
    times = set()
    for word in ("a", "b"):
        content = film_of(word)
        file = os.open(tmp_path / word, os.O_CREAT | os.O_RDWR)
        os.utime(file, ns=(5, 1_700_000_000_123_456_789))
        mark_time(file, hashlib.sha256(content).hexdigest())
        found = os.fstat(file)
        os.close(file)
        assert found.st_atime_ns == 5
        times.add(found.st_mtime_ns)
    assert len(times) == 2
    assert {time_ns // 1_000_000 for time_ns in times} == {1_700_000_000_123}
