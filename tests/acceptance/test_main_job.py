"""The whole job: from a CSV to verified videos, and what the same command does afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import Shape, TaskPlan, accepted, always
from tests.ledgers import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


def test_twenty_jobs_from_a_csv(make_stage: Callable[..., Stage]) -> None:
    """Twenty rows make exactly twenty creates with documented fields, and twenty files as the server has them."""
    stage = make_stage(jobs=20)
    finished = stage.run()
    assert len(stage.ledger.creates) == len(stage.ledger.accepted) == 20
    assert {create.speech for create in stage.ledger.creates} == set(stage.campaign.rows.values())
    assert all(
        create.fields.keys() == {"avatar_url", "create_voice", "no_watermark"} for create in stage.ledger.creates
    )
    assert stage.reported() == {"succeeded": 20}
    assert len(stage.places.delivered()) == 20
    assert (
        finished.stdout.rstrip().splitlines()[-1].startswith("Done. OK=20 FAILED=0 DOUBT=0 SKIPPED=0 CACHED=0 TOTAL=20")
    )


def test_second_run_sends_nothing(stage: Stage) -> None:
    """A run with nothing to do asks nobody anything and leaves the report as it is."""
    stage.run()
    before = (len(stage.ledger.creates), len(stage.ledger.polls), len(stage.ledger.fetches))
    report = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in stage.places.report.rglob("*.*")}
    assert {path.name for path in report} >= {"report.json", "index.html", "junit.xml", "summary.md"}
    finished = stage.run()
    assert (len(stage.ledger.creates), len(stage.ledger.polls), len(stage.ledger.fetches)) == before
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in report} == report
    assert "CACHED=4" in finished.stdout


def test_changed_row_makes_one_more(stage: Stage) -> None:
    """A row with another text is made anew, the others are not; the new video takes the old one's place."""
    stage.run()
    stage.campaign.rows["p02"] = "Good morning, person two."
    stage.campaign.write()
    stage.run()
    assert [create.speech for create in stage.ledger.creates[4:]] == ["Good morning, person two."]
    [task] = stage.ledger.tasks_of("Good morning, person two.")
    assert stage.file_of("hello/p02").read_bytes() == task.content


@pytest.mark.parametrize("damage", ["deleted", "altered"])
def test_lost_file_is_fetched_again(stage: Stage, damage: str) -> None:
    """A file that is gone or altered comes back from the paid task, without a create."""
    stage.run()
    video = stage.file_of("hello/p03")
    if damage == "deleted":
        video.unlink()
    else:
        video.write_bytes(video.read_bytes()[:-1] + b"?")
    fetches = len(stage.ledger.fetches)
    stage.run()
    assert len(stage.ledger.creates) == 4
    assert len(stage.ledger.fetches) == fetches + 1


def test_in_flight_is_met_and_never_exceeded(make_stage: Callable[..., Stage]) -> None:
    """With sixty jobs and five at a time the server sees five, and never six."""
    stage = make_stage(jobs=60, in_flight=5)
    stage.script(always(accepted(seconds=0.15)))
    stage.run()
    assert stage.ledger.most_in_flight() == 5
    assert len(stage.ledger.creates) == 60


@pytest.mark.parametrize("shape", [Shape.FLAT, Shape.DATA])
def test_other_shapes_of_a_task(make_stage: Callable[..., Stage], shape: Shape) -> None:
    """The flat and the singly wrapped form of a task are read as well as the doubly wrapped one."""
    stage = make_stage(jobs=2)
    stage.script(always(accepted(shape=shape)))
    stage.run()
    assert stage.reported() == {"succeeded": 2}


