"""The lock file and renamed jobs, from outside: a fresh checkout and a new id pay for nothing again."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from tests.fakeapi.script import Break, Reaction, accepted, always
from tests.stage import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stage import Stage


def lock_path(stage: Stage) -> Path:
    """The manifest's lock file."""
    return stage.campaign.folder / "campaign.lock.jsonl"


def lines(stage: Stage) -> list[dict[str, Any]]:
    """Its lines."""
    return [json.loads(line) for line in lock_path(stage).read_text(encoding="ascii").splitlines()]


def _seen(stage: Stage) -> tuple[int, int, int]:
    """How many submissions, polls and downloads the remote side saw."""
    return len(stage.ledger.creates), len(stage.ledger.polls), len(stage.ledger.fetches)


def forget_state(stage: Stage) -> None:
    """What a fresh checkout lacks."""
    shutil.rmtree(stage.campaign.folder / ".callsheet")


def planned(stage: Stage) -> dict[str, tuple[str, str]]:
    """Action and reason by job id."""
    told = json.loads(stage.callsheet("plan", "campaign.yaml", "--json").expect(0).stdout)
    return {job["id"]: (job["action"], job["reason"]) for job in told["jobs"]}


def test_a_fresh_checkout_with_its_videos_sends_nothing(make_stage: Callable[..., Stage]) -> None:
    """Manifest, lock file and videos are there, the state is not: everything is up to date, and the API is not even asked."""
    stage = make_stage(jobs=3)
    stage.run()
    before, seen = lock_path(stage).read_bytes(), _seen(stage)
    forget_state(stage)
    assert {action for action, _ in planned(stage).values()} == {"up-to-date"}
    finished = stage.run()
    assert "CACHED=3" in finished.stdout
    assert _seen(stage) == seen
    assert lock_path(stage).read_bytes() == before


def test_a_fresh_checkout_without_its_videos_fetches_them(make_stage: Callable[..., Stage]) -> None:
    """Without the videos they come again from the tasks that are paid, byte for byte."""
    stage = make_stage(jobs=3)
    stage.run()
    before = {line["id"]: line["output"]["sha256"] for line in lines(stage)}
    forget_state(stage)
    shutil.rmtree(stage.places.outputs)
    assert {action for action, _ in planned(stage).values()} == {"download"}
    stage.run()
    assert len(stage.ledger.creates) == 3
    assert {line["id"]: line["output"]["sha256"] for line in lines(stage)} == before
    assert {job["id"]: job["output"]["sha256"] for job in stage.report()["jobs"]} == before


def test_only_new_and_changed_jobs_are_paid_on_a_fresh_checkout(make_stage: Callable[..., Stage]) -> None:
    """The lock file speaks for the jobs that it has; a new row and a changed one are submitted, and the diff is their lines."""
    stage = make_stage(jobs=3)
    stage.run()
    before = lines(stage)
    forget_state(stage)
    stage.campaign.rows["p02"] = "Hello, person 02, how have you been?"
    stage.campaign.rows["p04"] = "Hello, person 04, nice to meet you."
    stage.campaign.write()
    actions = {name: action for name, (action, _) in planned(stage).items()}
    assert actions == {
        "hello/p01": "up-to-date",
        "hello/p02": "recreate",
        "hello/p03": "up-to-date",
        "hello/p04": "create",
    }
    stage.run()
    assert len(stage.ledger.creates) == 5
    after = lines(stage)
    assert [(line["id"], line["fingerprint"]) for line in after] == sorted(
        (it["id"], it["fingerprint"]) for it in after
    )
    assert all(line in after for line in before)
    assert [line["id"] for line in after if line not in before] == ["hello/p02", "hello/p04"]


def test_the_lock_file_holds_no_secret_and_no_address(make_stage: Callable[..., Stage]) -> None:
    """What goes to git has neither the credential nor anything that could be fetched."""
    stage = make_stage(jobs=2)
    stage.run()
    text = lock_path(stage).read_text(encoding="ascii")
    assert SECRET not in text
    assert "://" not in text
    assert stage.server.cdn_origin.partition("://")[2] not in text


