"""A plan in a file: what comes back of it, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.core.errors import PlanRefused, StorageFailed
from runner.core.plan import Action
from runner.report.plan import PlanEntry, PlanTotals
from runner.report.plan_document import plan_head_document
from runner.report.saved_plan import Binding, PlanOptions, Position, Step, write_saved_plan
from runner.report.saved_plan_file import is_plan, is_saved_plan, read_saved_plan
from runner.schema_files import load_schema
from tests.unit.report.samples import HOSTILE, head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS = PlanOptions(
    variables={"word": "größe\n\x1b[31m"}, select=("tag:a,b", "welcome/*"), exclude=("x",), sandbox=True, budget="25.00"
)
POSITION = Position(run="20261120T021400Z-abc123", events=17)


def entry(job_id: str, action: Action, **facts: Any) -> PlanEntry:
    """One entry."""
    output = None if action is Action.ORPHAN else job_id
    return PlanEntry(
        id=job_id, uses="kling/avatar", action=action, reason=HOSTILE[0], fingerprint="f" * 64, output=output, **facts
    )


ENTRIES = [
    entry("a", Action.CREATE),
    entry("b", Action.BLOCKED, once_unblocked=Action.CREATE),
    entry("c", Action.BLOCKED),
    entry("d", Action.UP_TO_DATE),
    entry("gone", Action.ORPHAN),
]


def save(path: Path, entries: list[PlanEntry] | None = None) -> Path:
    """Save a plan."""
    entries = ENTRIES if entries is None else entries
    totals = PlanTotals()
    for each in entries:
        totals.add(each)
    binding = Binding(manifest="../spring.yaml", options=OPTIONS, position=POSITION)
    write_saved_plan(path, plan_head_document(head(run=None), totals), entries, binding)
    return path


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    """Head, options, position and every step but those of orphans; the file is a plan by its schema."""
    path = save(tmp_path / "plan.json")
    plan = read_saved_plan(path)
    assert (plan.manifest, plan.options, plan.position) == ("../spring.yaml", OPTIONS, POSITION)
    steps = [("a", Action.CREATE), ("b", Action.CREATE), ("c", Action.BLOCKED), ("d", Action.UP_TO_DATE)]
    assert list(plan.steps()) == [Step(name, "f" * 64, action, name) for name, action in steps]
    jsonschema_rs.validator_for(load_schema("plan"), validate_formats=True).validate(json.loads(path.read_text()))
    assert is_plan(path)
    assert is_saved_plan(path)


def test_a_plan_without_jobs(tmp_path: Path) -> None:
    """It has no step and is whole all the same."""
    assert list(read_saved_plan(save(tmp_path / "plan.json", [])).steps()) == []


def cut(text: str) -> str:
    """The first half."""
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut, "not whole"),
        (lambda text: text[:-2], "not whole"),
        (lambda text: text + " ", "not whole"),
        (lambda text: text.replace('"create"', '"up-to-date"', 1), "was changed since"),
        (lambda text: text.replace("../spring", "../autumn"), "was changed since"),
        (lambda text: json.dumps(json.loads(text)), "was changed since"),
        (lambda text: json.dumps(json.loads(text), indent=2), "not whole"),
        (lambda text: json.dumps(json.loads(text) | {"version": 2}), "written by another Callsheet: format 2"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "written by another Callsheet: format 2"),
        (
            lambda text: "".join(line for line in text.splitlines(keepends=True) if '"saved"' not in line),
            "is bound to no manifest",
        ),
        (lambda text: text[:200], "was changed since"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    """Cut short, edited, formatted anew, newer, or bound to nothing: each is told, with the way to a new plan."""
    path = save(tmp_path / "plan.json")
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert is_plan(path)
    with pytest.raises(PlanRefused, match=words) as caught:
        read_saved_plan(path)
    assert str(path) in caught.value.message
    assert "callsheet plan MANIFEST -o" in str(caught.value.next_step)


def test_every_cut_is_seen(tmp_path: Path) -> None:
    """At whatever byte a file ends too early, it is not carried out."""
    path = save(tmp_path / "plan.json")
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        if is_plan(path):
            with pytest.raises(PlanRefused):
                read_saved_plan(path)


@pytest.mark.parametrize(
    "text", ["version: 1\nname: a\njobs: {}\n", '{"version": 1, "name": "a", "jobs": {}}', "", "{"]
)
def test_a_manifest_is_no_plan(tmp_path: Path, text: str) -> None:
    """Also where it is written as JSON."""
    path = tmp_path / "spring.yaml"
    path.write_text(text, encoding="utf-8")
    assert not is_plan(path)
    assert not is_saved_plan(path)
    assert not is_plan(tmp_path / "nothing")


def test_a_plan_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """It takes its name only when it is whole."""
    path = save(tmp_path / "plan.json")
    before = path.read_bytes()
    broken = [ENTRIES[0], None]
    binding = Binding(manifest="m", options=OPTIONS, position=POSITION)
    with pytest.raises(AttributeError):
        write_saved_plan(path, plan_head_document(head(), PlanTotals()), broken, binding)  # type: ignore[arg-type]  # it fails half-way
    assert [path.read_bytes(), list(tmp_path.iterdir())] == [before, [path]]
    with pytest.raises(StorageFailed, match="the plan could not be written"):
        save(path / "below")
