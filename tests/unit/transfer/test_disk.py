"""A hostile or failing disk: links lead nowhere, and a full disk is said plainly and costs nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from runner.core.errors import StorageFailed
from runner.core.job import OutputFile
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery
from runner.transfer.disk import storage
from runner.transfer.download import Bounds
from tests.unit.transfer.cdn import cut_after, status
from tests.unit.transfer.conftest import CONTENT
from tests.unit.transfer.outcome import files, output, problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.transfer.cdn import Cdn


@pytest.fixture
def made_root(root: Path) -> Path:
    """The output folder, already there."""
    root.mkdir(parents=True)
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no delivery may touch, with one file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_bytes(b"precious")
    return folder


async def test_the_output_folder_itself_may_be_a_link(cdn: Cdn, outside: Path, tmp_path: Path) -> None:
    """Where the outputs go is the user's word."""
    link = tmp_path / "link"
    link.symlink_to(outside)
    delivery = FileDelivery(link, probe=probe, reserve_bytes=0)
    output(await delivery.deliver(cdn.order()))
    await delivery.close()
    assert (outside / "welcome/anna.mp4").read_bytes() == CONTENT


@pytest.mark.parametrize("depth", ["welcome", "welcome/to"])
async def test_a_link_on_the_way_is_refused(
    cdn: Cdn, delivery: FileDelivery, root: Path, outside: Path, depth: str
) -> None:
    """A folder of the outputs that is a link stops the run: nothing is written behind it."""
    (root / depth).parent.mkdir(parents=True)
    (root / depth).symlink_to(outside)
    with pytest.raises(StorageFailed, match="is a link or a file") as caught:
        await delivery.deliver(cdn.order("welcome/to/anna"))
    assert caught.value.next_step is not None
    assert files(outside) == ["precious"]


async def test_a_file_on_the_way_is_refused(cdn: Cdn, delivery: FileDelivery, made_root: Path) -> None:
    """A file where a folder should be is not removed."""
    (made_root / "welcome").write_bytes(b"mine")
    with pytest.raises(StorageFailed, match="is a link or a file"):
        await delivery.deliver(cdn.order())
    assert (made_root / "welcome").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["anna.part", "anna.mp4", ".anna.part.json", ".anna.part.json.new"])
@pytest.mark.parametrize("plant", [os.symlink, os.link], ids=["symbolic", "hard"])
async def test_a_planted_link_is_replaced_not_followed(
    cdn: Cdn, delivery: FileDelivery, root: Path, *, outside: Path, name: str, plant: Callable[[Path, Path], None]
) -> None:
    """Under every name that a delivery writes, a link is put aside; what it led to stays as it was."""
    (root / "welcome").mkdir(parents=True)
    plant(outside / "precious", root / "welcome" / name)
    output(await delivery.deliver(cdn.order()))
    assert (outside / "precious").read_bytes() == b"precious"
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT
    assert not (root / "welcome/anna.mp4").is_symlink()


