"""Gives a whole and verified file its final name, in an order that no crash can break. Everything here blocks: for threads."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.job import OutputFile
from runner.core.media import Damaged, MediaFacts, Probe
from runner.core.ports import FetchProblem, NotDelivered
from runner.core.spec import Verify
from runner.transfer import disk
from runner.transfer.aside import make_way
from runner.transfer.media_types import HEAD_BYTES, SUFFIXES, choose_media_type
from runner.transfer.partial import digest_of

if TYPE_CHECKING:
    from runner.core.ports import Order
    from runner.transfer.claim import Claim
    from runner.transfer.partial import Partial


def find_published(partial: Partial, order: Order, probe: Probe) -> OutputFile | None:
    """Look for what an earlier try left: the file under its final name, or a partial to go on with.

    Args:
        partial: New; afterwards it stands where the earlier try stood.
        order: What is to be delivered.
        probe: Looks into the file.

    Returns:
        The delivered file when it is whole, was verified for this very task, and plays; else None.

    Raises:
        StorageFailed: The disk could not be read.
    """
    claim = partial.recover()
    if claim is None or claim.final_name is None:
        return None
    with disk.storage(f"{partial.shown('')} could not be read"):
        file = disk.open_existing(partial.folder, claim.final_name)
        if file is None:
            return None
        try:
            digest = digest_of(file, claim.kept_bytes)
            if digest is None or digest.hexdigest() != claim.kept_sha256 or os.fstat(file).st_size != claim.kept_bytes:
                return None
            facts = _look_into(file, order, probe)
            if isinstance(facts, Damaged):
                return None
            os.fsync(partial.folder)
            return _output(order, file, claim, facts, _media_type(file, claim, order))
        finally:
            os.close(file)


def publish(partial: Partial, order: Order, probe: Probe) -> OutputFile | NotDelivered:
    """Verify a file that was received whole, and give it its final name.

    Order: write, length, digest, look into it, fsync the file, fsync its claim, set aside what stands under the final name and
    is not this job's to replace, replace, fsync the folder, which makes the names of both durable. An older file of the job stays until the replacement.

    Args:
        partial: All bytes received.
        order: What is to be delivered.
        probe: Looks into the file.

    Returns:
        The file, durable under its final name; or `DAMAGED`, its bytes kept as `.part.bad`.

    Raises:
        StorageFailed: The disk is full or failing.
    """
    partial.write()
    with disk.storage(f"{partial.shown('.part')} could not be published"):
        facts = _look_into(partial.file, order, probe)
        if isinstance(facts, Damaged):
            return _keep_damaged(partial, facts)
        media_type = _media_type(partial.file, partial.claim, order)
        final_name = partial.name + SUFFIXES[media_type]
        size, sha256 = partial.size_bytes, partial.sha256
        disk.mark_time(partial.file, sha256)
        os.fsync(partial.file)
        verified = replace(partial.claim, total_bytes=size, kept_bytes=size, kept_sha256=sha256, final_name=final_name)
        partial.write_claim(verified, durable=True)
        make_way(partial.folder, Path(partial.shown(SUFFIXES[media_type])), sha256, order.replaces)
        os.replace(f"{partial.name}.part", final_name, src_dir_fd=partial.folder, dst_dir_fd=partial.folder)
        os.fsync(partial.folder)
        return _output(order, partial.file, verified, facts, media_type)


def _keep_damaged(partial: Partial, flaw: Damaged) -> NotDelivered:
    bad = f"{partial.name}.part.bad"
    os.replace(f"{partial.name}.part", bad, src_dir_fd=partial.folder, dst_dir_fd=partial.folder)
    partial.remove_claim()
    return NotDelivered(
        problem=FetchProblem.DAMAGED,
        message=f"the file {flaw.reason}; its {partial.size_bytes} bytes are kept as {partial.shown('.part.bad')}",
    )


def _look_into(file: int, order: Order, probe: Probe) -> MediaFacts | Damaged:
    if order.verify is Verify.NONE:
        return MediaFacts()
    with open(file, "rb", closefd=False) as readable:
        return probe(readable, media=order.media, expects_audio=order.expects_audio, verify=order.verify)


def _media_type(file: int, claim: Claim, order: Order) -> str:
    return choose_media_type(claim.content_type, os.pread(file, HEAD_BYTES, 0), order.address, order.media)


def _output(order: Order, file: int, verified: Claim, facts: MediaFacts, media_type: str) -> OutputFile:
    folder = order.stem.rpartition("/")[0]
    name = verified.final_name or ""
    found = os.fstat(file)
    return OutputFile(
        path=f"{folder}/{name}" if folder else name,
        sha256=verified.kept_sha256,
        size_bytes=found.st_size,
        mtime_ns=found.st_mtime_ns,
        media_type=media_type,
        duration_s=facts.duration_s,
        width=facts.width,
        height=facts.height,
        has_audio=facts.has_audio,
    )