def test_a_stopped_run_tells_what_is_home(make_stage: Callable[..., Stage]) -> None:
    """After `--limit 2` two jobs stand in the lock file, after the next run all."""
    stage = make_stage(jobs=4)
    stage.run("--limit", "2")
    assert len(lines(stage)) == 2
    stage.run()
    assert len(lines(stage)) == 4


def test_a_broken_lock_file_stops_validate_plan_and_run(make_stage: Callable[..., Stage]) -> None:
    """A merge that was not finished: exit 4 with file and line, nothing is sent, and no state is made."""
    stage = make_stage(jobs=2)
    stage.run()
    forget_state(stage)
    with lock_path(stage).open("a", encoding="ascii") as file:
        file.write("=======\n")
    for command in ("validate", "plan", "run"):
        finished = stage.callsheet(command, "campaign.yaml").expect(4)
        assert "campaign.lock.jsonl:3" in finished.stdout + finished.stderr
    assert len(stage.ledger.creates) == 2
    assert not stage.places.state.exists()
    path = lock_path(stage)
    path.write_text("".join(path.read_text(encoding="ascii").splitlines(keepends=True)[:2]), encoding="ascii")
    stage.run()


def test_a_sandbox_run_neither_reads_nor_writes_it(make_stage: Callable[..., Stage]) -> None:
    """What the sandbox makes is worth nothing, and what was paid says nothing about it."""
    stage = make_stage(jobs=1)
    stage.callsheet("run", "campaign.yaml", "--sandbox").expect(0)
    assert not lock_path(stage).exists()
    stage.run()
    before = lock_path(stage).read_bytes()
    stage.callsheet("run", "campaign.yaml", "--sandbox").expect(0)
    assert lock_path(stage).read_bytes() == before


def test_a_renamed_job_is_not_paid_again(make_stage: Callable[..., Stage]) -> None:
    """`moved:` carries tasks and files over; the plan says so; a later run without `moved:` knows the new ids."""
    stage = make_stage(jobs=2)
    stage.run()
    digests = {job["id"].rpartition("/")[2]: job["output"]["sha256"] for job in stage.report()["jobs"]}
    manifest = stage.campaign.manifest
    stage.campaign.rename("welcome")
    assert {action for name, (action, _) in planned(stage).items() if name.startswith("welcome/")} == {"create"}
    manifest["moved"] = [{"from": "hello", "to": "welcome"}]
    stage.campaign.write()
    plan = planned(stage)
    assert set(plan) == {"welcome/p01", "welcome/p02"}
    assert all("moved from `hello/p0" in reason for _, reason in plan.values()), plan
    stage.run()
    del manifest["moved"]
    stage.campaign.write()
    stage.run()
    assert len(stage.ledger.creates) == 2
    told = {job["id"]: job["output"] for job in stage.report()["jobs"]}
    assert {name: output["sha256"] for name, output in told.items()} == {
        f"welcome/{key}": digest for key, digest in digests.items()
    }
    assert all((stage.campaign.folder / output["path"]).is_file() for output in told.values())
    assert [line["id"] for line in lines(stage)] == ["welcome/p01", "welcome/p02"]


def test_a_running_task_goes_on_under_its_new_id(make_stage: Callable[..., Stage]) -> None:
    """A task that was paid and not brought home when its job was renamed belongs to the new id."""
    stage = make_stage(jobs=1)
    stage.script(always(accepted(seconds=4)))
    stage.run("--deadline", "2s", code=5)
    stage.campaign.manifest["moved"] = [{"from": "hello/p01", "to": "welcome/p01"}]
    stage.campaign.rename("welcome")
    assert planned(stage)["welcome/p01"][0] == "reattach"
    stage.run()
    assert len(stage.ledger.creates) == 1
    assert [job["id"] for job in stage.report()["jobs"]] == ["welcome/p01"]


