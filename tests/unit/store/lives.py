"""Jobs and their moves, for tests of the store."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.core import events
from runner.core.answers import Reply
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import Job, OutputFile, advance
from runner.core.money import Money
from runner.core.ports import Move
from runner.store.store import StateStore

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.events import Event
    from runner.core.ports import Store

NOON = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC."""
DAY = "2023-11-14"
PRICE = Money(Decimal("0.20"), "USD")
LOST = Failure(cause=None, code=Code.IN_DOUBT, message="connection reset")
REFUSED = Failure(cause=Cause.REFUSED, code=Code.BAD_REQUEST, message="no", request_id="r-1")
FILE = OutputFile(
    path="eu/1.mp4",
    sha256="ab" * 32,
    size_bytes=1234,
    mtime_ns=17,
    media_type="video/mp4",
    duration_s=2.5,
    width=64,
    height=36,
)


def pending(name: str = "welcome/1", fingerprint: str = "f1", **fields: Any) -> Job:
    """A job before its first intent."""
    facts = {"uses": "digital-human/avatar", "operation": "digital-human/avatar"} | fields
    return Job(id=name, fingerprint=fingerprint, **facts)


def move(job: Job, *story: Event) -> Move:
    """A job's move by these events."""
    after = job
    for event in story:
        after = advance(after, event)
    return Move(before=job, events=story, after=after)


def intent(at: float = NOON, reserved: Money | None = PRICE, request: bytes | None = b'{"text":"hi"}') -> Event:
    """An intent."""
    return events.SubmitStarted(
        at=at, external_id="own-1", request_sha256="cd" * 32, request=request, reserved=reserved, output_stem="eu/1"
    )


def reply(body: bytes = b'{"task_id":"t-1"}') -> Event:
    """The raw reply."""
    return events.ReplyReceived(at=NOON + 1, reply=Reply(200, {"content-type": "application/json"}, body))


def accepted(task_id: str = "t-1", at: float = NOON + 1) -> Event:
    """An acceptance."""
    return events.Accepted(at=at, task_id=task_id)


def ready(at: float = NOON + 60, actual: Money | None = None) -> Event:
    """A result."""
    return events.TaskReady(
        at=at,
        address="https://cdn.example.com/v.mp4?signature=s3cret",
        outputs={"video_url": "https://cdn.example.com/v.mp4?signature=s3cret", "duration_s": 2.5},
        actual=actual,
        units="3",
    )


def delivered(at: float = NOON + 70) -> Event:
    """A delivery."""
    return events.Delivered(at=at, output=FILE)


async def live(store: Store, job: Job, *story: Event) -> Job:
    """Commit the events one by one, as a run does; gives the job after them."""
    for event in story:
        step = move(job, event)
        await store.commit(step)
        job = step.after
    return job


@dataclass(frozen=True)
class Place:
    """A manifest and the folder of its state.

    Args:
        base: The manifest's folder.
        name: The manifest's name.
    """

    base: Path
    name: str = "autumn"

    @property
    def manifest(self) -> Path:
        """The manifest's path."""
        return self.base / f"{self.name}.yaml"

    @property
    def folder(self) -> Path:
        """The state's folder."""
        return self.base / ".callsheet" / self.name

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "state.db"

    @property
    def witness(self) -> Path:
        """The second witness."""
        return self.folder / "submissions.jsonl"

    def open(self, *, read_only: bool = False, **more: Any) -> StateStore:
        """Open the state; `more` as for `StateStore.open`."""
        return StateStore.open(
            self.folder, manifest_name=self.name, manifest_path=str(self.manifest), read_only=read_only, **more
        )
