"""Reads a task of Kling: one form for all its operations, which differ in what a result holds (`api-facts.md` sections 1.4, 1.8 and 1.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Ready, Running
from runner.providers.endings import ended
from runner.providers.json_body import http_address, mapping, seconds, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.answers import Ended

_RUNNING: Final = frozenset({"submitted", "processing"})
_SUCCEEDED: Final = frozenset({"succeed", "succeeded"})
"""The newer APIs of Kling write the second."""
_FAILED: Final = "failed"
_NO_REASONS: Final = frozenset({"succeed", "success"})
_MOST_WORD_CHARS: Final = 64
_UNITS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?0?[0-9])?")
"""A number that a task can cost. Kling writes short decimals; the exponent is that of a small float."""

RESULT_LIFETIME_S: Final = 30 * 86_400.0
"""How long Kling keeps what it has made, and the names of it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What `task_result` holds.

    Args:
        address: Where the file is; None without one.
        outputs: Named outputs of the operation's schema, as many as are there.
        is_whole: Whether a task that has this has succeeded; False for an operation without a file whose outputs are not there.
    """

    address: str | None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = True


if TYPE_CHECKING:
    ReadResult = Callable[[Mapping[str, Any]], Result]
    """Reads an operation's `task_result`."""


def read_task(
    task: Mapping[str, Any],
    read_result: ReadResult,
    *,
    own_words: str | None,
    message: str = "",
    request_id: str | None = None,
) -> Running | Ready | Ended | None:
    """What a task says about itself.

    Args:
        task: The object under `data`, or an item of a list.
        read_result: Reads what the operation makes.
        own_words: The job's own text, which a reason may quote; None where nobody knows it.
        message: The envelope's words, for a failure that has none of its own.
        request_id: Kling's id of the request, for a failure.

    Returns:
        The answer; None when the object is no task.
    """
    status = text(task.get("task_status"))
    match status.lower():
        case "":
            return None
        case word if word in _RUNNING:
            return Running()
        case word if word in _SUCCEEDED:
            result = read_result(mapping(task.get("task_result")))
            if not result.is_whole:
                return Running(unknown_status=f"{status[:_MOST_WORD_CHARS]} without a result")
            return Ready(result.address, result.outputs, units=_units(task))
        case word if word == _FAILED:
            charged = None if (units := _units(task)) is None else Decimal(units) > 0
            return ended(_reason(task, message), own_words=own_words, request_id=request_id, charged=charged)
        case _:
            return Running(unknown_status=status[:_MOST_WORD_CHARS])


def own_id_of(task: Mapping[str, Any]) -> str:
    """Our own id of a task; "" when it shows none."""
    return text(mapping(task.get("task_info")).get("external_task_id")) or text(task.get("external_task_id"))


def first_of(results: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The first of the things that a task has made, such as `videos`; empty when there is none."""
    things = results.get(kind)
    return mapping(things[0]) if isinstance(things, list) and things else {}


def address_of(thing: Mapping[str, Any], name: str) -> str | None:
    """An address; None when there is none."""
    return http_address(text(thing.get(name)))


def name_of(thing: Mapping[str, Any], key: str) -> str | None:
    """A name that Kling has for something; None when there is none."""
    return text(thing.get(key)) or None


def seconds_of(thing: Mapping[str, Any]) -> float | None:
    """`duration` in seconds, which Kling writes as text; None when it is no length."""
    return seconds(thing.get("duration"))


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that are there."""
    return {name: value for name, value in facts.items() if value is not None}


def _units(task: Mapping[str, Any]) -> str | None:
    """What Kling has deducted, in its own units, as it writes the number; None when it does not say.

    `final_balance_deduction` is not read: it names no currency.
    """
    said = task.get("final_unit_deduction")
    words = str(said) if isinstance(said, float) else text(said)
    return words if _UNITS.fullmatch(words) else None


def _reason(task: Mapping[str, Any], message: str) -> str:
    """Why it failed: in `task_status_msg` alone, since `message` speaks of the call, which worked."""
    said = (text(task.get("task_status_msg")), message)
    return next((words for words in said if words and words.lower() not in _NO_REASONS), "")
