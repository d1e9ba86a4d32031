"""Which jobs a run takes, and how far it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakeapi.script import ACCEPT, accepted, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stage import Stage


def _price(stage: Stage) -> None:
    stage.campaign.manifest["prices"] = {"digital-human/avatar": {"per_job": "0.20"}}
    stage.campaign.manifest["budget"] = {"max": "25.00", "currency": "USD"}
    stage.campaign.write()


def test_limit(stage: Stage) -> None:
    """`--limit` bounds the submissions of one run; the next run does the rest."""
    assert stage.callsheet("run", "campaign.yaml", "--limit", "3").code in (0, 5)
    assert len(stage.ledger.creates) == 3
    stage.run()
    assert len(stage.ledger.creates) == 4


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--select", "hello/p0[13]"), [1, 3]),
        (("--select", "hello/p01", "--select", "hello/p04"), [1, 4]),
        (("--select", "uses:digital-human/*,hello/p03"), [3]),
        (("--select", "hello/*", "--exclude", "hello/p0[12]"), [3, 4]),
    ],
    ids=str,
)
def test_selection(stage: Stage, options: tuple[str, ...], numbers: list[int]) -> None:
    """Only what is selected is submitted; that done, the run is exit 0."""
    stage.run(*options)
    expected = {stage.campaign.rows[key] for key in stage.campaign.keys(numbers)}
    assert {create.speech for create in stage.ledger.creates} == expected


def test_deadline(make_stage: Callable[..., Stage]) -> None:
    """At the deadline nothing more is submitted: exit 5, and the next run does the rest without paying twice."""
    stage = make_stage(jobs=10, in_flight=1)
    stage.script(always(accepted(seconds=0.4)))
    stage.run("--deadline", "2s", code=5)
    assert len(stage.ledger.creates) < 10
    stage.audit()
    stage.script(always(ACCEPT))
    stage.run()
    assert len(stage.ledger.creates) == 10


def test_budget_of_a_run(stage: Stage) -> None:
    """A budget is never exceeded: two jobs of 0.20 fit into 0.50, the rest stays pending with exit 5."""
    _price(stage)
    stage.run("--budget", "0.50", code=5)
    assert len(stage.ledger.creates) == 2
    assert stage.reported() == {"succeeded": 2, "pending": 2}
    stage.run()
    assert stage.status()["totals"]["cost"] == "0.80"


def test_budget_counts_what_was_ever_spent(stage: Stage) -> None:
    """A second run with the same budget buys nothing more."""
    _price(stage)
    stage.campaign.manifest["budget"]["max"] = "0.40"
    stage.campaign.write()
    stage.run(code=5)
    stage.run(code=5)
    assert len(stage.ledger.creates) == 2


def test_budget_with_unknown_price(stage: Stage) -> None:
    """A budget without a price is a finding: exit 4, and nothing is sent."""
    stage.campaign.manifest["budget"] = {"max": "25.00", "currency": "USD"}
    stage.campaign.write()
    stage.run(code=4)
    assert not stage.ledger.creates


def test_quiet_run_says_nothing(stage: Stage) -> None:
    """With `--quiet` a run that ends well prints nothing at all."""
    finished = stage.run("--quiet")
    assert (finished.stdout, finished.stderr) == ("", "")


def test_piped_output_is_plain(stage: Stage) -> None:
    """Without a terminal there is no escape and no carriage return in any output."""
    finished = stage.run()
    assert not {"\x1b", "\r"} & set(finished.stdout + finished.stderr)
    assert finished.stdout.rstrip().splitlines()[-1].endswith("EXIT=0")
