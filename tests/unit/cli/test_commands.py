"""Each command, typed in a folder: what it prints, what it leaves, how it exits."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from runner.schema_files import schema_names
from runner.store.store import StateStore
from tests.fakeapi.server import FakeServer
from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.shell import Shell


# --- init, validate, schema -------------------------------------------------------------------------------------------


def test_init_writes_a_campaign_that_holds(shell: Shell) -> None:
    """The example validates as it is, and the next command is printed."""
    said = shell("init").stdout
    (manifest,) = re.findall(r"wrote (\S+\.yaml)", said)
    assert f"callsheet run {manifest} --sandbox" in said
    shell("validate", manifest)
    assert (shell.folder / ".gitignore").exists()


def test_init_overwrites_nothing(shell: Shell) -> None:
    """A second time is exit 2, and every file is as it was."""
    shell("init", "there")
    before = {path: path.read_bytes() for path in shell.folder.rglob("*") if path.is_file()}
    assert "there" in shell("init", "there", code=2).stderr
    assert {path: path.read_bytes() for path in shell.folder.rglob("*") if path.is_file()} == before


def test_validate_tells_all_problems_of_all_files(shell: Shell) -> None:
    """One bad file does not hide another; a good one is counted."""
    shell.write()
    for name in ("one.yaml", "two.yaml"):
        (shell.folder / name).write_text("version: 1\nname: x\njobs: {a: {uses: nobody/knows}}\n", encoding="utf-8")
    found = shell("validate", MANIFEST, "one.yaml", "two.yaml", code=4)
    assert "one.yaml:3" in found.stdout
    assert "two.yaml:3" in found.stdout
    assert "Nothing was sent" in found.stderr


def test_validate_is_silent_on_stdout_when_all_is_well(shell: Shell) -> None:
    """Exit 0; the count goes to standard error."""
    shell.write()
    finished = shell("validate", MANIFEST)
    assert finished.stdout == ""
    assert "1 job" in finished.stderr


def test_a_manifest_that_is_not_there_is_a_finding(shell: Shell) -> None:
    """Exit 4 with its name, for every command alike."""
    for command in ("validate", "plan", "run", "status", "report"):
        finished = shell(command, "nowhere.yaml", code=4)
        assert "nowhere.yaml" in finished.stdout + finished.stderr


def test_schema_prints_the_editors_view_and_every_strict_one(shell: Shell) -> None:
    """All are JSON Schemas that stand alone."""
    assert shell.json("schema")["$schema"].endswith("2020-12/schema")
    for name in schema_names():
        assert shell.json("schema", name)["$schema"].endswith("2020-12/schema")
    assert "digital-human/avatar" in shell("schema", "nobody", code=2).stderr


# --- plan, run, status, report ----------------------------------------------------------------------------------------


def test_plan_needs_no_credential_and_makes_nothing(shell: Shell) -> None:
    """Jobs of an account without a credential are blocked; no state appears."""
    shell.write()
    before = sorted(shell.folder.rglob("*"))
    plan = shell.json("plan", MANIFEST, "--json")
    assert [(job["id"], job["action"]) for job in plan["jobs"]] == [("anna", "blocked")]
    assert "DIGITAL_HUMAN_TOKEN" in plan["jobs"][0]["reason"]
    assert sorted(shell.folder.rglob("*")) == before


def test_plan_exit_code_says_whether_there_is_work(shell: Shell) -> None:
    """3 before the run, 0 after it; without the option always 0."""
    shell.write()
    shell("plan", MANIFEST, "--sandbox")
    shell("plan", MANIFEST, "--sandbox", "--exit-code", code=3)
    shell("run", MANIFEST, "--sandbox", "--progress", "none")
    shell("plan", MANIFEST, "--sandbox", "--exit-code")


def test_plan_shows_the_cost(shell: Shell) -> None:
    """Two jobs at 0.20."""
    shell.write(anna="Hi, I am Anna.", ben="Hi, I am Ben.")
    assert "0.40 USD" in shell("plan", MANIFEST, "--sandbox", "--budget", "1").stdout


def test_a_run_in_the_sandbox_from_beginning_to_end(shell: Shell) -> None:
    """Videos, report, status; a second run sends nothing and leaves the report as it was; `report` writes it again."""
    shell.write(anna="Hi, I am Anna.", ben="Hi, I am Ben.")
    first = shell("run", MANIFEST, "--sandbox", "--progress", "json")
    assert first.stdout.splitlines()[-1].startswith("Done. OK=2 ")
    assert all(json.loads(line) for line in first.stderr.splitlines())
    outputs = shell.folder / "outputs" / "spring.sandbox"
    assert {path.name for path in outputs.glob("*.mp4")} == {"anna.mp4", "ben.mp4"}
    page, told = outputs / "report" / "index.html", shell.json("status", MANIFEST, "--sandbox", "--json")
    assert [job["state"] for job in told["jobs"]] == ["succeeded", "succeeded"]
    before = page.stat().st_mtime_ns
    assert "CACHED=2" in shell("run", MANIFEST, "--sandbox", "--progress", "none").stdout.splitlines()[-1]
    assert page.stat().st_mtime_ns == before
    page.unlink()
    assert "index.html" in shell("report", MANIFEST, "--sandbox").stdout
    assert page.exists()


def test_quiet_says_nothing_when_all_is_well(shell: Shell) -> None:
    """Cron mails nothing on exit 0."""
    shell.write()
    finished = shell("run", MANIFEST, "--sandbox", "--quiet")
    assert (finished.stdout, finished.stderr) == ("", "")


def test_quiet_says_all_when_something_failed(shell: Shell) -> None:
    """The whole summary goes to standard error, which is what cron mails."""
    shell.write(anna="Hi, I am Anna. sandbox:refuse")
    finished = shell("run", MANIFEST, "--sandbox", "--quiet", code=1)
    assert finished.stdout == ""
    assert "P201" in finished.stderr
    assert finished.stderr.splitlines()[-1].startswith("Done. OK=0 FAILED=1")


def test_run_without_a_credential_sends_nothing(shell: Shell) -> None:
    """Exit 78 names the variable and where it was looked for."""
    shell.write()
    finished = shell("run", MANIFEST, code=78)
    assert "DIGITAL_HUMAN_TOKEN" in finished.stderr


def test_run_with_a_budget_and_no_price_is_a_finding(shell: Shell) -> None:
    """Exit 4 before anything is sent."""
    shell.write()
    text = (shell.folder / MANIFEST).read_text(encoding="utf-8")
    (shell.folder / MANIFEST).write_text(re.sub(r"prices:\n.*\n.*\n", "", text), encoding="utf-8")
    assert "M601" in shell("run", MANIFEST, "--sandbox", "--budget", "1", code=4).stderr


def test_a_selection_runs_a_part(shell: Shell) -> None:
    """Only the tagged job is made; the other is still to do."""
    shell.write(anna="Hi, I am Anna.", ben="Hi, I am Ben.")
    shell("run", MANIFEST, "--sandbox", "--select", "tag:nightly", "--progress", "none")
    states = {job["id"]: job["state"] for job in shell.json("status", MANIFEST, "--sandbox", "--json")["jobs"]}
    assert states == {"anna": "succeeded", "ben": "pending"}


def test_status_before_the_first_run(shell: Shell) -> None:
    """Everything is pending, nothing is made, exit 0."""
    shell.write()
    told = shell.json("status", MANIFEST, "--json")
    assert [job["state"] for job in told["jobs"]] == ["pending"]
    assert not (shell.folder / ".callsheet").exists()


# --- resolve ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(shell: Shell) -> Shell:
    """A campaign with one job in doubt and one that is done."""
    shell.write(anna="Hi, I am Anna. sandbox:reset", ben="Hi, I am Ben.")
    assert "callsheet resolve" in shell("run", MANIFEST, "--sandbox", "--progress", "none", code=6).stdout
    return shell


def history(shell: Shell, job: str) -> list[tuple[str, dict[str, object]]]:
    """A job's decisions as the state keeps them."""
    folder = shell.folder / ".callsheet" / "spring.sandbox"
    manifest = str(shell.folder / MANIFEST)
    with StateStore.open(folder, manifest_name="spring.sandbox", manifest_path=manifest, read_only=True) as store:
        return [(event.type, dict(event.payload)) for event in store.events(job)]


