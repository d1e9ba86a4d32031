"""`callsheet import`: what was paid elsewhere is found, attached and not paid again. The provider is the sandbox, over real HTTP."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml

from runner.schema_files import load_schema
from runner.store.lock import hold_lock
from tests.commandline import CommandLine
from tests.unit.cli.shell import MANIFEST, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KLING = ("import", MANIFEST, "--sandbox", "--account", "kling")
HUMAN = ("import", MANIFEST, "--sandbox", "--account", "digital-human")
SOUND = "https://sounds.example.com/a.mp3"


def write(shell: Shell, **jobs: dict[str, Any]) -> None:
    """Write the manifest: jobs of Kling and of digital human."""
    face = "https://faces.example.com/{}.png"
    ours = {
        "anna": {"uses": "kling/avatar", "with": {"image": face.format("anna"), "sound_file": SOUND}},
        "ben": {"uses": "kling/avatar", "with": {"image": face.format("ben"), "sound_file": SOUND}},
        "carl": {"uses": "digital-human/avatar", "with": {"avatar_url": face.format("carl"), "audio_url": SOUND}},
    }
    document = {
        "version": 1,
        "name": "spring",
        "prices": {"kling/avatar": {"per_job": "0.20"}, "digital-human/avatar": {"per_job": "0.10"}},
        "jobs": ours | jobs,
    }
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def state_of(shell: Shell) -> Path:
    """Where the state of the sandbox lies."""
    return shell.folder / ".callsheet" / "spring.sandbox"


def tasks_of(shell: Shell) -> dict[str, str]:
    """The task of each job, as the witness has it."""
    lines = (state_of(shell) / "submissions.jsonl").read_text(encoding="utf-8").splitlines()
    accepted = [json.loads(line) for line in lines if '"accepted"' in line]
    return {line["job"]: line["task_id"] for line in accepted}


def lose_state(shell: Shell) -> None:
    """The machine is new: the provider has the tasks, nobody else knows of them."""
    for path in state_of(shell).iterdir():
        if path.name != "sandbox.jsonl":
            path.unlink()


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, str]]:
    """A campaign that was paid on another machine: the provider's books, and its tasks by job."""
    there = tmp_path_factory.mktemp("there")
    folder, home, logs = (there / name for name in ("folder", "home", "logs"))
    for each in (folder, home, logs):
        each.mkdir()
    callsheet = CommandLine(folder, home, logs)
    machine = Shell(folder, callsheet)
    write(machine)
    machine("run", MANIFEST, "--sandbox", "--quiet")
    return (state_of(machine) / "sandbox.jsonl").read_bytes(), tasks_of(machine)


@pytest.fixture
def tasks(shell: Shell, paid: tuple[bytes, dict[str, str]]) -> dict[str, str]:
    """The same campaign on this machine, which knows nothing of it: the provider's tasks by job."""
    books, tasks = paid
    write(shell)
    state_of(shell).mkdir(parents=True)
    (state_of(shell) / "sandbox.jsonl").write_bytes(books)
    return tasks


def status(shell: Shell) -> dict[str, str]:
    """Where every job stands."""
    return {job["id"]: job["state"] for job in shell.json("status", MANIFEST, "--sandbox", "--json")["jobs"]}


def creates(shell: Shell) -> int:
    """How many tasks the provider was asked for."""
    return (state_of(shell) / "sandbox.jsonl").read_text(encoding="utf-8").count('"event":"create"')


# --- what an account lists --------------------------------------------------------------------------------------------


