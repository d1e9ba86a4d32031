"""When the report is written again, and what happens when it cannot be."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, Break, accepted_but, by_turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stage import Stage

FORMS = ("report.json", "junit.xml", "summary.md", "index.html")


def stamps(stage: Stage) -> dict[str, int]:
    """When each form was written, in nanoseconds."""
    return {name: (stage.places.report / name).stat().st_mtime_ns for name in FORMS}


def test_decision_shows_in_the_report(make_stage: Callable[..., Stage]) -> None:
    """A run that finds nothing to do after `resolve --abandon` writes the report again, and the next one leaves it."""
    stage = make_stage(jobs=2)
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    stage.run(code=6)
    [job_id] = [row["id"] for row in stage.report()["jobs"] if row["state"] == "in_doubt"]
    stage.abandon(job_id)
    stage.run()
    assert stage.reported() == {"cancelled": 1, "succeeded": 1}
    before = stamps(stage)
    stage.run()
    assert stamps(stage) == before


@pytest.mark.parametrize("name", FORMS)
def test_missing_form_is_written_again(make_stage: Callable[..., Stage], name: str) -> None:
    """Whichever of the four is not there."""
    stage = make_stage(jobs=1)
    stage.run()
    (stage.places.report / name).unlink()
    stage.run()
    assert (stage.places.report / name).exists()


def test_report_that_cannot_be_written(make_stage: Callable[..., Stage]) -> None:
    """`report` and a run with nothing to do are exit 74, and say where and what to do."""
    stage = make_stage(jobs=1)
    stage.run()
    for name in FORMS:
        (stage.places.report / name).unlink()
    (stage.places.report / "posters").rename(stage.campaign.folder / "posters")
    stage.places.report.rmdir()
    stage.places.report.write_text("in the way")
    for command in ("report", "run"):
        finished = stage.callsheet(command, "campaign.yaml").expect(74)
        assert str(stage.places.report) in finished.stderr
        assert "next: " in finished.stderr
        assert "Traceback" not in finished.stderr
    stage.places.report.unlink()


def _blocked_report(stage: Stage, pipe: Path) -> dict[str, str]:
    """An environment in which the last step of the report waits until somebody reads from a pipe."""
    os.mkfifo(pipe)
    return {**stage.callsheet.environment, "GITHUB_STEP_SUMMARY": str(pipe)}


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 15
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.01)
    time.sleep(0.3)  # so that the writer has come to the pipe


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_while_the_report_is_written(
    make_stage: Callable[..., Stage], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The report is finished, the code is the signal's, and summary and state say the same."""
    stage = make_stage(jobs=1)
    pipe = tmp_path / "pipe"
    running = stage.start(environment=_blocked_report(stage, pipe))
    _wait_for(stage.places.report / "index.html")
    running.send(number)
    running.wait_for_words("The report is being finished")
    with pipe.open(encoding="utf-8") as reader:
        assert "hello/p01" in reader.read()
    finished = running.wait(10).expect(code)
    assert finished.stdout.endswith(f"EXIT={code}\n")
    assert "on the wire" not in finished.stderr
    assert stage.status()["run"]["exit_code"] == code


def test_second_signal_while_the_report_is_written(make_stage: Callable[..., Stage], tmp_path: Path) -> None:
    """It leaves at once, says what is true then, and leaves no half-written file."""
    stage = make_stage(jobs=1)
    running = stage.start(environment=_blocked_report(stage, tmp_path / "pipe"))
    _wait_for(stage.places.report / "index.html")
    running.send(signal.SIGINT)
    running.wait_for_words("The report is being finished")
    running.send(signal.SIGINT)
    finished = running.wait(10).expect(130)
    assert "`callsheet report campaign.yaml` writes it" in finished.stderr
    assert "on the wire" not in finished.stderr
    assert not list(stage.places.report.glob(".*"))
