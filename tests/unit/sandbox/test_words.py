from __future__ import annotations

from typing import Any

import pytest

from runner.sandbox.dice import Dice
from runner.sandbox.faults import TABLE, Fault, Stage, magic_words
from runner.sandbox.options import SandboxOptions


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("Hello Anna", ()),
        ("sandbox:reset", (Fault("reset"),)),
        ("Hi. sandbox:429@2.", (Fault("429", None, 2),)),
        ("sandbox:slow=1.5, please", (Fault("slow", 1.5),)),
        ("sandbox:429=3@1 and SANDBOX:Fail", (Fault("429", 3.0, 1), Fault("fail"))),
        ("https://a.example/sandbox%3Aeof.mp3?x=1", (Fault("eof"),)),
        ("https://a.example/x.mp3?sandbox:cdn-drop@1&y", (Fault("cdn-drop", None, 1),)),
        ("sandbox:shape-data-data", (Fault("shape-data-data"),)),
        ("sandbox:nonsense", (Fault("nonsense"),)),
        ("sandbox: reset", ()),
    ],
)
def test_magic_words(text: str, faults: tuple[Fault, ...]) -> None:
    """Words are found in texts and addresses, with number and count, whatever stands around them."""
    assert magic_words([text]) == faults


def test_a_fault_with_a_count_strikes_that_often_for_each_key() -> None:
    """`@2` strikes twice for one key and twice again for another."""
    dice = Dice({}, 0)
    fault = Fault("429", times=2)
    assert [dice.strikes(fault, "a") for _ in range(4)] == [True, True, False, False]
    assert dice.strikes(fault, "b")


def test_a_rate_strikes_about_that_often_and_the_seed_decides_which() -> None:
    """A rate of 0.3 strikes about 3 of 10; the same seed the same ones in any order, another seed others."""
    digests = [f"{number:064x}" for number in range(1000)]

    def struck(seed: int, order: list[str]) -> set[str]:
        dice = Dice({"reset": 0.3}, seed)
        return {digest for digest in order if dice.faults_of([], digest)}

    first = struck(1, digests)
    assert 250 < len(first) < 350
    assert struck(1, digests[::-1]) == first
    assert struck(2, digests) != first


@pytest.mark.parametrize("kind", TABLE)
def test_chance_strikes_deliveries_and_questions_once(kind: str) -> None:
    """A fault by rate is once a task where a client could otherwise never come to an end."""
    (fault,) = Dice({kind: 1.0}, 0).faults_of([], "0" * 64)
    assert fault.times == (1 if TABLE[kind].stage in (Stage.POLL, Stage.RESULT, Stage.CDN) else None)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"faults": {"nonsense": 0.1}}, "nonsense"),
        ({"faults": {"reset": 1.5}}, "reset"),
        ({"shape": "deep"}, "deep"),
        ({"task_s": -1}, "task_s"),
        ({"task_jitter_s": -1}, "task_jitter_s"),
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, Any], word: str) -> None:
    """An option that means nothing is an error that names it."""
    with pytest.raises(ValueError, match=word):
        SandboxOptions(**wrong)