async def test_a_pipe_in_the_place_of_the_part_does_not_hang(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """What is no file is removed, not waited for."""
    (root / "welcome").mkdir(parents=True)
    os.mkfifo(root / "welcome/anna.part")
    os.mkfifo(root / "welcome/.anna.part.json")
    assert isinstance(await asyncio.wait_for(delivery.deliver(cdn.order()), 5), OutputFile)


@pytest.mark.parametrize(
    "plant", [os.symlink, os.link, lambda _target, path: os.mkfifo(path)], ids=["symbolic", "hard", "pipe"]
)
async def test_a_link_to_the_same_bytes_is_not_continued(
    cdn: Cdn, delivery: FileDelivery, root: Path, *, outside: Path, plant: Callable[[Path, Path], None]
) -> None:
    """Even where the bytes are as claimed, a part that is a link would carry the rest into another file."""
    cdn.answers = [cut_after(1000), status(500)]
    problem(await delivery.deliver(cdn.order()))
    (outside / "precious").write_bytes(CONTENT[:1000])
    (root / "welcome/anna.part").unlink()
    plant(outside / "precious", root / "welcome/anna.part")
    output(await delivery.deliver(cdn.order()))
    assert (outside / "precious").read_bytes() == CONTENT[:1000]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_a_folder_in_the_place_of_the_file_is_said(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """The user's folder is not removed; the bytes stay as the part and are published without the network later."""
    (root / "welcome/anna.mp4").mkdir(parents=True)
    with pytest.raises(StorageFailed, match=r"anna\.part could not be published"):
        await delivery.deliver(cdn.order())
    (root / "welcome/anna.mp4").rmdir()
    output(await delivery.deliver(cdn.order()))
    assert len(cdn.asked) == 1


async def test_the_reserve_is_never_touched(cdn: Cdn, root: Path) -> None:
    """With less free space than is always left, nothing is written, and the message has the figures."""
    delivery = FileDelivery(root, probe=probe, reserve_bytes=2**62)
    with pytest.raises(StorageFailed, match="does not fit") as caught:
        await delivery.deliver(cdn.order())
    await delivery.close()
    assert str(2**62 // 1024) in str(caught.value)
    assert (root / "welcome/anna.part").stat().st_size == 0


async def test_the_rest_of_the_download_counts(cdn: Cdn, root: Path) -> None:
    """The announced length is held against the free space with the first piece, not when the disk is full."""
    announced = 2**50

    async def huge(request: web.Request, server: Cdn) -> web.StreamResponse:
        response = web.StreamResponse(headers=server.headers())
        response.content_length = announced
        await response.prepare(request)
        await response.write(server.content)
        await asyncio.sleep(5)
        return response

    cdn.answers = [huge]
    roomy = FileDelivery(root, probe=probe, reserve_bytes=0, bounds=Bounds(most_bytes=2**60))
    with pytest.raises(StorageFailed, match=f"need {announced // 1024} KiB"):
        await roomy.deliver(cdn.order())
    await roomy.close()


def test_free_bytes_before_the_folder_is_made(root: Path, tmp_path: Path) -> None:
    """The free space is that of where the folder will be."""
    room = os.statvfs(tmp_path)
    assert FileDelivery(root, probe=probe).free_bytes() == pytest.approx(room.f_bavail * room.f_frsize, rel=0.05)
    assert not root.exists()


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from runner.core.errors import StorageFailed
from runner.core.ports import Order
from runner.core.spec import Verify
from runner.media.probe import probe
from runner.transfer.delivery import FileDelivery

async def main():
    delivery = FileDelivery(Path(sys.argv[1]), probe=probe, reserve_bytes=0)
    order = Order(job_id="j", task_id="t-1", fingerprint="f-1", address=sys.argv[2] + "/v.mp4", trusted_origins=(sys.argv[2],),
                  stem="welcome/anna", media="video", expects_audio=False, verify=Verify.NONE)
    kind = getattr(resource, sys.argv[3])
    resource.setrlimit(kind, (int(sys.argv[4]), resource.getrlimit(kind)[1]))
    try:
        await delivery.deliver(order)
    except StorageFailed as failed:
        print(failed)
        print(failed.next_step)
    finally:
        await delivery.close()

asyncio.run(main())
"""


async def deliver_limited(cdn: Cdn, root: Path, limit: str, most: int) -> str:
    """What a child says that delivers under a limit of the system."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIMITED, str(root), cdn.origin, limit, str(most), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == 0
    return said.decode()


async def test_a_file_size_limit_is_said_and_what_fitted_is_kept(cdn: Cdn, delivery: FileDelivery, root: Path) -> None:
    """A child that may write 700,000 bytes says so; the next run goes on at exactly that byte."""
    said = await deliver_limited(cdn, root, "RLIMIT_FSIZE", 700_000)
    assert "larger than this process may write" in said
    assert "ulimit -f" in said
    output(await delivery.deliver(cdn.order(path="/v.mp4")))
    assert cdn.ranges == [None, "bytes=700000-"]
    assert (root / "welcome/anna.mp4").read_bytes() == CONTENT


async def test_no_descriptor_is_not_the_servers_fault(cdn: Cdn, root: Path) -> None:
    """Without file descriptors no connection can be opened: the run stops instead of blaming the network."""
    said = await deliver_limited(cdn, root, "RLIMIT_NOFILE", 6)
    assert "too many files open" in said
    assert "ulimit -n" in said


@pytest.mark.parametrize(
    ("number", "words", "next_words"),
    [
        (errno.ENOSPC, "the disk is full", "Free some space"),
        (errno.EDQUOT, "quota", "Free some space"),
        (errno.EFBIG, "may write", "ulimit -f"),
        (errno.EIO, "reports an error", "Check the disk"),
        (errno.EROFS, "read-only", "output.dir"),
        (errno.EACCES, "permission", "right to write"),
        (errno.EMFILE, "files open", "ulimit -n"),
        (errno.ENAMETOOLONG, "too long", "Shorten"),
        (errno.ESTALE, os.strerror(errno.ESTALE), "Remove the cause"),
    ],
)
def test_every_fault_says_what_where_and_what_next(number: int, words: str, next_words: str) -> None:
    """The system's number becomes a sentence, a place and a next step; the cause stays attached."""
    with (
        pytest.raises(StorageFailed, match=r"outputs/a\.part could not be written") as caught,
        storage("outputs/a.part could not be written"),
    ):
        raise OSError(number, os.strerror(number))
    assert words in caught.value.message
    assert next_words in (caught.value.next_step or "")
    assert isinstance(caught.value.__cause__, OSError)