def test_failed_generation(make_stage: Callable[..., Stage]) -> None:
    """A generation that failed ends with exit 1, is not tried again by itself, and is with `--retry-failed`."""
    stage = make_stage(jobs=2)
    stage.script(lambda _create, number: accepted(ending=-1) if number == 1 else accepted())
    stage.run(code=1)
    stage.run(code=1)
    assert len(stage.ledger.creates) == 2
    stage.run("--retry-failed")
    assert len(stage.ledger.creates) == 3
    assert sorted(row["attempts"] for row in stage.report()["jobs"]) == [1, 2]


def test_report_says_what_status_says(stage: Stage) -> None:
    """After a run the report's jobs are those of `status`, in the manifest's order."""
    stage.run()
    report, status = stage.report(), stage.status()
    assert report["jobs"] == status["jobs"]
    assert [job["id"] for job in report["jobs"]] == list(stage.campaign.current)
    assert report["run"]["exit_code"] == 0
    assert report["totals"]["submitted"] == 4


def test_cut_off_report_is_written_by_the_next_run(stage: Stage) -> None:
    """A report that is older than the state, as a kill before it was written leaves it, is renewed by the next run."""
    stage.run("--limit", "1")
    report = stage.places.report / "report.json"
    older = report.read_bytes()
    stage.run()
    report.write_bytes(older)
    stage.run()
    assert stage.reported() == {"succeeded": 4}


def test_report_is_rebuilt_without_network(stage: Stage) -> None:
    """`report` writes the same jobs again from the state, and asks nobody."""
    stage.run()
    jobs = stage.report()["jobs"]
    (stage.places.report / "report.json").unlink()
    asked = len(stage.ledger.polls) + len(stage.ledger.fetches)
    stage.callsheet("report", "campaign.yaml").expect(0)
    assert stage.report()["jobs"] == jobs
    assert len(stage.ledger.polls) + len(stage.ledger.fetches) == asked


def test_sandbox_needs_no_credential(make_stage: Callable[..., Stage]) -> None:
    """`run --sandbox` ends well without any credential, sends nothing outside, and keeps its things apart."""
    stage = make_stage(jobs=3)
    stage.run("--sandbox", environment={})
    sandbox = Places(stage.places.folder, f"{stage.places.name}.sandbox")
    assert len(sandbox.delivered()) == 3
    assert sandbox.state.exists()
    assert not stage.places.state_folder.exists()
    assert not stage.ledger.creates


def test_help_is_light(stage: Stage) -> None:
    """`--help` loads click and nothing heavy."""
    finished = stage.callsheet("--help", python=("-X", "importtime")).expect(0)
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in finished.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {"aiohttp", "av", "jinja2", "jsonschema", "jsonschema_rs", "PIL", "rich", "sqlalchemy", "yaml"}


def test_voices_are_listed(stage: Stage) -> None:
    """`voices` prints what `use_voice` can name."""
    printed = stage.callsheet("voices", "campaign.yaml", "digital-human").expect(0).stdout
    assert "Ann" in printed
    assert "eng-1" in printed
    assert "aid-1" in printed


def test_plan_tells_work_from_none(stage: Stage) -> None:
    """`plan --exit-code` is 3 while there is work and 0 afterwards; it never touches the network."""
    told = json.loads(stage.callsheet("plan", "campaign.yaml", "--json", "--exit-code").expect(3).stdout)
    assert [job["action"] for job in told["jobs"]] == ["create"] * 4
    assert not stage.ledger.creates
    stage.run()
    polls = len(stage.ledger.polls)
    told = json.loads(stage.callsheet("plan", "campaign.yaml", "--json", "--exit-code").expect(0).stdout)
    assert [job["action"] for job in told["jobs"]] == ["up-to-date"] * 4
    assert len(stage.ledger.polls) == polls


def test_slow_task_is_waited_for(make_stage: Callable[..., Stage]) -> None:
    """A task that takes a while is asked for within the account's bounds, not more often."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(seconds=1.5)))
    stage.run()
    [task] = stage.ledger.tasks.values()
    assert 3 <= task.polls <= 16
    assert isinstance(task.plan, TaskPlan)
