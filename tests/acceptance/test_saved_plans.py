"""`plan -o` and `run plan.json` with the real command line: exactly the plan, or nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def half_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of which all but one job was made, with a plan for the rest."""
    folder = tmp_path_factory.mktemp("half")
    desk = Desk(folder)
    desk.run("spring.yaml", "--sandbox", "--exclude", "intro")
    save(desk)
    return folder


@pytest.fixture
def desk(half_made: Path, tmp_path: Path) -> Desk:
    """A copy of it: a plan travels with its folder."""
    desk = Desk(tmp_path)
    shutil.copytree(half_made / "work", desk.folder, dirs_exist_ok=True)
    return desk


def save(desk: Desk, *options: str) -> dict[str, Any]:
    """Save a plan."""
    desk.callsheet("plan", "spring.yaml", "--sandbox", *options, "-o", "plan.json").expect(0)
    told: dict[str, Any] = json.loads((desk.folder / "plan.json").read_text(encoding="utf-8"))
    return told


def sent(desk: Desk) -> int:
    """Submissions so far, by the second witness."""
    witness = desk.folder / ".callsheet" / "spring.sandbox" / "submissions.jsonl"
    return witness.read_text(encoding="utf-8").count('"kind":"intent"') if witness.exists() else 0


def test_a_saved_plan_is_carried_out_once(desk: Desk) -> None:
    """It makes the job that was to be made, then refuses: its own run has moved the state."""
    assert desk.run("plan.json").stdout.splitlines()[-1].startswith("Done. OK=1 FAILED=0 DOUBT=0 SKIPPED=0 CACHED=3")
    before = sent(desk)
    refused = desk.run("plan.json", code=4).stderr
    assert "a run of 20" in refused
    assert "`intro` was to be created, now it is up to date" in refused
    assert sent(desk) == before


def test_exactly_the_chosen_jobs_with_the_saved_options(desk: Desk) -> None:
    """What the plan was narrowed to and overridden with holds without being typed again."""
    desk.manifest["vars"] = {"name": "nobody"}
    desk.manifest["jobs"]["intro"]["with"]["create_voice"]["text"] = "This is {{ vars.name }}."
    desk.people["3"] = "Cai"
    desk.write()
    told = save(desk, "--select", "intro", "--select", "welcome/1", "-V", "name=Anna", "--budget", "2.50")
    assert [job["id"] for job in told["jobs"] if job["action"] == "create"] == ["intro"]
    assert told["saved"]["options"]["variables"] == {"name": "Anna"}
    desk.run("plan.json")
    assert not (desk.folder / "outputs" / "spring.sandbox" / "welcome" / "3.mp4").exists()
    jobs = desk.plan("-V", "name=Anna")
    assert (jobs["intro"]["action"], jobs["welcome/3"]["action"]) == ("up-to-date", "create")


def _change_manifest(desk: Desk) -> None:
    path = desk.folder / "spring.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")


def _change_row(desk: Desk) -> None:
    desk.people["2"] = "Bea"
    desk.write()


def _add_row(desk: Desk) -> None:
    desk.people["3"] = "Cai"
    desk.write()


def _delete_row(desk: Desk) -> None:
    del desk.people["2"]
    desk.write()


def _delete_output(desk: Desk) -> None:
    (desk.folder / "outputs" / "spring.sandbox" / "welcome" / "1.mp4").unlink()


def _alter_output(desk: Desk) -> None:
    (desk.folder / "outputs" / "spring.sandbox" / "welcome" / "1.mp4").write_bytes(b"something else")


def _run_again(desk: Desk) -> None:
    desk.run()


def _lose_state(desk: Desk) -> None:
    shutil.rmtree(desk.folder / ".callsheet")


def _delete_manifest(desk: Desk) -> None:
    (desk.folder / "spring.yaml").unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_change_manifest, ["the manifest spring.yaml has changed since"]),
        (_delete_manifest, ["the manifest spring.yaml does not hold any more: the file cannot be read"]),
        (_change_row, ["`welcome/2` asks for something else now (people.csv:3)"]),
        (_add_row, ["`anna-voice` was up to date, now `welcome/3` (people.csv:4) stands in its place"]),
        (_delete_row, ["`welcome/2` was up to date, now `anna-voice` (spring.yaml:"]),
        (_delete_output, ["`welcome/1` was up to date, now it is to be downloaded"]),
        (_alter_output, ["`welcome/1` was up to date, now it is to be downloaded"]),
        (_run_again, ["a run of 20", "`intro` was to be created, now it is up to date"]),
        (_lose_state, ["the state is another one", "`welcome/1` was up to date, now it is to be created"]),
    ],
)
def test_what_has_moved_is_named_and_nothing_is_sent(
    desk: Desk, change: Callable[[Desk], None], words: list[str]
) -> None:
    """Exit 4, what moved, and a command that makes the plan anew."""
    change(desk)
    before, intents = desk.digest(), sent(desk)
    refused = desk.run("plan.json", code=4).stderr
    assert all(each in refused for each in words), refused
    assert "nothing was sent" in refused
    (again,) = [line.removeprefix("  next: ") for line in refused.splitlines() if line.startswith("  next: ")]
    assert shlex.split(again) == ["callsheet", "plan", "spring.yaml", "--sandbox", "-o", "plan.json"]
    assert all(name.startswith(".callsheet/") for name, _ in desk.digest().items() - before.items())
    assert sent(desk) == intents