def test_moved_jobs_that_are_still_made_are_findings(make_stage: Callable[..., Stage]) -> None:
    """An id that `moved:` gives away must not be made any more; else a new id that no job has is a warning at its place."""
    stage = make_stage(jobs=1)
    stage.campaign.manifest["moved"] = [{"from": "hello/p01", "to": "welcome/p01"}]
    stage.campaign.write()
    finished = stage.callsheet("validate", "campaign.yaml", "--format", "concise").expect(4)
    assert "M330" in finished.stdout
    stage.campaign.manifest["moved"] = [{"from": "greeting/p01", "to": "welcome/p01"}]
    stage.campaign.write()
    finished = stage.callsheet("validate", "campaign.yaml", "--format", "concise").expect(0)
    assert "M331" in finished.stdout


def test_a_saved_plan_holds_across_renames_and_the_lock_file(make_stage: Callable[..., Stage]) -> None:
    """A plan that was made where the state has still to learn new ids and receipts is the plan of the run that learns them."""
    stage = make_stage(jobs=2)
    stage.run()
    stage.campaign.manifest["moved"] = [{"from": "hello", "to": "welcome"}]
    stage.campaign.rename("welcome")
    stage.callsheet("plan", "campaign.yaml", "-o", "renamed.json").expect(0)
    stage.callsheet("run", "renamed.json").expect(0)
    forget_state(stage)
    stage.campaign.rows["p03"] = "Hello, person 03, nice to meet you."
    stage.campaign.write()
    stage.callsheet("plan", "campaign.yaml", "-o", "fresh.json").expect(0)
    stage.callsheet("run", "fresh.json").expect(0)
    assert len(stage.ledger.creates) == 3
    assert {job["state"] for job in stage.report()["jobs"]} == {"succeeded"}


def test_a_saved_plan_is_refused_when_the_lock_file_has_moved(make_stage: Callable[..., Stage]) -> None:
    """A line less in the lock file of a fresh checkout is a payment more: not what was planned."""
    stage = make_stage(jobs=2)
    stage.run()
    forget_state(stage)
    stage.callsheet("plan", "campaign.yaml", "-o", "plan.json").expect(0)
    whole = lock_path(stage).read_text(encoding="ascii")
    lock_path(stage).write_text(whole.splitlines(keepends=True)[0], encoding="ascii")
    stage.callsheet("run", "plan.json").expect(4)
    assert len(stage.ledger.creates) == 2
    lock_path(stage).write_text(whole, encoding="ascii")
    stage.run()


def test_inputs_that_came_back_are_not_paid_on_a_fresh_checkout(make_stage: Callable[..., Stage]) -> None:
    """A, B, A again, and a fresh checkout that goes back to B once more: each is paid once."""
    stage = make_stage(jobs=1)
    first = dict(stage.campaign.rows)
    stage.run()
    stage.campaign.rows["p01"] = "Hello, person 01, how have you been?"
    stage.campaign.write()
    stage.run()
    stage.campaign.rows.update(first)
    stage.campaign.write()
    stage.run()
    for text in ("Hello, person 01, how have you been?", first["p01"]):
        forget_state(stage)
        stage.campaign.rows["p01"] = text
        stage.campaign.write()
        stage.run()
    assert len(stage.ledger.creates) == 2


def test_what_a_colleague_paid_stays_beside_a_doubt(make_stage: Callable[..., Stage]) -> None:
    """This state is in doubt about a job that the pulled lock file has: the doubt stays, the line stays, and nothing is paid."""
    stage = make_stage(jobs=1)
    stage.run()
    theirs = lock_path(stage).read_bytes()
    forget_state(stage)
    lock_path(stage).unlink()
    stage.script(always(Reaction(task=None, reply=Break.RESET)))
    stage.run(code=6)
    lock_path(stage).write_bytes(theirs)
    stage.run(code=6)
    assert lines(stage) == [json.loads(theirs)]
    forget_state(stage)
    stage.run()
    assert len(stage.ledger.creates) == 2
