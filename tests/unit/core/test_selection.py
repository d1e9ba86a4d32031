"""Selectors: which jobs a command is about."""

from dataclasses import replace

import pytest

from runner.core.job import State
from runner.core.selection import BadSelector, parse
from runner.core.spec import JobSpec
from tests.unit.core.test_plan import SPEC


def spec(job_id: str, *tags: str) -> JobSpec:
    """A job of this id and these tags."""
    return replace(SPEC, id=job_id, name=job_id.partition("/")[0], tags=tags)


@pytest.mark.parametrize(
    ("select", "exclude", "chosen"),
    [
        ([], [], True),
        (["welcome/*/en"], [], True),
        (["welcome/*/zh"], [], False),
        (["welcome/1042/en"], [], True),
        (["welcome"], [], True),
        (["welcome/1042"], [], False),
        (["wel"], [], False),
        ([], ["welcome"], False),
        (["tag:nightly"], [], True),
        (["tag:weekly"], [], False),
        (["tag:weekly", "tag:nightly"], [], True),
        (["tag:nightly,state:failed"], [], True),
        (["tag:nightly,state:running"], [], False),
        (["uses:digital-*/*"], [], True),
        (["uses:kling/*"], [], False),
        ([], ["state:failed"], False),
        (["tag:nightly"], ["welcome/*"], False),
    ],
)
def test_comma_is_and_repetition_is_or(select: list[str], exclude: list[str], chosen: bool) -> None:
    """Over one failed nightly job."""
    assert parse(select, exclude).holds(spec("welcome/1042/en", "nightly"), lambda: State.FAILED) is chosen


@pytest.mark.parametrize("text", ["", "tag:a,", "colour:red", "state:broken"])
def test_a_selector_without_meaning_is_refused(text: str) -> None:
    """With words about what is allowed."""
    with pytest.raises(BadSelector):
        parse([text], [])


def test_selectors_without_a_job_are_remembered() -> None:
    """Those that never held, as they were written, although another one chose the job."""
    selection = parse(["welcome", "tag:weekly, state:failed", "nosuch", "tag:nightly"], [])
    assert "welcome" in selection.unmatched
    assert selection.holds(spec("welcome/1042/en", "nightly"), lambda: State.FAILED)
    assert not selection.holds(spec("other/1"), lambda: State.PENDING)
    assert selection.unmatched == ("tag:weekly,state:failed", "nosuch")
