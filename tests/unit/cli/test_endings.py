"""Exit codes where several would fit, and what a run leaves behind that could not begin."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from runner.store.lock import hold_lock
from tests.fakeapi.script import ACCEPT, Break, Reaction, TaskPlan, accepted, accepted_but, always, by_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


def spoil(stage: Stage) -> None:
    """Add a row that is too short."""
    with (stage.campaign.folder / "people.csv").open("a", encoding="utf-8") as file:
        file.write("p99\n")


def set_price(stage: Stage, price: str | None, budget: str | None = None) -> None:
    """Give the manifest a price, a budget, or both."""
    if price is not None:
        stage.campaign.manifest["prices"] = {"digital-human/avatar": {"per_job": price}}
    if budget is not None:
        stage.campaign.manifest["budget"] = {"max": budget, "currency": "USD"}
    stage.campaign.write()


@pytest.mark.parametrize("has_state", [False, True])
def test_findings_come_before_the_lock(make_stage: Callable[..., Stage], has_state: bool) -> None:
    """While another run holds the lock an invalid manifest is exit 4, also for one that would wait; a sound one is 75."""
    stage = make_stage(jobs=1)
    if has_state:
        stage.run()
    with hold_lock(stage.places.state_folder, command="another run"):
        assert "another run" in stage.run(code=75).stderr
        spoil(stage)
        assert "people.csv:3" in stage.run(code=4).stderr
        stage.run("--wait-for-lock", code=4)


def test_invalid_manifest_claims_no_name(stage: Stage) -> None:
    """Nothing is made for a manifest that does not hold, so another one can have its name."""
    spoil(stage)
    stage.run(code=4)
    assert not stage.places.state_folder.exists()


def test_deadline_while_waiting_for_the_lock(make_stage: Callable[..., Stage]) -> None:
    """The wait counts: a deadline that passes in it is exit 75, nothing was sent."""
    stage = make_stage(jobs=1)
    with hold_lock(stage.places.state_folder, command="another run"):
        finished = stage.run("--wait-for-lock", "--deadline", "1s", code=75)
    assert finished.seconds < 10
    assert "deadline" in finished.stderr
    assert not stage.ledger.creates


@pytest.mark.parametrize("words", [("validate",), ("plan",), ("run",)])
def test_unknown_price_under_a_budget(make_stage: Callable[..., Stage], words: tuple[str, ...]) -> None:
    """Every command that looks at the jobs finds it, once for all of them, and no state is made."""
    stage = make_stage(jobs=3)
    set_price(stage, None, "5.00")
    finished = stage.callsheet(*words, "campaign.yaml").expect(4)
    assert (finished.stdout + finished.stderr).count("[M601]") == 1
    assert not stage.places.state_folder.exists()


def test_unknown_price_under_a_budget_of_the_command_line(make_stage: Callable[..., Stage]) -> None:
    """`plan --budget` finds it as `run --budget` does."""
    stage = make_stage(jobs=1)
    stage.callsheet("plan", "campaign.yaml", "--budget", "5").expect(4)
    stage.callsheet("plan", "campaign.yaml").expect(0)


def test_unusable_credential_begins_no_run(make_stage: Callable[..., Stage]) -> None:
    """A token that HTTP cannot carry is exit 78, and the state knows of no run."""
    stage = make_stage(jobs=1)
    stage.callsheet("run", "campaign.yaml", environment={"DIGITAL_HUMAN_TOKEN": "two words"}).expect(78)
    assert stage.status()["run"] is None


def test_cut_off_submission_has_a_next_step(make_stage: Callable[..., Stage]) -> None:
    """After a kill `status` says what the next run does; beside a run it says that one is at work."""
    stage = make_stage(jobs=1)
    stage.script(always(Reaction(task=TaskPlan(), reply=Break.SILENCE)))
    running = stage.start()
    stage.server.wait_for(lambda ledger: len(ledger.accepted) == 1)
    beside = stage.callsheet("status", "campaign.yaml").expect(0).stdout
    assert "still at work" in beside
    assert "next:" not in beside
    running.send(signal.SIGKILL)
    running.wait()
    after = stage.callsheet("status", "campaign.yaml").expect(0).stdout
    assert "hello/p01  submitting  cut off: the next run looks it up, or it is in doubt" in after
    assert "next: callsheet run campaign.yaml" in after


def test_repeated_job_is_resolved_once(make_stage: Callable[..., Stage]) -> None:
    """A job that is named twice is decided once."""
    stage = make_stage(jobs=1)
    stage.script(by_turn({1: accepted_but(Break.RESET)}, ACCEPT))
    stage.run(code=6)
    words = ("resolve", "campaign.yaml", "hello/p01", "hello/p01", "--abandon")
    finished = stage.callsheet(*words).expect(0)
    assert finished.stdout.count("hello/p01: given up") == 1
    stage._abandoned.add(stage.campaign.speech_of("hello/p01"))


def test_cost_is_told_once(make_stage: Callable[..., Stage]) -> None:
    """Tasks of unknown price that run on are an unknown cost in the progress and in the summary."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(seconds=60.0)))
    finished = stage.run("--deadline", "2s", "--progress", "plain", code=5)
    assert "COST=unknown" in finished.stdout
    assert "exit 5, cost unknown" in finished.stderr
    stage.server.end_tasks()


def test_estimate_of_zero_is_known(make_stage: Callable[..., Stage]) -> None:
    """Jobs that cost nothing are estimated at nothing."""
    stage = make_stage(jobs=1)
    set_price(stage, "0")
    assert "0.00 USD estimated" in stage.run().stdout


def test_plan_without_a_credential_knows_the_cost(make_stage: Callable[..., Stage]) -> None:
    """Blocked jobs keep their estimates, one by one and in the sum."""
    stage = make_stage(jobs=2)
    set_price(stage, "0.20")
    text = stage.callsheet("plan", "campaign.yaml", environment={}).expect(0).stdout
    assert (
        "Cost: 0.40 USD expected, 0.40 at most, 0.40 of it for blocked jobs, made as soon as nothing blocks them."
        in text
    )
    finished = stage.callsheet("plan", "campaign.yaml", "--json", "--exit-code", environment={}).expect(3)
    assert finished.stdout.count('"estimate": "0.20"') == 2
    assert '"cost": "0.40"' in finished.stdout
    assert finished.stdout.count('"action": "blocked"') == 2


@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_selector_that_matches_nothing(make_stage: Callable[..., Stage], command: str) -> None:
    """It is named on standard error, and only it; the exit code stays 0."""
    stage = make_stage(jobs=2)
    words = (command, "campaign.yaml", "--select", "nosuch", "--select", "hello/p01")
    finished = stage.callsheet(*words).expect(0)
    assert "no job matches --select nosuch\n" in finished.stderr
    assert "no job matches --select hello" not in finished.stderr


def test_name_selects_all_jobs_of_its_block(make_stage: Callable[..., Stage]) -> None:
    """`--select hello` is every job under `hello:`."""
    stage = make_stage(jobs=2)
    finished = stage.run("--select", "hello")
    assert len(stage.ledger.creates) == 2
    assert "no job matches" not in finished.stderr
