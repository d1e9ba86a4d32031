"""What the schema of an operation, and the account that differs from it, say about what inputs may hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from runner.core.preflight import InputLimits
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.places import EVERY, name_of
from runner.manifest.schema.walk import inlined
from runner.schema_files import load_schema, operation_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.manifest.inputs import Pointer
    from runner.manifest.places import Place

_OF_TEXTS: Final = frozenset({"max_chars", "max_age_s", "min_duration_s", "max_duration_s"})
"""Limits that say something of an input that takes neither addresses nor files: of a text, or of the name of a recording."""


@dataclass(frozen=True, slots=True)
class _Input:
    """What a schema says about one input.

    Args:
        at: Its place.
        limits: Its `x-limits` as written.
        tells_length: Whether the result lasts as long as what stands in it (`x-result-lasts`).
        counts_seconds: Whether a text in it is that number of seconds, where another would be an address or a name.
        takes_address: Whether it is an address that may be asked for: not one for the API to call back.
        takes_bytes: Whether it may be a local file.
    """

    at: Place
    limits: Mapping[str, Any]
    tells_length: bool
    counts_seconds: bool
    takes_address: bool
    takes_bytes: bool

    @property
    def name(self) -> str:
        """What `accepts` calls it: `create_voice.audio_url`."""
        return name_of(self.at)


@dataclass(frozen=True, slots=True)
class InputRules:
    """What inputs may hold, by place.

    Args:
        limits: Limits of those that have any.
        tell_length: Those that say how long the result lasts.
        count_seconds: Those of them in which a text is a number of seconds.
        take_addresses: Those that may be an address.
        take_bytes: Those that may be a local file.
    """

    limits: Mapping[Place, InputLimits]
    tell_length: tuple[Place, ...]
    count_seconds: frozenset[Place]
    take_addresses: tuple[Place, ...]
    take_bytes: tuple[Place, ...]

    @property
    def max_chars(self) -> tuple[tuple[Place, int], ...]:
        """The most characters of those inputs for which a limit says it."""
        return tuple((at, it.max_chars) for at, it in self.limits.items() if it.max_chars is not None)


NO_RULES: Final = InputRules({}, (), frozenset(), (), ())


def input_rules(operation: str, accepts: Mapping[str, Mapping[str, Any]]) -> InputRules:
    """The rules of an operation on an account.

    Args:
        operation: `<type>/<operation>`.
        accepts: Limits that the account says otherwise, by input; names that mean nothing are left out.
    """
    inputs = _inputs(operation)
    limits = {
        it.at: InputLimits.from_json({**it.limits, **accepts.get(it.name, {})})
        for it in inputs
        if it.limits or it.name in accepts
    }
    return InputRules(
        limits,
        tuple(it.at for it in inputs if it.tells_length),
        frozenset(it.at for it in inputs if it.counts_seconds),
        tuple(it.at for it in inputs if it.takes_address),
        tuple(it.at for it in inputs if it.takes_bytes),
    )


@cache
def _inputs(operation: str) -> tuple[_Input, ...]:
    schema = load_schema(operation)
    return tuple(_walk(inlined(schema["$defs"]["inputs"], schema), ()))


def _walk(schema: dict[str, Any], at: Place) -> Iterator[_Input]:
    """The inputs that hold no further ones, in the order written. What stands at a list holds for its items too."""
    for name, facts in schema.get("properties", {}).items():
        yield from _leaves(facts, (*at, name))


def _leaves(facts: dict[str, Any], at: Place) -> Iterator[_Input]:
    if "items" in facts:
        shared: dict[str, Any] = {
            key: facts[key] for key in ("x-limits", "x-result-lasts", "x-outside-fingerprint") if key in facts
        }
        yield from _leaves({**shared, **facts["items"]}, (*at, EVERY))
    elif "properties" in facts and "x-bytes" not in facts:
        yield from _walk(facts, at)
    else:
        lasts = facts.get("x-result-lasts")
        yield _Input(
            at,
            facts.get("x-limits", {}),
            tells_length=lasts is not None,
            counts_seconds=lasts == "seconds",
            takes_address=facts.get("pattern", "").startswith("^https?://") and "x-outside-fingerprint" not in facts,
            takes_bytes="x-bytes" in facts,
        )


# --- `accepts` on an account ------------------------------------------------------------------------------------------


def accepts_flaws(kind: str, accepts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[tuple[Pointer, Flaw]]:
    """What is wrong with `accepts` that the manifest's schema cannot see, by pointer to a key within it.

    Args:
        kind: The account's provider.
        accepts: Limits by operation, then by input.
    """
    there = [name.partition("/")[2] for name in operation_names() if name.partition("/")[0] == kind]
    for operation, inputs in accepts.items():
        if operation not in there:
            hint = did_you_mean(operation, there) or f"it has {', '.join(there)}"
            yield (operation,), Flaw(Code.UNKNOWN_OPERATION, f"`{kind}` has no operation `{operation}`", hint=hint)
            continue
        known = {it.name: it for it in _inputs(f"{kind}/{operation}")}
        for name, limits in inputs.items():
            if name not in known:
                text = f"`{kind}/{operation}` has no input `{name}` that could have limits"
                yield (operation, name), Flaw(Code.UNKNOWN_KEY, text, hint=did_you_mean(name, known))
            else:
                yield from (((operation, name, *at), flaw) for at, flaw in _limit_flaws(known[name], limits))


def _limit_flaws(facts: _Input, limits: Mapping[str, Any]) -> Iterator[tuple[Pointer, Flaw]]:
    if not (facts.takes_address or facts.takes_bytes):
        for key in sorted(limits.keys() - _OF_TEXTS):
            text = f"`{facts.name}` takes neither files nor addresses, so `{key}` says nothing about it"
            yield (key,), Flaw(Code.NOT_ALLOWED, text)
    contradiction = InputLimits.from_json({**facts.limits, **limits}).contradiction
    if contradiction is not None:
        yield (
            (),
            Flaw(Code.CONTRADICTION, contradiction, notes=("limits that are not written here are the operation's",)),
        )