def test_listed_tasks_are_attached_and_not_paid_again(shell: Shell, tasks: dict[str, str]) -> None:
    """By our own ids; the next command is printed, and it submits nothing that was submitted before."""
    said = shell(*KLING).stdout
    assert re.search(r"^ +2  attached$", said, flags=re.MULTILINE)
    assert f"anna  task {tasks['anna']}" in said
    assert said.endswith(f"next: callsheet run {MANIFEST} --sandbox\n")
    assert status(shell) == {"anna": "running", "ben": "running", "carl": "pending"}
    plan = shell.json("plan", MANIFEST, "--sandbox", "--json")
    assert {job["id"]: job["action"] for job in plan["jobs"]} == {
        "anna": "reattach",
        "ben": "reattach",
        "carl": "create",
    }
    before = creates(shell)
    shell("run", MANIFEST, "--sandbox", "--quiet", "--exclude", "carl")
    assert creates(shell) == before
    assert set(status(shell).values()) == {"succeeded", "pending"}


@pytest.mark.usefixtures("tasks")
def test_a_second_import_finds_everything_known(shell: Shell) -> None:
    """It changes nothing."""
    shell(*KLING)
    document = shell.json(*KLING, "--json")
    assert (document["attached"], document["known"]) == ([], 2)


def test_the_json_holds_against_its_schema(shell: Shell, tasks: dict[str, str]) -> None:
    """Versioned, with every task that was attached; a dry run attaches none of them and leaves nothing behind."""
    document = shell.json(*KLING, "--json", "--dry-run")
    jsonschema_rs.validator_for(load_schema("import")).validate(document)
    assert document["attached"] == [{"job": job, "task_id": tasks[job]} for job in ("anna", "ben")]
    assert document["dry_run"] is True
    assert [path.name for path in state_of(shell).iterdir()] == ["sandbox.jsonl"]


def test_imported_tasks_count_against_the_budget(shell: Shell, tasks: dict[str, str]) -> None:
    """With their expected price: what is left does not pay for another job."""
    shell(*KLING)
    shell("run", MANIFEST, "--sandbox", "--quiet", "--budget", "0.45", "--select", "carl", code=5)
    assert status(shell)["carl"] == "pending"
    assert set(tasks) == {"anna", "ben", "carl"}


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize(("limit", "is_exceeded"), [("0.39", True), ("0.40", False)])
def test_an_exceeded_budget_is_said(shell: Shell, limit: str, is_exceeded: bool) -> None:
    """What was paid elsewhere was paid, and nobody learns only from the next run that nothing is left; a dry run tells it before."""
    document = yaml.safe_load((shell.folder / MANIFEST).read_text(encoding="utf-8"))
    document["budget"] = {"max": limit, "currency": "USD"}
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    told = "exceeded: 0.40 USD spent or reserved; no further job is submitted"
    dry = shell(*KLING, "--dry-run").stdout
    assert (f"the budget of 0.39 USD would be {told}" in dry) == is_exceeded
    assert (f"the budget of 0.39 USD is {told}" in shell(*KLING).stdout) == is_exceeded
    assert shell.json(*KLING, "--json")["over_budget"] is is_exceeded


def test_tasks_that_failed_there_are_told_and_not_attached(shell: Shell) -> None:
    """With the provider's words; so are tasks of no job."""
    bad = {"image": "https://faces.example.com/d.png", "sound_file": SOUND, "prompt": "sandbox:fail"}
    write(shell, dora={"uses": "kling/avatar", "with": bad})
    shell("run", MANIFEST, "--sandbox", "--quiet", code=1)
    lose_state(shell)
    other = {"uses": "kling/avatar", "with": {"image": "https://faces.example.com/other.png", "sound_file": SOUND}}
    write(shell, dora={"uses": "kling/avatar", "with": bad}, ben=other)
    document = shell.json(*KLING, "--json")
    jsonschema_rs.validator_for(load_schema("import")).validate(document)
    assert [job["job"] for job in document["attached"]] == ["anna"]
    assert [job["job"] for job in document["failed"]] == ["dora"]
    assert document["failed"][0]["message"]
    assert document["nobodys"] == 1
    assert status(shell)["dora"] == "pending"


