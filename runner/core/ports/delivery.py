"""What the engine asks of whoever brings results home."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner.core.job import OutputFile
    from runner.core.plan import FileState
    from runner.core.spec import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A result to bring home: plain data, so that another machine could do it.

    Args:
        job_id: For messages.
        task_id: The paid task; a partial file of another task is not continued.
        fingerprint: Likewise.
        address: Where the result is; hostile until checked.
        trusted_origins: Origins that the address rule lets pass (that of `base_url`, and `download_origins`).
        stem: Final path relative to the output folder, without suffix.
        media: `video` or `audio`.
        expects_audio: Whether the file must have sound.
        verify: How far the file is checked.
        read_timeout_s: Seconds between two pieces.
        connect_timeout_s: Seconds for a connection.
        credential_of: Name of the account whose credential is sent to the origin of `address`, and to no other; None when nobody's is.
        replaces: SHA-256 digests (hexadecimal) of files that may be replaced under the final name: earlier outputs of this job there.
            Any other file that stands there is first set aside as `<file name>.kept-<first 16 digits of its digest>`. None: whatever
            stands there may be replaced.
    """

    job_id: str
    task_id: str
    fingerprint: str
    address: str
    trusted_origins: tuple[str, ...]
    stem: str
    media: str
    expects_audio: bool
    verify: Verify
    read_timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    credential_of: str | None = None
    replaces: tuple[str, ...] | None = None


class FetchProblem(StrEnum):
    """Why a delivery did not succeed."""

    EXPIRED = "expired"
    """403, 404, 410, or text where media should be: ask the task for a fresh address."""
    BLOCKED = "blocked"
    """The address rule forbids it."""
    DAMAGED = "damaged"
    """The bytes do not verify; kept as `.part.bad`."""
    UNREACHABLE = "unreachable"
    """The network or the server failed; what was received is kept and continued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """The file did not come.

    Args:
        problem: What kind.
        message: One sentence for people, without the address's query.
        retry_after_s: The server's wish, or None.
    """

    problem: FetchProblem
    message: str
    retry_after_s: float | None = None


class Delivery(Protocol):
    """Brings results home: `.part` in the final folder, verify, fsync, replace, fsync folders."""

    async def deliver(self, order: Order) -> OutputFile | NotDelivered:
        """Bring one result home.

        Returns:
            The file, durable under its final name, or why not. Idempotent: after a crash anywhere, the same order goes on or finds
            the finished file and verifies it without the network.

        Raises:
            StorageFailed: The disk is full or failing; what was received stays.
        """

    def tidy(self, stem: str) -> None:
        """Forget the traces that only recovery needs, after the job's success is committed. Never raises.

        Args:
            stem: As in the order: the path relative to the output folder, without suffix.
        """

    def look(self, output: OutputFile) -> FileState:
        """Whether a delivered file is there and unchanged: by size and modification time, by digest when these differ."""

    async def recall(self, output: OutputFile, stem: str, replaces: tuple[str, ...] | None) -> OutputFile | None:
        """Have a delivered file stand under a path, from what lies in the output folder.

        Its very bytes (length and digest, read anew) are looked for under the new path, under the path that it was delivered to, and
        under the name that it has when it was set aside there. The file under the old path is left alone. Idempotent: after a crash
        anywhere, the same call finds what it left.

        Args:
            output: The file as its job's row knows it.
            stem: The path relative to the output folder, without suffix; may be that of `output`.
            replaces: As for `Order`.

        Returns:
            The file under the new path, durable; None when its bytes are nowhere, and nothing was changed.

        Raises:
            StorageFailed: The disk is full or failing, or something stands in the way; no file was lost.
        """

    def free_bytes(self) -> int:
        """Bytes free for us where the outputs go."""

    async def close(self) -> None:
        """Close all connections."""