@pytest.mark.parametrize(
    ("options", "event", "state"),
    [
        (("--abandon",), "Abandoned", "cancelled"),
        (("--resubmit",), "Resubmitted", "pending"),
        (("--adopt", "t-77"), "Adopted", "running"),
    ],
)
def test_a_decision_is_recorded_with_who_when_and_why(
    doubtful: Shell, options: tuple[str, ...], event: str, state: str
) -> None:
    """The history keeps the person, the time and the words; the job moves, and nothing is sent."""
    said = doubtful("resolve", MANIFEST, "anna", *options, "--why", "the console shows it", "--sandbox").stdout
    assert said.splitlines()[-1] == f"next: callsheet run {MANIFEST} --sandbox"
    kind, facts = history(doubtful, "anna")[-1]
    assert kind == event
    assert facts["why"] == "the console shows it"
    assert re.fullmatch(r"[^@\s]+@\S+", str(facts["who"]))
    states = {job["id"]: job["state"] for job in doubtful.json("status", MANIFEST, "--sandbox", "--json")["jobs"]}
    assert states["anna"] == state


def test_an_adopted_task_is_brought_home_by_the_next_run(doubtful: Shell) -> None:
    """The sandbox had accepted the task before it reset the connection: its ledger shows the id, as a console would."""
    ledger = (doubtful.folder / ".callsheet" / "spring.sandbox" / "sandbox.jsonl").read_text(encoding="utf-8")
    creates = [json.loads(line) for line in ledger.splitlines() if '"event":"create"' in line]
    (task_id,) = (create["task_id"] for create in creates if create["fault"] == "reset")
    doubtful("resolve", MANIFEST, "anna", "--adopt", task_id, "--sandbox")
    assert "OK=1" in doubtful("run", MANIFEST, "--sandbox", "--progress", "none").stdout.splitlines()[-1]