def test_a_long_list_is_cut(shell: Shell, tasks: dict[str, str]) -> None:
    """And it is said that there may be more."""
    document = shell.json(*KLING, "--json", "--dry-run", "--most-tasks", "1")
    assert document["complete"] is False
    assert "--most-tasks" in shell(*KLING, "--dry-run", "--most-tasks", "1").stderr
    assert tasks


# --- what cannot be imported ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--account", "nobody"), "there are: kling, digital-human"),
        (("--account", "digital-human"), "lists no tasks; name them with --map FILE"),
        ((), "Missing option '--account'"),
        (("--account", "kling", "--map", "not-there.csv"), "does not exist"),
        (("--account", "kling", "--most-tasks", "0"), "--most-tasks"),
    ],
)
def test_a_wrong_command_line(shell: Shell, words: tuple[str, ...], said: str) -> None:
    """Exit 2, with what is wrong with it; nothing is made."""
    write(shell)
    assert said in shell("import", MANIFEST, "--sandbox", *words, code=2).stderr
    assert not (shell.folder / ".callsheet").exists()


def test_an_account_without_look_ups_lists_nothing(shell: Shell) -> None:
    """`lookup: false`: a gateway in front of it passes no list on."""
    write(shell)
    document = yaml.safe_load((shell.folder / MANIFEST).read_text(encoding="utf-8"))
    document["providers"] = {"kling": {"lookup": False}}
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "lookup: false" in shell(*KLING, code=2).stderr


def test_without_a_credential_nothing_is_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 78."""
    monkeypatch.delenv("KLING_API_KEY", raising=False)
    write(shell)
    assert "KLING_API_KEY" in shell("import", MANIFEST, "--account", "kling", code=78).stderr


def test_an_invalid_manifest_claims_no_name(shell: Shell) -> None:
    """Exit 4; no state is made."""
    write(shell, bad={"uses": "kling/avatar", "with": {"image": "{{ vars.nothing }}", "sound_file": SOUND}})
    shell(*KLING, code=4)
    assert not (shell.folder / ".callsheet").exists()


@pytest.mark.usefixtures("tasks")
def test_a_run_at_work_is_not_disturbed(shell: Shell) -> None:
    """Exit 75; a dry run only looks."""
    with hold_lock(state_of(shell), command="callsheet run spring.yaml"):
        assert "--wait-for-lock" not in shell(*KLING, code=75).stderr
        assert "--wait-for-lock" in shell("run", MANIFEST, "--sandbox", code=75).stderr
        shell(*KLING, "--dry-run")


class _Refusing(BaseHTTPRequestHandler):
    """Knows no key."""

    status = 401
    body = b'{"code": 1002, "message": "Authorization is invalid", "request_id": "r-1"}'

    def do_GET(self) -> None:
        """Answer as Kling does."""
        body = self.body
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Listing(_Refusing):
    """Has three tasks, of which one has no name."""

    status = 200
    body = json.dumps({"code": 0, "data": [{"task_id": each} for each in ("83", None, "84")]}).encode()


@pytest.fixture
def host(request: pytest.FixtureRequest, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host that the manifest names for Kling."""
    monkeypatch.setenv("KLING_API_KEY", "any")
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        write(shell)
        document = yaml.safe_load((shell.folder / MANIFEST).read_text(encoding="utf-8"))
        document["providers"] = {"kling": {"base_url": f"http://127.0.0.1:{server.server_address[1]}"}}
        (shell.folder / MANIFEST).write_text(yaml.safe_dump(document), encoding="utf-8")
        yield
        server.shutdown()
        serving.join()


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("host", [_Listing], indirect=True)
def test_an_entry_that_names_no_task_is_told(shell: Shell) -> None:
    """It may be a job's: the lists (of avatars and of voices) were not read whole."""
    command = ("import", MANIFEST, "--account", "kling")
    assert "2 entries name no task in the list of account `kling`" in shell(*command).stderr
    document = shell.json(*command, "--json")
    assert (document["tasks"], document["nobodys"], document["complete"]) == (4, 4, False)


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("host", [_Refusing], indirect=True)
def test_a_list_that_cannot_be_had_attaches_nothing(shell: Shell) -> None:
    """A key that the provider refuses: exit 78, with its words and a page to read."""
    said = shell("import", MANIFEST, "--account", "kling", code=78).stderr
    assert "error[E407]" in said
    assert "Authorization is invalid" in said
    assert "nothing was attached" in said


