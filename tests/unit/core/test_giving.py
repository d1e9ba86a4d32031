"""Whether what a job has given may be used after its file is gone."""

from dataclasses import replace

import pytest

from runner.core.events import Cause, Failure
from runner.core.giving import has_given, no_more, said_no_more
from runner.core.job import Job, OutputFile, State

FILE = OutputFile(path="a.mp3", sha256="s", size_bytes=1, mtime_ns=1, media_type="audio/mpeg")
ROW = Job(id="a", fingerprint="f", uses="kling/tts", operation="kling/tts", task_id="t", output=FILE, ready_at=1.0)


def failed(cause: Cause | None) -> Failure:
    """A failure of this cause."""
    return Failure(cause=cause, code="P999", message="why")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": State.SUCCEEDED}, True),
        ({"state": State.SUCCEEDED, "output": None, "ready_at": None}, True),
        ({"state": State.RUNNING}, True),
        ({"state": State.DOWNLOADING}, True),
        ({"state": State.FAILED, "failure": failed(Cause.EXPIRED)}, True),
        ({"state": State.FAILED, "failure": failed(Cause.FETCH)}, True),
        ({"state": State.FAILED, "failure": failed(Cause.GENERATION)}, False),
        ({"state": State.FAILED, "failure": failed(None)}, False),
        ({"state": State.FAILED, "failure": failed(Cause.FETCH), "output": None}, False),
        ({"state": State.FAILED, "failure": failed(Cause.EXPIRED), "ready_at": None}, False),
        ({"state": State.RUNNING, "ready_at": None}, False),
        ({"state": State.DOWNLOADING, "output": None}, False),
        ({"state": State.PENDING}, False),
        ({"state": State.IN_DOUBT}, False),
        ({"state": State.CANCELLED}, False),
    ],
)
def test_outputs_outlive_the_file(changes: dict[str, object], *, expected: bool) -> None:
    """Only of the present attempt, once delivered, and while nobody says that they are bad."""
    assert has_given(replace(ROW, **changes)) is expected  # type: ignore[arg-type]  # fields of the row


@pytest.mark.parametrize(("giver", "expected"), [("line/1", True), ("line/10", False), ("line", False)])
def test_who_gives_no_more_is_known_by_its_id(giver: str, *, expected: bool) -> None:
    """Whatever the provider's words say beside it."""
    failure = no_more("line/1", "audio_url", "its task said `line/10`")
    assert said_no_more(failure, giver) is expected
    assert not said_no_more(None, giver)
