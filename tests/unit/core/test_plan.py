"""What the next run does with a job: the table of the product contract, row by row."""

from dataclasses import replace

import pytest

from runner.core.diagnostics import Span
from runner.core.events import Cause, Failure
from runner.core.job import Job, OutputFile, State
from runner.core.plan import Action, FileState, decide
from runner.core.spec import JobSpec, Verify

SPEC = JobSpec(
    id="a",
    name="a",
    uses="digital-human/avatar",
    operation="digital-human/avatar",
    inputs={},
    fingerprint="now",
    tags=(),
    output="a",
    verify=Verify.FRAME,
    needs=(),
    source=Span("m.yaml", 1),
)
ROW = Job(id="a", fingerprint="now", uses="digital-human/avatar", operation="digital-human/avatar", task_id="t")
FILE = OutputFile(path="a.mp4", sha256="s", size_bytes=1, mtime_ns=1, media_type="video/mp4")


def failed(cause: Cause) -> Job:
    """A row that failed for this cause."""
    return replace(ROW, state=State.FAILED, failure=Failure(cause=cause, code="P999", message="why"))


@pytest.mark.parametrize(
    ("row", "file", "action", "with_retry"),
    [
        (None, FileState.MISSING, Action.CREATE, Action.CREATE),
        (replace(ROW, fingerprint="before"), FileState.MISSING, Action.RECREATE, Action.RECREATE),
        (replace(ROW, state=State.PENDING), FileState.MISSING, Action.CREATE, Action.CREATE),
        (replace(ROW, state=State.SUBMITTING), FileState.MISSING, Action.REATTACH, Action.REATTACH),
        (replace(ROW, state=State.RUNNING), FileState.MISSING, Action.REATTACH, Action.REATTACH),
        (replace(ROW, state=State.DOWNLOADING), FileState.MISSING, Action.REATTACH, Action.REATTACH),
        (replace(ROW, state=State.IN_DOUBT), FileState.MISSING, Action.IN_DOUBT, Action.IN_DOUBT),
        (replace(ROW, state=State.CANCELLED), FileState.MISSING, Action.BLOCKED, Action.BLOCKED),
        (replace(ROW, state=State.SKIPPED), FileState.MISSING, Action.CREATE, Action.CREATE),
        (replace(ROW, state=State.SUCCEEDED, output=FILE), FileState.UNCHANGED, Action.UP_TO_DATE, Action.UP_TO_DATE),
        (replace(ROW, state=State.SUCCEEDED, output=FILE), FileState.MISSING, Action.DOWNLOAD, Action.DOWNLOAD),
        (replace(ROW, state=State.SUCCEEDED, output=FILE), FileState.ALTERED, Action.DOWNLOAD, Action.DOWNLOAD),
        (
            replace(ROW, state=State.SUCCEEDED, output=replace(FILE, path="b.mp4")),
            FileState.UNCHANGED,
            Action.DOWNLOAD,
            Action.DOWNLOAD,
        ),
        (replace(ROW, state=State.SUCCEEDED, output=None), FileState.MISSING, Action.UP_TO_DATE, Action.UP_TO_DATE),
        (failed(Cause.NOT_ACCEPTED), FileState.MISSING, Action.CREATE, Action.CREATE),
        (failed(Cause.FETCH), FileState.MISSING, Action.DOWNLOAD, Action.DOWNLOAD),
        (failed(Cause.REFUSED), FileState.MISSING, Action.BLOCKED, Action.CREATE),
        (failed(Cause.GENERATION), FileState.MISSING, Action.BLOCKED, Action.CREATE),
        (failed(Cause.EXPIRED), FileState.MISSING, Action.BLOCKED, Action.CREATE),
    ],
)
def test_each_state_has_its_next_step(row: Job | None, file: FileState, action: Action, with_retry: Action) -> None:
    """With and without `--retry-failed`."""
    rows = [row] if row is not None else []
    assert decide(SPEC, rows, lambda _: file).action is action
    assert decide(SPEC, rows, lambda _: file, retry_failed=True).action is with_retry


def test_going_back_to_earlier_inputs_finds_what_was_paid_for_them() -> None:
    """A manifest that is reverted is not paid again: the row of that fingerprint is still there."""
    rows = [replace(ROW, state=State.SUCCEEDED, output=FILE), replace(ROW, fingerprint="other", state=State.SUCCEEDED)]
    assert decide(SPEC, rows, lambda _: FileState.ALTERED).action is Action.DOWNLOAD


@pytest.mark.parametrize(
    ("path", "file", "action", "with_retry"),
    [
        ("a.mp4", FileState.UNCHANGED, Action.UP_TO_DATE, Action.UP_TO_DATE),
        ("b.mp4", FileState.UNCHANGED, Action.DOWNLOAD, Action.DOWNLOAD),
        ("a.mp4", FileState.MISSING, Action.BLOCKED, Action.CREATE),
        ("a.mp4", FileState.ALTERED, Action.BLOCKED, Action.CREATE),
    ],
)
def test_a_file_of_an_api_that_cannot_be_asked_is_made_anew_when_allowed(
    path: str, file: FileState, action: Action, with_retry: Action
) -> None:
    """Nothing is promised that cannot be had; a file that is there is only moved."""
    row = replace(ROW, state=State.SUCCEEDED, output=replace(FILE, path=path))
    for retry_failed, expected in ((False, action), (True, with_retry)):
        decision = decide(SPEC, [row], lambda _: file, retry_failed=retry_failed, can_be_asked=False)
        assert (decision.action, decision.is_met) == (expected, not expected.costs)
