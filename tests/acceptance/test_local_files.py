"""Local files and a second provider, through the real command line: what a file's bytes, name and absence do."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.commandline import REPOSITORY, CommandLine
from tests.contents import picture, recording

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
version: 1
name: faces
providers:
  kling-eu: {type: kling, base_url: https://api-singapore.klingai.com}
jobs:
  hello:
    uses: digital-human/avatar
    with: {avatar_url: "https://pictures.example.com/sandbox:task-s=0.1/a.png", audio_url: https://sounds.example.com/a.mp3}
  anna:
    uses: kling-eu/avatar
    with:
      image: {file: assets/anna.png}
      sound_file: {file: assets/anna.mp3}
      prompt: "PROMPT sandbox:task-s=0.1"
      mode: pro
      watermark_info: {enabled: true}
      callback_url: https://hooks.example.com/k
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a manifest and two files that a job sends."""
    folder = tmp_path / "work"
    (folder / "assets").mkdir(parents=True)
    for name in ("home", "logs"):
        (tmp_path / name).mkdir()
    (folder / "assets" / "anna.png").write_bytes(picture())
    (folder / "assets" / "anna.mp3").write_bytes(recording("mp3", "libmp3lame"))
    write(folder)
    return folder


@pytest.fixture
def callsheet(work: Path) -> CommandLine:
    """The command line, in that folder, with both keys."""
    keys = {"DIGITAL_HUMAN_TOKEN": "one", "KLING_API_KEY": "two"}
    return CommandLine(work, work.parent / "home", work.parent / "logs", keys)


def write(folder: Path, *changes: tuple[str, str], prompt: str = "smiles") -> None:
    """Write the manifest with these changes."""
    text = MANIFEST.replace("PROMPT", prompt)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "faces.yaml").write_text(text, encoding="utf-8")


def actions(callsheet: CommandLine, *options: str) -> dict[str, tuple[str, str]]:
    """What `plan --json` would do with each job, and why."""
    plan = json.loads(callsheet("plan", "faces.yaml", "--json", *options).expect(0).stdout)
    return {job["id"]: (job["action"], job["reason"]) for job in plan["jobs"]}


def report_of(folder: Path) -> dict[str, Any]:
    """The jobs of the report, by id."""
    report = json.loads((folder / "outputs" / "faces.sandbox" / "report" / "report.json").read_text())
    return {job["id"]: job for job in report["jobs"]}