def test_what_a_plan_has_decided_cannot_be_decided_again(desk: Desk) -> None:
    """Exit 2 with each option by its name, and the reason."""
    given = ["--select", "intro", "--exclude", "a", "-V", "a=b", "--retry-failed", "--sandbox", "--allow-files-outside"]
    refused = desk.run("plan.json", *given, code=2).stderr
    named = "--select and --exclude and -V and --retry-failed and --sandbox and --allow-files-outside"
    assert f"{named}: plan.json is a saved plan, which has decided that already" in refused
    assert "--sandbox: plan.json is a saved plan" in desk.run("plan.json", "--sandbox", code=2).stderr


def test_limits_may_be_added(desk: Desk) -> None:
    """A stricter budget, a limit and a deadline stop a run; they change nothing of what it does."""
    desk.run("plan.json", "--budget", "0.60", code=5)
    save(desk, "--budget", "0.60")
    desk.run("plan.json", "--budget", "2", code=5)
    save(desk)
    desk.run("plan.json", "--budget", "2", "--deadline", "1h", "--limit", "0", "--quiet", "--wait-for-lock")
    assert desk.plan()["intro"]["action"] == "create"


def test_a_plan_travels_with_its_checkout(desk: Desk, tmp_path: Path) -> None:
    """Paths are relative to the plan's file: the folder may move, and one may stand anywhere."""
    moved = tmp_path / "elsewhere"
    desk.folder.rename(moved)
    desk.folder.mkdir()
    desk.callsheet("run", "../elsewhere/plan.json", "--progress", "none").expect(0)


def _pipe(desk: Desk) -> None:
    os.mkfifo(desk.folder / "odd")


def _device(desk: Desk) -> None:
    try:
        os.mknod(desk.folder / "odd", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


def _folder(desk: Desk) -> None:
    (desk.folder / "odd").mkdir()


def _link_to_device(desk: Desk) -> None:
    (desk.folder / "odd").symlink_to("/dev/null")


def _link_to_nowhere(desk: Desk) -> None:
    (desk.folder / "odd").symlink_to("nowhere")


@pytest.mark.parametrize("make", [_pipe, _device, _folder, _link_to_device, _link_to_nowhere])
def test_a_plan_takes_the_place_of_nothing_but_a_file(desk: Desk, make: Callable[[Desk], None]) -> None:
    """Neither waits for a pipe nor replaces a device, a folder or a link: exit 2, and what stands there stays."""
    make(desk)
    before, kind = desk.digest(), (desk.folder / "odd").lstat().st_mode
    refused = desk.callsheet("plan", "spring.yaml", "--sandbox", "-o", "odd", seconds=20).expect(2).stderr
    assert "odd" in refused
    assert (desk.folder / "odd").lstat().st_mode == kind
    assert desk.digest() == before


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("plans/plan.json", "there is no folder plans; make it first"),
        ("people.csv", "this is no plan, and is not overwritten"),
        ("spring.yaml", "this is the manifest itself"),
        ("spring.lock.jsonl", "this is the name of a lock file"),
        (".callsheet/plan.json", "the folder .callsheet holds what was paid for"),
        (".callsheet/spring.sandbox/plan.json", "the folder .callsheet holds what was paid for"),
        ("-", "use --json to print the plan"),
        ("x" * 300, "too long"),
    ],
)
def test_a_plan_is_saved_only_where_it_belongs(desk: Desk, target: str, words: str) -> None:
    """A missing folder, a file that is something else, and names that Callsheet needs itself are exit 2, and nothing is written."""
    before = desk.digest()
    refused = desk.callsheet("plan", "spring.yaml", "--sandbox", "-o", target).expect(2).stderr
    assert words in refused
    assert desk.digest() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": "something", "scripts": {}}', "neither a manifest nor a saved plan"),
        ("[1, 2]", "neither a manifest nor a saved plan"),
        ('{"version": 1, "manifest": {"name"', "was changed since it was written, or is no saved plan"),
        ('{"version": 7, "manifest": {"name": "spring"}}', "format 7"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    """Exit 4, for foreign, cut and newer JSON."""
    desk = Desk(tmp_path)
    (desk.folder / "plan.json").write_text(text, encoding="utf-8")
    assert words in desk.run("plan.json", code=4).stderr


def test_a_json_plan_that_was_printed_is_bound_to_nothing(desk: Desk) -> None:
    """It is no promise: exit 4, with the way to one."""
    printed = desk.callsheet("plan", "spring.yaml", "--sandbox", "--json").expect(0).stdout
    (desk.folder / "printed.json").write_text(printed, encoding="utf-8")
    assert "callsheet plan MANIFEST -o plan.json" in desk.run("printed.json", code=4).stderr
