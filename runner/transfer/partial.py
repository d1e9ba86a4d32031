"""A result on its way: the `.part` file that grows, its digest so far, and its claim.

Methods say whether they belong to the event loop or to a thread; those for threads block on the disk. Bytes gather in memory and
are written in pieces of `PIECE_BYTES`, so that a small file costs one visit to a thread and a large one few.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.core.error_codes import ErrorCode
from runner.core.errors import StorageFailed
from runner.transfer import disk
from runner.transfer.claim import MOST_BYTES, Claim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.core.ports import Order

PIECE_BYTES: Final = 256 * 1024
"""Bytes that gather before they are written, and the most that a kill loses of a download."""

_READ_BYTES: Final = 1024 * 1024


class Partial:
    """One order's `.part`.

    Args:
        root: The output folder.
        order: Whose it is.
        reserve_bytes: Free space that is always left on the disk.
        needed_bytes: Bytes that all downloads under way still have to write, this one included.

    Raises:
        StorageFailed: The order's path leads out of the output folder.
    """

    def __init__(self, root: Path, order: Order, *, reserve_bytes: int, needed_bytes: Callable[[], int]) -> None:
        *folders, self.name = disk.parts_of(order.stem)
        self.claim = Claim.of(order)
        self.size_bytes = 0
        self._root = root
        self._order = order
        self._folders = tuple(folders)
        self._reserve_bytes = reserve_bytes
        self._needed_bytes = needed_bytes
        self._pending: list[bytes] = []
        self._written_bytes = 0
        self._saved_bytes = 0
        self._digest = hashlib.sha256()
        self._folder: int | None = None
        self._file: int | None = None

    # --- on the event loop --------------------------------------------------------------------------------------------

    @property
    def is_complete(self) -> bool:
        """Whether all bytes were received."""
        return self.size_bytes > 0 and self.size_bytes == self.claim.total_bytes

    @property
    def remaining_bytes(self) -> int:
        """Bytes still to be written, as far as known."""
        return max(self.size_bytes, self.claim.total_bytes or 0) - self._written_bytes

    @property
    def has_piece(self) -> bool:
        """Whether enough bytes have gathered to be written."""
        return self.size_bytes - self._written_bytes >= PIECE_BYTES

    @property
    def has_unsaved(self) -> bool:
        """Whether bytes came that no claim on disk covers."""
        return self.size_bytes > self._saved_bytes

    def take(self, chunk: bytes) -> None:
        """Gather bytes that came."""
        self._pending.append(chunk)
        self.size_bytes += len(chunk)

    def start_over(self) -> None:
        """Forget what was received; the file is emptied with the next write."""
        self.claim = Claim.of(self._order)
        self._pending.clear()
        self._digest = hashlib.sha256()
        self.size_bytes = self._written_bytes = self._saved_bytes = 0

    def close(self) -> None:
        """Let go of file and folder; what was not saved is lost."""
        for descriptor in (self._file, self._folder):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._folder = None

    # --- in a thread --------------------------------------------------------------------------------------------------

    def shown(self, suffix: str) -> str:
        """The path beside the final one, for messages."""
        return str(self._root.joinpath(*self._folders, self.name + suffix))

    @property
    def sha256(self) -> str:
        """Digest of what was written, hexadecimal."""
        return self._digest.hexdigest()

    @property
    def file(self) -> int:
        """Descriptor of the `.part`; only after a write or a recovery."""
        assert self._file is not None
        return self._file

    @property
    def folder(self) -> int:
        """Descriptor of the final folder; likewise."""
        assert self._folder is not None
        return self._folder

    def recover(self) -> Claim | None:
        """Find what an earlier try of the same task left, without changing anything but the end of the `.part`.

        Returns:
            The claim that lies there, or None when there is none of this task. The partial then stands at the last byte of the
            beginning that hashes as claimed.

        Raises:
            StorageFailed: The disk could not be read, or a link stands in the way.
        """
        with disk.storage(f"{self.shown('.part')} could not be read"):
            try:
                self._folder = disk.open_folder(self._root, self._folders, create=False)
            except FileNotFoundError:
                return None
            claim = self._read_claim()
            if claim is None or not claim.is_of(self._order):
                return None
            if claim.address_sha256 == self.claim.address_sha256 or claim.total_bytes == claim.kept_bytes:
                self._adopt(claim)
            return claim

    def save(self) -> None:
        """Write what has gathered, and claim it: a later try goes on from here.

        Raises:
            StorageFailed: The disk is full or failing; what fitted is claimed.
        """
        self.write()
        with disk.storage(f"{self.shown('.part')} could not be written"):
            self._claim_written()

    def write(self) -> None:
        """Write what has gathered.

        Raises:
            StorageFailed: As for `save`.
        """
        with disk.storage(f"{self.shown('.part')} could not be written"):
            self._open()
            self._require_space()
            try:
                for chunk in self._pending:
                    self._write(chunk)
            except OSError:
                self._pending.clear()
                self.size_bytes = self._written_bytes
                with suppress(OSError):
                    self._claim_written()
                raise
            self._pending.clear()

    def write_claim(self, claim: Claim, *, durable: bool) -> None:
        """Replace the claim on disk.

        Args:
            claim: The new claim.
            durable: Whether its content is forced to disk.

        Raises:
            OSError: The disk's faults.
        """
        self.claim = claim
        disk.replace_file(self.folder, claim_name(self.name), claim.to_bytes(), durable=durable)

    def remove_claim(self) -> None:
        """Remove the claim from disk.

        Raises:
            OSError: The disk's faults.
        """
        disk.remove(self.folder, claim_name(self.name))

    def _claim_written(self) -> None:
        self.write_claim(replace(self.claim, kept_bytes=self._written_bytes, kept_sha256=self.sha256), durable=False)
        self._saved_bytes = self._written_bytes

    def _read_claim(self) -> Claim | None:
        file = disk.open_existing(self.folder, claim_name(self.name))
        if file is None:
            return None
        try:
            return Claim.read(os.read(file, MOST_BYTES))
        finally:
            os.close(file)

    def _adopt(self, claim: Claim) -> None:
        """Go on after the beginning that the claim proves; without proof stay at 0."""
        file = disk.open_existing(self.folder, f"{self.name}.part", writable=True)
        if file is None:
            return
        digest = digest_of(file, claim.kept_bytes)
        if digest is None or digest.hexdigest() != claim.kept_sha256 or os.fstat(file).st_nlink != 1:
            os.close(file)
            return
        self._file = file
        self.claim = claim
        self._digest = digest
        self.size_bytes = self._written_bytes = self._saved_bytes = claim.kept_bytes

    def _open(self) -> None:
        """Have the file open and as long as what is to be kept."""
        if self._folder is None:
            self._folder = disk.open_folder(self._root, self._folders, create=True)
        if self._file is None:
            self._file = disk.create_new(self._folder, f"{self.name}.part")
        elif os.lseek(self._file, 0, os.SEEK_END) != self._written_bytes:
            os.ftruncate(self._file, self._written_bytes)
            os.lseek(self._file, self._written_bytes, os.SEEK_SET)

    def _require_space(self) -> None:
        room = os.fstatvfs(self.folder)
        free_bytes = room.f_bavail * room.f_frsize
        needed_bytes = self._needed_bytes()
        if free_bytes - needed_bytes < self._reserve_bytes:
            raise StorageFailed(
                f"{self.shown('.part')} does not fit: {free_bytes // 1024} KiB are free, the downloads under way need "
                f"{-(-needed_bytes // 1024)} KiB, and {self._reserve_bytes // 1024} KiB are always left",
                next_step="Free some space, then run the same command again: what was received is kept and nothing is paid twice.",
                code=ErrorCode.DISK_FULL,
            )

    def _write(self, chunk: bytes) -> None:
        """Write one chunk; digest and length follow each part of it that the system took."""
        view = memoryview(chunk)
        while view:
            taken = os.write(self.file, view)
            if taken == 0:
                raise OSError(errno.EIO, "no byte was written")
            self._digest.update(view[:taken])
            self._written_bytes += taken
            view = view[taken:]


def claim_name(name: str) -> str:
    """Name of the claim beside a final file.

    Args:
        name: The final name without suffix.
    """
    return f".{name}.part.json"


def has_claim(root: Path, stem: str) -> bool:
    """Whether a delivery to a path may have left something: one `lstat`, cheap enough for the event loop.

    Only a hint, since it follows links on the way: whoever reads or writes opens the folder anew, without following any.

    Args:
        root: The output folder.
        stem: The path below it, without suffix.
    """
    folder, slash, name = stem.rpartition("/")
    return os.path.lexists(f"{root}/{folder}{slash}{claim_name(name)}")


def digest_of(file: int, length: int) -> hashlib._Hash | None:
    """SHA-256 over the first `length` bytes of a file; None when it is shorter."""
    digest = hashlib.sha256()
    at = 0
    while at < length:
        chunk = os.pread(file, min(_READ_BYTES, length - at), at)
        if not chunk:
            return None
        digest.update(chunk)
        at += len(chunk)
    return digest