def creates(folder: Path) -> list[dict[str, Any]]:
    """The creates that the sandbox has seen."""
    lines = (folder / ".callsheet" / "faces.sandbox" / "sandbox.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == "create"]


def test_two_providers_in_one_campaign(work: Path, callsheet: CommandLine) -> None:
    """Both accounts make their videos; Kling gets bytes and our id and counts in units; a second run asks nobody."""
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    jobs = report_of(work)
    assert {job_id: job["state"] for job_id, job in jobs.items()} == {"hello": "succeeded", "anna": "succeeded"}
    for job in jobs.values():
        assert (work / job["output"]["path"]).stat().st_size == job["output"]["size_bytes"]
    anna = jobs["anna"]
    assert anna["outputs"]["duration_s"] == pytest.approx(anna["output"]["duration_s"], abs=0.11)
    assert int(anna["cost"]["units"]) > 0
    (asked,) = [entry["body"] for entry in creates(work) if entry["api"] == "kling"]
    assert asked["external_task_id"].startswith("cs-")
    assert asked["image"].startswith("sha256:")
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    assert len(creates(work)) == 2


def test_renaming_a_file_changes_nothing_and_a_byte_makes_the_job_anew(work: Path, callsheet: CommandLine) -> None:
    """The plan follows what a file holds, not what it is called or who is called back."""
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    assert {action for action, _ in actions(callsheet, "--sandbox").values()} == {"up-to-date"}
    (work / "assets" / "anna.png").rename(work / "assets" / "presenter.png")
    write(work, ("assets/anna.png", "assets/presenter.png"), ("hooks.example.com/k", "hooks.example.com/other"))
    assert {action for action, _ in actions(callsheet, "--sandbox").values()} == {"up-to-date"}
    (work / "assets" / "presenter.png").write_bytes(picture(width=301))
    planned = actions(callsheet, "--sandbox")
    assert {job_id: action for job_id, (action, _) in planned.items()} == {"hello": "up-to-date", "anna": "recreate"}
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    assert [entry["api"] for entry in creates(work)].count("kling") == 2


def test_a_missing_file_blocks_a_plan_and_stops_a_run(work: Path, callsheet: CommandLine) -> None:
    """`plan` shows the job as blocked; `validate` and `run` end with the finding and its place, and no state is made."""
    (work / "assets" / "anna.mp3").unlink()
    assert actions(callsheet)["anna"] == ("blocked", "file `assets/anna.mp3` is not there")
    assert actions(callsheet)["hello"][0] == "create"
    for command in (("validate",), ("run", "--sandbox")):
        finished = callsheet(command[0], "faces.yaml", *command[1:]).expect(4)
        said = finished.stdout + finished.stderr
        assert "M501" in said
        assert "faces.yaml:13:26" in said
    assert not (work / ".callsheet").exists()


def test_a_paid_job_goes_on_without_its_file(work: Path, callsheet: CommandLine) -> None:
    """What was submitted before its picture went away is one entry of the plan, comes home, and is not paid again."""
    write(work, prompt="sandbox:task-s=3")
    callsheet("run", "faces.yaml", "--sandbox", "--deadline", "1.5s").expect(5)
    assert report_of(work)["anna"]["state"] == "running"
    (work / "assets" / "anna.png").unlink()
    plan = json.loads(callsheet("plan", "faces.yaml", "--json", "--sandbox").expect(0).stdout)
    (entry,) = [job for job in plan["jobs"] if job["id"] == "anna"]
    assert entry["action"] == "reattach"
    assert "file `assets/anna.png` is not there" in entry["reason"]
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    assert [job["state"] for job in report_of(work).values()] == ["succeeded", "succeeded"]
    assert len(creates(work)) == 2
    assert actions(callsheet, "--sandbox")["anna"] == ("blocked", "file `assets/anna.png` is not there")
    assert "M501" in callsheet("run", "faces.yaml", "--sandbox").expect(4).stderr


def test_a_job_that_is_not_selected_needs_no_file(work: Path, callsheet: CommandLine) -> None:
    """What a run is not about does not keep it from running."""
    (work / "assets" / "anna.mp3").unlink()
    callsheet("run", "faces.yaml", "--sandbox", "--select", "hello").expect(0)
    assert report_of(work)["hello"]["state"] == "succeeded"


def test_a_video_stays_known_when_its_picture_is_gone(work: Path, callsheet: CommandLine) -> None:
    """A job that was made before its file went away is still reported as made."""
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    (work / "assets" / "anna.png").unlink()
    told = json.loads(callsheet("status", "faces.yaml", "--sandbox", "--json").expect(0).stdout)
    assert {job["id"]: job["state"] for job in told["jobs"]} == {"hello": "succeeded", "anna": "succeeded"}


def test_a_file_that_changes_during_a_run_is_not_sent(work: Path, callsheet: CommandLine) -> None:
    """Planned with one picture, a job never sends another: it fails unsent, and the next run makes it as it is then."""
    first = "  first:\n    uses: kling-eu/avatar\n    with: {image: https://x.example/a.png, audio_id: a, prompt: 'sandbox:task-s=2'}\n"
    write(work, ("klingai.com}", "klingai.com, limits: {in_flight: 1}}"), ("  anna:\n", f"{first}  anna:\n"))
    run = callsheet.start("run", "faces.yaml", "--sandbox", "--progress", "plain")
    run.wait_for_words("submit  first")
    (work / "assets" / "anna.png").write_bytes(picture(width=302))
    finished = run.wait().expect(1)
    assert "failed  anna  P602 nothing was sent: file assets/anna.png has changed" in finished.stderr
    assert [entry["body"]["audio_id"] for entry in creates(work) if entry["api"] == "kling"] == ["a"]
    callsheet("run", "faces.yaml", "--sandbox").expect(0)
    assert {job["state"] for job in report_of(work).values()} == {"succeeded"}
    assert [entry["api"] for entry in creates(work)].count("kling") == 2


@pytest.mark.parametrize(
    ("prompt", "code", "state"),
    [
        ("sandbox:policy", "P202", "failed"),
        ("sandbox:moderated", "P307", "failed"),
        ("sandbox:kling-1102", None, "pending"),
        ("sandbox:forbidden", None, "pending"),
        ("sandbox:reset", None, "succeeded"),
    ],
)
def test_how_kling_says_no(work: Path, callsheet: CommandLine, prompt: str, code: str | None, state: str) -> None:
    """A refusal of the item fails it, one of the account or operation leaves it pending, a lost reply is looked up."""
    write(work, prompt=prompt)
    finished = callsheet("run", "faces.yaml", "--sandbox")
    jobs = report_of(work)
    error = jobs["anna"]["error"]
    assert (jobs["anna"]["state"], error and error["code"]) == (state, code)
    assert jobs["hello"]["state"] == "succeeded"
    assert finished.code == {"failed": 1, "pending": 5, "succeeded": 0}[state]


@pytest.mark.parametrize(("name", "jobs"), [("the-whole-language", 7), ("local-files", 6)])
def test_examples_validate_and_plan(work: Path, callsheet: CommandLine, name: str, jobs: int) -> None:
    """The example manifests hold and plan through the command line, prices and budget included."""
    shutil.copytree(REPOSITORY / "tests" / "examples" / "valid" / name, work, dirs_exist_ok=True)
    (work / "manifest.yaml").rename(work / "faces.yaml")
    callsheet("validate", "faces.yaml").expect(0)
    planned = actions(callsheet)
    assert len(planned) == jobs
    assert {action for action, _ in planned.values()} == {"create"}


def test_an_account_without_voices_says_so(work: Path, callsheet: CommandLine) -> None:
    """Hosts of videos have no voices: nothing is listed, and that is said."""
    with (work / "faces.yaml").open("a", encoding="utf-8") as manifest:
        manifest.write("  clip:\n    uses: video/generate\n    with: {model: veo3.1, prompt: a boat}\n")
    finished = callsheet("voices", "faces.yaml", "video", "--sandbox")
    assert (finished.code, finished.stdout) == (0, "")
    assert finished.stderr == "Account `video` lists no voices.\n"