def test_a_decision_about_one_that_is_not_in_doubt_changes_nothing(doubtful: Shell) -> None:
    """All or none: the job in doubt beside it stays as it is."""
    before = history(doubtful, "anna")
    refused = doubtful("resolve", MANIFEST, "anna", "ben", "--abandon", "--sandbox", code=2)
    assert "`ben` is not in doubt: it is succeeded" in refused.stderr
    assert "`nobody`" in doubtful("resolve", MANIFEST, "nobody", "--abandon", "--sandbox", code=2).stderr
    assert history(doubtful, "anna") == before


def test_a_job_named_twice_is_decided_once(doubtful: Shell) -> None:
    """The history has one decision."""
    doubtful("resolve", MANIFEST, "anna", "anna", "--abandon", "--sandbox")
    assert [kind for kind, _ in history(doubtful, "anna")].count("Abandoned") == 1


# --- voices, doctor ---------------------------------------------------------------------------------------------------


def test_voices_lists_what_a_job_can_name(shell: Shell) -> None:
    """One line a voice with the inputs to copy; `--language` narrows it; `--json` has the same."""
    shell.write()
    lines = shell("voices", MANIFEST, "digital-human", "--sandbox", "--language", "en").stdout.splitlines()
    assert lines
    assert all("voice_engine_id: " in line and "audio_id: " in line for line in lines)
    told = shell.json("voices", MANIFEST, "digital-human", "--sandbox", "--json")
    assert {voice["language"] for voice in told["voices"]} == {"en", "zh"}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """An API on loopback."""
    with FakeServer("a secret") as server:
        server.open()
        yield server


def test_doctor_finds_what_a_run_would(shell: Shell, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credential, reachability and disk, one line each; exit 0 when all is there. No credential is sent."""
    shell.write(base_url=server.base_url)
    monkeypatch.setenv("DIGITAL_HUMAN_TOKEN", "a secret")
    told = shell("doctor", MANIFEST).stdout
    assert "missing" not in told
    assert "credential found" in told
    assert server.base_url in told
    assert "a secret" not in told


def test_doctor_says_what_is_missing(shell: Shell, server: FakeServer) -> None:
    """Exit 78; the variable is named, and where it was looked for."""
    shell.write(base_url=server.base_url)
    told = shell("doctor", MANIFEST, code=78).stdout
    assert re.search(r"✗ missing .*DIGITAL_HUMAN_TOKEN.*\.env", told)


def test_doctor_says_what_cannot_be_reached(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody listens is a finding of its own."""
    shell.write(base_url="http://127.0.0.1:9")
    monkeypatch.setenv("DIGITAL_HUMAN_TOKEN", "a secret")
    assert re.search(r"✗ missing .*127\.0\.0\.1:9 cannot be reached", shell("doctor", MANIFEST, code=78).stdout)
