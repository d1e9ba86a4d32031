"""The plan as JSON and as text."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from rich.cells import cell_len

from runner.core.changes import Change, ChangeKind
from runner.core.diagnostics import Span
from runner.core.job import State
from runner.core.money import Budget, Money
from runner.core.plan import Action, Decision
from runner.report.plan import PlanEntry, PlanTotals, Purse, plan_entry
from runner.report.plan_document import write_plan
from runner.report.plan_text import LINES_PER_GROUP, render_plan
from runner.schema_files import load_schema
from tests.unit.report.samples import HOSTILE, head, row, spec, usd

VALIDATOR = jsonschema_rs.validator_for(load_schema("plan"), validate_formats=True)


def entry(job_id: str, action: Action, reason: str = "new", **changes: Any) -> PlanEntry:
    """One entry at 1.26 USD."""
    facts: dict[str, Any] = {
        "uses": "kling-eu/avatar",
        "fingerprint": "f1",
        "output": None if action is Action.ORPHAN else job_id,
        "estimate": usd("1.26"),
        "at_most": usd("2.00"),
        "note": "18 s",
    }
    return PlanEntry(id=job_id, action=action, reason=reason, **{**facts, **changes})


def totals_of(entries: list[PlanEntry], keep: int | None = 10) -> PlanTotals:
    """Totals over these entries."""
    totals = PlanTotals(keep=keep)
    for one in entries:
        totals.add(one)
    return totals


def document(entries: list[PlanEntry]) -> dict[str, Any]:
    """The plan of these entries, written and read back."""
    stream = io.StringIO()
    write_plan(stream, head(run=None), entries, totals_of(entries))
    read: dict[str, Any] = json.loads(stream.getvalue())
    return read


def every_action() -> list[PlanEntry]:
    """One entry for each action."""
    return [entry(f"a/{action.value}", action, "because") for action in Action]


def test_document_fits_its_schema() -> None:
    """Every action is valid, and only what is submitted has an estimate."""
    told = document(every_action())
    VALIDATOR.validate(told)
    estimates = {job["action"]: job["cost"]["estimate"] for job in told["jobs"]}
    assert {action for action, estimate in estimates.items() if estimate is not None} == {"create", "recreate"}
    assert (told["totals"]["cost"], told["totals"]["cost_at_most"]) == ("2.52", "4.00")


def test_unknown_price_makes_the_sum_unknown() -> None:
    """With one unknown price there is no sum for programmes, and people read both parts."""
    entries = [entry("a", Action.CREATE), entry("b", Action.CREATE, estimate=None, at_most=None)]
    totals = totals_of(entries)
    assert document(entries)["totals"]["cost"] is None
    text = render_plan(head(), totals, Purse(Budget(usd("50"), per_day=True)))
    cost = "Cost: 1.26 USD expected, 2.00 + unknown at most, unknown for 1 job; budget 50.00 a day"
    assert f"{cost}: it may not suffice, a run stops when it is used up.\n" in text


@pytest.mark.parametrize(
    ("left", "words"),
    [("9", ""), ("3", ": it may not suffice, a run stops when it is used up"), ("1", ": it does not suffice, a run stops when it is used up")],
)  # fmt: skip
def test_what_is_priced_later_has_a_bound(left: str, words: str) -> None:
    """The longest that is taken bounds a cost that is not known yet, and the budget is held against that too."""
    entries = [entry("a", Action.CREATE), entry("b", Action.CREATE, estimate=None, at_most=usd("5.00"))]
    assert document(entries)["totals"]["cost_at_most"] == "7.00"
    text = render_plan(head(), totals_of(entries), Purse(Budget(usd(left))))
    assert f"Cost: 1.26 USD expected, 7.00 at most, unknown for 1 job; budget {left}.00{words}.\n" in text


def test_what_is_made_again_for_others_is_not_called_changed() -> None:
    """It asks for nothing else: it has words of its own in the counts."""
    kept = row("a", fingerprint=spec("a").fingerprint)
    renewal = plan_entry(spec("a"), Decision(Action.RECREATE, "old", kept), head=head(), estimate=usd("1"))
    changed = plan_entry(spec("b"), Decision(Action.RECREATE, "changed"), head=head(), estimate=usd("1"))
    assert "Plan: 1 changed, 1 made again.\n" in render_plan(head(), totals_of([renewal, changed]))
    assert "changed" not in render_plan(head(), totals_of([renewal]))


def test_what_delivers_no_file_goes_nowhere() -> None:
    """A job without a file has no path."""
    found = plan_entry(
        replace(spec("a"), delivers_file=False), Decision(Action.CREATE, "new"), head=head(), estimate=None
    )
    assert document([found])["jobs"][0]["output"] is None


def test_text_has_groups_counts_and_cost() -> None:
    """The plan names the campaign, groups by account and operation, and ends with counts and cost."""
    entries = [*every_action(), entry("b", Action.CREATE, uses="digital-human/avatar")]
    lines = render_plan(head(), totals_of(entries)).splitlines()
    assert lines[0] == "spring @ 3f3f3f3    9 jobs known"
    assert any(line.startswith("  kling-eu/avatar") and line.endswith("why") for line in lines)
    assert any(line.startswith("  digital-human/avatar") for line in lines)
    assert lines[-2].startswith("Plan: 2 new, 1 changed, 1 to continue, 1 to download, 1 blocked, 1 in doubt")
    assert lines[-1] == "Cost: 3.78 USD expected, 6.00 at most."


def test_up_to_date_jobs_are_counted_not_listed() -> None:
    """A group with nothing to do has no heading, unless all jobs are asked for."""
    entries = [entry("a/one", Action.UP_TO_DATE)]
    assert "a/one" not in render_plan(head(), totals_of(entries))
    assert "a/one" in render_plan(head(), totals_of(entries, keep=None), show_all=True)


def test_flood_of_new_jobs_hides_no_blocked_one() -> None:
    """At most ten lines a group, each action among them; the rest is counted with its cost."""
    entries = [entry(f"a/{number}", Action.CREATE) for number in range(1_000)]
    entries.append(entry("z", Action.BLOCKED, "credential `AZ_TOKEN` not found"))
    text = render_plan(head(), totals_of(entries))
    assert "! z" in text
    assert sum(line.startswith("    + ") for line in text.splitlines()) == LINES_PER_GROUP - 1
    assert "… 991 more +" in text
    assert "1248.66" in text


def test_all_lists_every_job() -> None:
    """With everything kept and shown, each job has its line."""
    entries = [entry(f"a/{number}", Action.CREATE) for number in range(50)]
    text = render_plan(head(), totals_of(entries, keep=None), show_all=True)
    assert sum(line.startswith("    + ") for line in text.splitlines()) == 50


def test_memory_is_bounded_without_all() -> None:
    """Ten thousand entries leave ten."""
    totals = totals_of([entry(f"a/{number}", Action.CREATE) for number in range(10_000)])
    assert totals.jobs == totals.work == 10_000
    assert sum(len(kept) for group in totals.groups.values() for kept in group.kept.values()) == 10


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_reason_stays_on_its_line(text: str) -> None:
    """A reason with provider text adds no line and no control."""
    rendered = render_plan(head(), totals_of([entry("a", Action.BLOCKED, text)]))
    assert len(rendered.splitlines()) == len(render_plan(head(), totals_of([entry("a", Action.BLOCKED)])).splitlines())
    assert "\x1b" not in rendered


def test_entry_of_a_decision() -> None:
    """A job that goes on shows its task and what it costs already; a new one its length."""
    running = row("a", State.RUNNING, actual=Money(Decimal("1.00"), "USD"))
    going_on = plan_entry(spec("a"), Decision(Action.REATTACH, "goes on", running), head=head(), estimate=usd("1.26"))
    assert (going_on.note, going_on.actual) == ("task 67930a6f1b2c, submitted 2026-11-20 02:14 UTC", usd("1.00"))
    assert plan_entry(spec("b"), Decision(Action.CREATE, "new"), head=head(), estimate=None).note == "18 s"


def test_entry_of_an_orphan() -> None:
    """An orphan needs no spec, but something."""
    made = plan_entry(None, Decision(Action.ORPHAN, "not in the manifest", row("gone")), head=head(), estimate=None)
    assert made.id == "gone"
    with pytest.raises(ValueError, match="needs a job spec or a row"):
        plan_entry(None, Decision(Action.ORPHAN, "nothing"), head=head(), estimate=None)


def test_blocked_job_keeps_its_cost() -> None:
    """What waits for a credential is expected to be paid, one by one and in the sum; what failed for good is not."""
    waiting = plan_entry(
        spec("a"), Decision(Action.CREATE, "new"), head=head(), estimate=usd("1.26"), blocked="no credential"
    )
    entries = [waiting, entry("b", Action.CREATE), entry("c", Action.BLOCKED, "failed")]
    assert (waiting.action, waiting.reason) == (Action.BLOCKED, "no credential")
    assert [job["cost"]["estimate"] for job in document(entries)["jobs"]] == ["1.26", "1.26", None]
    assert totals_of(entries).work == 2
    assert (
        "Cost: 2.52 USD expected, 3.26 at most, 1.26 of it for blocked jobs, made as soon as nothing blocks them.\n"
        in render_plan(head(), totals_of(entries))
    )


def test_nothing_to_pay() -> None:
    """A plan without submissions says so."""
    assert render_plan(head(), totals_of([entry("a", Action.DOWNLOAD)])).endswith("Cost: nothing to pay.\n")


WIDE = [
    entry("hello/ana", Action.CREATE),
    entry("hello/李雷", Action.RECREATE, '`text` changed (customers.csv:17): "你好" -> "您好，欢迎"'),
    entry("hello/a-rather-long-id-that-goes-on-and-on", Action.BLOCKED, "failed " * 20),
]


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("cells", [60, 72, 100, 140])
def test_no_line_is_wider_than_the_screen(cells: int, *, color: bool) -> None:
    """Reasons and sentences are wrapped; nothing of them is lost."""
    text = unpainted(
        render_plan(head(), totals_of(WIDE), Purse(Budget(usd("5")), Decimal(4)), color=color, cells=cells)
    )
    assert max(cell_len(line) for line in text.splitlines()) <= cells
    assert " ".join(text.split()).count("failed") == 20
    assert "您好，欢迎" in text


def unpainted(text: str) -> str:
    """The text without colours."""
    return re.sub("\x1b\\[[0-9]+m", "", text)


@pytest.mark.parametrize("color", [False, True])
def test_columns_stand_below_each_other(*, color: bool) -> None:
    """By cells, whatever the ids are written in, coloured or not."""
    lines = unpainted(render_plan(head(), totals_of(WIDE[:2]), color=color)).splitlines()
    heading, *rows = [line for line in lines if "why" in line or "hello/" in line]
    starts = {cell_len(line[: line.index(word)]) for line, word in zip(rows, ("new", "`text`"), strict=True)}
    assert starts == {heading.index("why")}
    assert {cell_len(line[: line.index("1.26")]) for line in rows} == {heading.index("USD") - 1}


def test_on_a_narrow_screen_the_reason_stands_below() -> None:
    """The id keeps its line, which stays short enough to read."""
    lines = render_plan(head(), totals_of(WIDE[:1]), cells=50).splitlines()
    place = next(number for number, line in enumerate(lines) if "hello/ana" in line)
    assert lines[place + 1] == "        new"


def test_a_budget_that_does_not_suffice_says_so() -> None:
    """What is left, never below nothing; without a cost the currency is told."""
    purse = Purse(Budget(usd("5.00")), Decimal("4.50"))
    assert "; budget 5.00, 4.50 spent already, 0.50 left: it does not suffice" in render_plan(
        head(), totals_of([entry("a", Action.CREATE)]), purse
    )
    over = Purse(Budget(usd("5.00")), Decimal("6.00"))
    assert over.left == 0
    assert render_plan(head(), totals_of([]), purse).endswith(
        "Cost: nothing to pay; budget 5.00 USD, 4.50 spent already, 0.50 left.\n"
    )
    assert document([])["budget"] is None


def test_a_doubt_says_when_and_what_to_type() -> None:
    """Time of the submission, attempt, and the command with the options that this manifest needs."""
    doubt = row("a b", State.IN_DOUBT, attempt=2)
    made = plan_entry(
        spec("a b"),
        Decision(Action.IN_DOUBT, "nobody knows", doubt),
        head=head(options=("--sandbox",)),
        estimate=None,
    )
    assert made.reason.startswith("nobody knows: submitted 2026-11-20 02:14 UTC, attempt 2; decide: ")
    assert "--resubmit --sandbox`" in made.reason
    assert "'a b'" in made.reason


def test_an_orphan_that_is_paid_says_so() -> None:
    """A task that runs on is worth putting its job back."""
    running = plan_entry(None, Decision(Action.ORPHAN, "gone", row("a", State.RUNNING)), head=head(), estimate=None)
    assert "its task may be paid" in running.reason
    done = plan_entry(None, Decision(Action.ORPHAN, "gone", row("a")), head=head(), estimate=None)
    assert done.reason == "gone"


def test_changes_are_told_in_words_and_as_fields() -> None:
    """The reason for people, path and place for programmes."""
    change = Change(at=("text",), kind=ChangeKind.CHANGED, before="a", after="b", place=Span("people.csv", 3, 1))
    decision = Decision(Action.RECREATE, "inputs changed", None, (change,))
    made = plan_entry(spec("a"), decision, head=head(), estimate=usd("1"))
    assert made.reason == '`text` changed (people.csv:3): "a" -> "b"'
    told = document([made])
    VALIDATOR.validate(told)
    assert told["jobs"][0]["changes"] == [
        {"path": "text", "kind": "changed", "name": None, "place": {"file": "people.csv", "line": 3}}
    ]


def later(job_id: str, **changes: Any) -> PlanEntry:
    """A job that has a price as soon as the recording that it speaks is there."""
    return entry(job_id, Action.CREATE, estimate=None, at_most=None, priced_after="voice", **changes)


def test_what_is_priced_later_is_unknown_until_then() -> None:
    """It is no nothing, and not one that stays unknown: both are counted, and the document names the job that tells."""
    entries = [entry("a", Action.CREATE), later("b"), entry("c", Action.CREATE, estimate=None, at_most=None)]
    read = document(entries)
    VALIDATOR.validate(read)
    assert (read["totals"]["unknown_prices"], read["totals"]["priced_later"], read["totals"]["cost"]) == (2, 1, None)
    assert [job["priced_after"] for job in read["jobs"]] == [None, "voice", None]
    text = render_plan(head(), totals_of(entries))
    assert "unknown for 2 jobs, for 1 of them until the jobs are done that tell how long the results last" in text


def test_every_operation_has_its_own_sums() -> None:
    """What is known, and how many are unknown; one operation alone needs no list of its own."""
    entries = [
        entry("a", Action.CREATE, uses="kling/tts"),
        entry("b", Action.RECREATE),
        later("c"),
        entry("d", Action.UP_TO_DATE),
    ]
    read = document(entries)
    VALIDATOR.validate(read)
    assert read["totals"]["operations"] == {
        "kling/tts": {"cost": "1.26", "cost_at_most": "2.00", "unknown_prices": 0},
        "kling-eu/avatar": {"cost": "1.26", "cost_at_most": None, "unknown_prices": 1},
    }
    text = render_plan(head(), totals_of(entries))
    assert "By operation:\n  kling/tts: 1.26 expected\n  kling-eu/avatar: 1.26 expected, unknown for 1 job\n" in text
    assert "By operation" not in render_plan(head(), totals_of(entries[1:]))


@pytest.mark.parametrize(
    ("action", "priced_after", "note"),
    [(Action.CREATE, "voice", "as long as `voice`"), (Action.UP_TO_DATE, None, "")],
)
def test_a_job_that_waits_for_its_length_says_for_whom(action: Action, priced_after: str | None, note: str) -> None:
    """Only where it would be made."""
    asked = spec("a", duration_s=None, lasts_as="voice")
    found = plan_entry(asked, Decision(action, "new"), head=head(), estimate=None, is_priced_later=True)
    assert (found.priced_after, found.note) == (priced_after, note)
