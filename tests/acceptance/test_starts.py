"""What keeps a run from starting, what stops it, and how a second one behaves."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, Break, Reaction, TaskPlan, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage

BAD_MANIFEST = """\
version: 1
name: acceptance
jobs:
  first:
    uses: digital-human/avatar
    with:
      avatr_url: https://pictures.example.com/a.png
      audio_url: https://sounds.example.com/a.mp3
  second:
    uses: digital-human/avatar
    with:
      avatar_url: https://pictures.example.com/a.png
      audio_url: https://sounds.example.com/a.mp3
      use_voice: {voice_engine_id: v, audio_id: a, language: en, text: Hi}
"""


@pytest.mark.parametrize("command", ["run", "validate", "plan"])
def test_bad_manifest(stage: Stage, command: str) -> None:
    """A bad manifest is exit 4 with every finding's file, line and column, and nothing is sent."""
    stage.campaign.path.write_text(BAD_MANIFEST, encoding="utf-8")
    finished = stage.callsheet(command, "campaign.yaml").expect(4)
    said = finished.stdout + finished.stderr
    assert "campaign.yaml:7:7" in said
    assert "campaign.yaml:14:7" in said
    assert not stage.ledger.creates


def test_bad_row(stage: Stage) -> None:
    """A row that is too short is exit 4 with the CSV's line; nothing is sent, not even for the good rows."""
    with (stage.campaign.folder / "people.csv").open("a", encoding="utf-8") as file:
        file.write("p05\n")
    finished = stage.callsheet("run", "campaign.yaml").expect(4)
    assert "people.csv:6" in finished.stdout + finished.stderr
    assert not stage.ledger.creates


def test_duplicate_id(stage: Stage) -> None:
    """Two rows with one id are exit 4, and nothing is sent."""
    with (stage.campaign.folder / "people.csv").open("a", encoding="utf-8") as file:
        file.write("p01,Hello once more\n")
    finished = stage.callsheet("run", "campaign.yaml").expect(4)
    assert "people.csv:6" in finished.stdout + finished.stderr
    assert not stage.ledger.creates


def test_missing_credential(stage: Stage) -> None:
    """Without its credential a run is exit 78 before anything is sent, and names what is missing; `validate` needs none."""
    finished = stage.callsheet("run", "campaign.yaml", environment={}).expect(78)
    assert "DIGITAL_HUMAN_TOKEN" in finished.stderr
    assert not stage.ledger.creates
    stage.callsheet("validate", "campaign.yaml", environment={}).expect(0)


@pytest.mark.parametrize("arguments", [("run", "campaign.yaml", "--no-such-option"), ("no-such-command",), ("run",)])
def test_wrong_command_line(stage: Stage, arguments: tuple[str, ...]) -> None:
    """A wrong command line is exit 2."""
    stage.callsheet(*arguments).expect(2)


def test_manifest_path_may_be_absolute(stage: Stage) -> None:
    """From another working directory the same manifest finds the same state."""
    stage.run()
    stage.callsheet.folder = stage.campaign.folder.parent
    stage.callsheet("run", str(stage.campaign.path)).expect(0)
    stage.callsheet.folder = stage.campaign.folder
    assert len(stage.ledger.creates) == 4


def test_same_name_elsewhere_is_refused(stage: Stage) -> None:
    """Another manifest file with the same name is exit 4, names both, and sends nothing."""
    stage.run()
    other = stage.campaign.folder / "other.yaml"
    other.write_bytes(stage.campaign.path.read_bytes())
    finished = stage.callsheet("run", "other.yaml").expect(4)
    assert "campaign.yaml" in finished.stderr
    assert "other.yaml" in finished.stderr
    assert len(stage.ledger.creates) == 4


def test_two_runs_at_once(make_stage: Callable[..., Stage]) -> None:
    """The second run is exit 75 and names the holder's process; when that is killed, the next one needs no unlocking."""
    stage = make_stage(jobs=2)
    stage.script(always(accepted(seconds=60.0)))
    holder = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.accepted) == 2)
    second = stage.run(code=75)
    assert str(holder.pid) in second.stderr
    holder.kill()
    assert holder.wait().code == -signal.SIGKILL
    stage.server.end_tasks()
    stage.recover()
    assert len(stage.ledger.creates) == 2


def test_status_works_while_a_run_is_on(make_stage: Callable[..., Stage]) -> None:
    """`status` reads beside a run, and the run does not mind."""
    stage = make_stage(jobs=2)
    stage.script(always(accepted(seconds=60.0)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.polls) > 2)
    assert stage.states() == {"running": 2}
    stage.server.end_tasks()
    running.wait().expect(0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_while_tasks_run(make_stage: Callable[..., Stage], number: signal.Signals, code: int) -> None:
    """A signal ends the run in good order and does not wait for its tasks; the next run goes on with them."""
    stage = make_stage(jobs=4, in_flight=2)
    stage.script(always(accepted(seconds=60.0)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.polls) >= 2)
    running.send(number)
    running.wait(20.0).expect(code)
    assert stage.states() == {"running": 2, "pending": 2}
    stage.audit()
    stage.server.end_tasks()
    stage.script(always(ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == 4


def test_signal_while_a_submission_is_on_the_wire(make_stage: Callable[..., Stage]) -> None:
    """A submission that was begun is waited for: its late reply becomes a task id and no doubt."""
    stage = make_stage(jobs=3, in_flight=1)
    stage.script(always(Reaction(task=TaskPlan(), reply_after_s=1.0)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.accepted) == 1)
    running.send(signal.SIGTERM)
    running.wait(10.0).expect(143)
    assert stage.states() == {"running": 1, "pending": 2}
    stage.script(always(ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == 3


def test_second_signal_leaves_at_once(make_stage: Callable[..., Stage]) -> None:
    """A second signal does not wait for the wire; what was on it is in doubt at the next run."""
    stage = make_stage(jobs=1)
    stage.campaign.account["timeouts"]["submit_s"] = 60
    stage.campaign.write()
    stage.script(always(Reaction(task=TaskPlan(), reply=Break.SILENCE)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.accepted) == 1)
    running.send(signal.SIGINT)
    running.wait_for_words("Waiting for 1 submission")
    running.send(signal.SIGINT)
    running.wait(10.0).expect(130)
    stage.recover()
    assert len(stage.ledger.creates) == 1