# --- what a person names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tasks.csv", "tasks.jsonl"])
def test_named_tasks_are_attached(shell: Shell, tasks: dict[str, str], name: str) -> None:
    """For an API that lists nothing; the history says who and why only where there was a doubt. A second time it is known."""
    line = {"job": "carl", "task_id": tasks["carl"]}
    text = json.dumps(line) if name.endswith("l") else f"task_id,note,job\n{line['task_id']},made by hand,carl\n"
    (shell.folder / name).write_text(text, encoding="utf-8")
    document = shell.json(*HUMAN, "--map", name, "--json")
    jsonschema_rs.validator_for(load_schema("import")).validate(document)
    assert (document["attached"], document["nobodys"]) == ([line], None)
    before = creates(shell)
    shell("run", MANIFEST, "--sandbox", "--quiet", "--select", "carl")
    assert (status(shell)["carl"], creates(shell)) == ("succeeded", before)
    again = shell.json(*HUMAN, "--map", name, "--json")
    assert (again["attached"], again["known"]) == ([], 1)


BAD_LINES: dict[str, tuple[str, str]] = {
    "no such job": ("charles,{carl}", "has no job `charles`"),
    "misspelt": ("carll,{carl}", "did you mean `carl`?"),
    "other account": ("anna,{carl}", "uses account `kling`, not `digital-human`"),
    "no id": ("carl,has spaces", "is not a task's id"),
    "no task": ("carl,", "is not a task's id"),
    "no job": (",{carl}", "is not the id of a job"),
    "unknown there": ("carl,0123456789abcdef0123456789abcdef", "does not know task"),
    "too few values": ("carl", "1 value"),
}


@pytest.mark.parametrize("case", list(BAD_LINES))
def test_a_bad_line_is_told_with_its_place(shell: Shell, tasks: dict[str, str], case: str) -> None:
    """File and line, exit 4, and nothing is attached."""
    line, said = BAD_LINES[case]
    (shell.folder / "tasks.csv").write_text(f"job,task_id\n{line.format(**tasks)}\n", encoding="utf-8")
    told = shell(*HUMAN, "--map", "tasks.csv", code=4).stderr
    assert said in told
    assert "--> tasks.csv:2:" in told
    assert set(status(shell).values()) == {"pending"}


BAD_FILES: dict[str, tuple[str, str]] = {
    "no header": ("carl,t-1\n", "does not name the columns"),
    "other columns": ("id,task\ncarl,t-1\n", "does not name the columns"),
    "no lines": ("job,task_id\n", "the file names no task"),
    "one job twice": ("job,task_id\ncarl,{carl}\ncarl,t-2\n", "job `carl` stands in two lines"),
    "one task twice": ("job,task_id\ncarl,{carl}\ncara,{carl}\n", "stands in two lines"),
}


@pytest.mark.parametrize("case", list(BAD_FILES))
def test_a_bad_file_is_told(shell: Shell, tasks: dict[str, str], case: str) -> None:
    """As a whole, or by two of its lines."""
    text, said = BAD_FILES[case]
    (shell.folder / "tasks.csv").write_text(text.format(**tasks), encoding="utf-8")
    assert said in shell(*HUMAN, "--map", "tasks.csv", code=4).stderr


