"""What a run tells to type next: the command that goes on with it, and does not make more, or for more money, unasked."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from tests.commandline import Finished
    from tests.unit.cli.shell import Shell

TEXTS = {"anna": "Hi, I am Anna.", "ben": "Hi, I am Ben.", "cai": "Hi, I am Cai."}


def next_words(finished: Finished) -> list[str]:
    """The only command after `next:`, as a shell reads it."""
    (line,) = re.findall(r"^ *next: (.*)$", finished.stdout, flags=re.MULTILINE)
    return shlex.split(line)


@pytest.mark.parametrize(
    "given",
    [
        ["--budget", "0.10"],
        ["--select", "anna", "--select", "c*,uses:*/avatar", "--budget", "0.10 USD"],
        [
            "--exclude",
            "ben",
            "--retry-failed",
            "--budget",
            "0.10",
            "--sandbox",
            "-V",
            "face=https://faces.example.com/it's.png",
        ],
    ],
)
def test_a_run_that_stopped_goes_on_within_its_bounds(shell: Shell, given: list[str]) -> None:
    """The budget, the choice of jobs, the leave to retry and the variables are given again, and the command does what the run did."""
    shell.write(**TEXTS)
    options = [*given, "--sandbox"] if "--sandbox" not in given else given
    first = shell("run", MANIFEST, *options, code=5)
    assert sorted(next_words(first)) == sorted(["callsheet", "run", MANIFEST, *options])
    assert "with a `--budget` above 0.10 USD: no further job fits into that" in first.stdout
    assert next_words(shell(*next_words(first)[1:], code=5)) == next_words(first)


def test_without_a_budget_none_is_spoken_of(shell: Shell) -> None:
    """What a limit has left is not a matter of money."""
    shell.write(**TEXTS)
    stopped = shell("run", MANIFEST, "--sandbox", "--select", "anna", "--limit", "0")
    assert next_words(stopped) == ["callsheet", "run", MANIFEST, "--select", "anna", "--sandbox"]
    assert "larger" not in stopped.stdout


@pytest.mark.parametrize(
    ("planned", "given", "kept"),
    [("0.10", None, "0.10"), ("0.10", "0.05", "0.05"), ("0.10", "2.00", "0.10"), (None, "0.10", "0.10")],
)
def test_a_saved_plan_that_stopped_is_planned_anew(
    shell: Shell, planned: str | None, given: str | None, kept: str
) -> None:
    """It is used up: the command makes another with the same options and the stricter budget, in the same file."""
    shell.write(**TEXTS)
    options = ["--select", "anna", "--select", "ben", "-V", "face=https://faces.example.com/b.png", "--sandbox"]
    budget = [] if planned is None else ["--budget", planned]
    shell("plan", MANIFEST, *options, *budget, "-o", "a plan.json")
    stopped = shell("run", "a plan.json", *([] if given is None else ["--budget", given]), code=5)
    again = next_words(stopped)
    assert again == ["callsheet", "plan", MANIFEST, *options, "--budget", kept, "-o", "a plan.json"]
    shell(*again[1:])
    saved = json.loads((shell.folder / "a plan.json").read_text(encoding="utf-8"))
    assert [job["id"] for job in saved["jobs"]] == ["anna", "ben"]


def rename_account(shell: Shell, **more: str) -> None:
    """Call the account `other`, which leaves every fingerprint as it is; `more` are jobs that need `anna`."""
    path = shell.folder / MANIFEST
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["providers"] = {"other": {"type": "digital-human"}}
    document["prices"] = {"other/avatar": {"per_job": "0.20"}}
    for name, text in more.items():
        document["jobs"][name] = json.loads(json.dumps(document["jobs"]["anna"]))
        document["jobs"][name]["with"]["create_voice"]["text"] = text
        document["jobs"][name]["needs"] = ["anna"]
    for job in document["jobs"].values():
        job["uses"] = "other/avatar"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def lose_outputs(shell: Shell) -> None:
    """The videos are gone."""
    shutil.rmtree(shell.folder / "outputs" / "spring.sandbox")


def test_a_delivered_job_whose_file_is_gone_for_good_is_not_done(shell: Shell) -> None:
    """Its account is gone, so nobody can fetch it again: exit 1 and its reason; with the account back the same command brings the file."""
    shell.write(**TEXTS)
    shell("run", MANIFEST, "--sandbox")
    before = (shell.folder / MANIFEST).read_text(encoding="utf-8")
    rename_account(shell)
    assert "CACHED=3" in shell("run", MANIFEST, "--sandbox").stdout, "while the files are there, all is done"
    lose_outputs(shell)
    said = shell("run", MANIFEST, "--sandbox", code=1)
    assert "P402 the result could not be fetched: 3 jobs" in said.stdout
    assert "its file is missing; its task was submitted on account `digital-human`" in said.stdout
    assert said.stdout.endswith("Done. OK=0 FAILED=3 DOUBT=0 SKIPPED=0 CACHED=0 TOTAL=3 COST=0 EXIT=1\n")
    (shell.folder / MANIFEST).write_text(before, encoding="utf-8")
    shell(*next_words(said)[1:])
    assert (shell.folder / "outputs" / "spring.sandbox" / "anna.mp4").exists()


def test_what_needs_a_job_whose_file_is_gone_is_made_all_the_same(shell: Shell) -> None:
    """The needed job was delivered once, and gave what it gives; that its file is missing is told of it alone."""
    shell.write(anna=TEXTS["anna"])
    shell("run", MANIFEST, "--sandbox")
    rename_account(shell, dora="Hi, I am Dora.")
    lose_outputs(shell)
    said = shell("run", MANIFEST, "--sandbox", code=1)
    assert said.stdout.endswith("Done. OK=1 FAILED=1 DOUBT=0 SKIPPED=0 CACHED=0 TOTAL=2 COST=0.20 EXIT=1\n")
    report = json.loads((shell.folder / "outputs" / "spring.sandbox" / "report" / "report.json").read_text())
    assert {job["id"]: job["state"] for job in report["jobs"]} == {"anna": "failed", "dora": "succeeded"}


def test_a_plan_says_that_a_blocked_job_is_made_later(shell: Shell) -> None:
    """What waits for a credential is made once it is there, also by the saved plan: plan and command say so."""
    shell.write(**TEXTS)
    said = shell("plan", MANIFEST, "-o", "plan.json")
    assert "not found, this waits until it is there" in said.stdout
    assert "0.60 of it for blocked jobs, made as soon as nothing blocks them" in said.stdout
    assert "a job that waits for a credential is done as soon as that is there" in said.stderr
    ready = shell("plan", MANIFEST, "--sandbox", "-o", "ready.json")
    assert "waits" not in ready.stdout + ready.stderr