def test_all_that_is_wrong_is_told_at_once(shell: Shell, tasks: dict[str, str]) -> None:
    """What the file says, what the manifest says and what the provider says, in the order of the lines; the good line waits, too."""
    lines = ["nobody,t-1", f"carl,{tasks['carl']}", "cleo,0123456789abcdef0123456789abcdef", "dan,two words"]
    write(
        shell,
        cleo={
            "uses": "digital-human/avatar",
            "with": {"avatar_url": "https://faces.example.com/c.png", "audio_url": SOUND},
        },
    )
    (shell.folder / "tasks.csv").write_text("\n".join(["job,task_id", *lines]), encoding="utf-8")
    told = shell(*HUMAN, "--map", "tasks.csv", code=4).stderr
    assert re.findall(r"--> tasks\.csv:(\d+)", told) == ["2", "4", "5"]
    assert "3 errors. No job was sent to any provider.\n" in told
    assert set(status(shell).values()) == {"pending"}


def test_a_task_of_another_job_is_refused(shell: Shell, tasks: dict[str, str]) -> None:
    """It would deliver the wrong video; so is a task for a job that has one."""
    shell(*KLING)
    (shell.folder / "tasks.csv").write_text(f"job,task_id\ncarl,{tasks['anna']}\n", encoding="utf-8")
    assert "is that of job `anna`" in shell(*HUMAN, "--map", "tasks.csv", code=4).stderr
    (shell.folder / "tasks.csv").write_text(f"job,task_id\nanna,{tasks['carl']}\n", encoding="utf-8")
    assert f"has task {tasks['anna']} already" in shell(*KLING, "--map", "tasks.csv", code=4).stderr


def test_a_task_that_carries_the_id_of_another_job_is_refused(shell: Shell, tasks: dict[str, str]) -> None:
    """The state was lost, but the provider still shows for whom it was submitted; for its own job it is taken."""
    (shell.folder / "tasks.csv").write_text(f"job,task_id\nben,{tasks['anna']}\n", encoding="utf-8")
    told = shell(*KLING, "--map", "tasks.csv", code=4).stderr
    assert (
        f"task `{tasks['anna']}` was submitted by Callsheet for another job, or for `ben` with other inputs (cs-"
        in told
    )
    assert set(status(shell).values()) == {"pending"}
    (shell.folder / "tasks.csv").write_text(f"job,task_id\nanna,{tasks['anna']}\n", encoding="utf-8")
    assert shell.json(*KLING, "--map", "tasks.csv", "--json")["attached"] == [{"job": "anna", "task_id": tasks["anna"]}]


def test_a_task_of_an_earlier_name_is_taken(shell: Shell, tasks: dict[str, str]) -> None:
    """It carries the id that its job had then."""
    document = yaml.safe_load((shell.folder / MANIFEST).read_text(encoding="utf-8"))
    document["jobs"]["anne"] = document["jobs"].pop("anna")
    document["moved"] = [{"from": "anna", "to": "anne"}]
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (shell.folder / "tasks.csv").write_text(f"job,task_id\nanne,{tasks['anna']}\n", encoding="utf-8")
    assert shell.json(*KLING, "--map", "tasks.csv", "--json")["attached"] == [{"job": "anne", "task_id": tasks["anna"]}]


def test_a_task_that_has_failed_is_refused(shell: Shell) -> None:
    """With the provider's words."""
    voice = {"audio_url": "https://sounds.example.com/v.mp3", "language": "en", "text": "sandbox:fail"}
    dora = {
        "uses": "digital-human/avatar",
        "with": {"avatar_url": "https://f.example.com/d.png", "create_voice": voice},
    }
    write(shell, dora=dora)
    shell("run", MANIFEST, "--sandbox", "--quiet", "--select", "dora", code=1)
    task_id = tasks_of(shell)["dora"]
    lose_state(shell)
    (shell.folder / "tasks.csv").write_text(f"job,task_id\ndora,{task_id}\n", encoding="utf-8")
    assert f"task `{task_id}` has failed" in shell(*HUMAN, "--map", "tasks.csv", code=4).stderr
