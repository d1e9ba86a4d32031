"""Says in words what JSON Schema says in keywords."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from runner.manifest.codes import Code
from runner.manifest.flaws import closest, did_you_mean
from runner.manifest.schema.patterns import additional_keys
from runner.manifest.schema.repeats import first_repeated
from runner.manifest.schema.words import KINDS, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jsonschema import ValidationError

Path = tuple[str | int, ...]

_MOST_CHARACTERS_SHOWN: Final = 60
_MOST_CHARACTERS_UNEXPLAINED: Final = 300

REFUSAL: Final = "x-refusal"
"""Beside a `not` of ours: what to say when it refuses."""

MOST_COMPLAINTS: Final = 1_000
"""A value with more is explained no further: the first thousand are enough to see what is wrong."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a value, before it has a place in a file.

    Args:
        code: The stable code.
        message: What is wrong.
        at: Where in the value.
        on_key: Whether the key is at fault rather than its value.
        hint: Words for the caret, or None.
        also: Further keys that belong to it, with words for each.
        wants_quotes: Whether what was written would be right between quotes; `hint` shows the value that YAML makes of it without.
        notes: Lines that say how to mend it.
    """

    code: Code
    message: str
    at: Path
    on_key: bool = False
    hint: str | None = None
    also: tuple[tuple[Path, str], ...] = ()
    wants_quotes: bool = False
    notes: tuple[str, ...] = ()

    @staticmethod
    def unexplained(message: str, at: Iterable[str | int]) -> Complaint:
        """What is left to say when the explaining library has no words: those of the library that decides."""
        return Complaint(Code.SCHEMA, message[:_MOST_CHARACTERS_UNEXPLAINED], tuple(at))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What one keyword of a schema refused: the parts of a `ValidationError` that are looked at, with their types."""

    keyword: str
    wanted: Any
    instance: Any
    schema: dict[str, Any]
    path: Path
    is_about_name: bool

    @classmethod
    def of(cls, error: ValidationError) -> _Refusal:
        return cls(
            keyword=str(error.validator),
            wanted=error.validator_value,
            instance=error.instance,
            schema=error.schema if isinstance(error.schema, dict) else {},
            path=tuple(error.absolute_path),
            is_about_name="propertyNames" in error.absolute_schema_path,
        )


def explain(errors: Iterable[ValidationError]) -> list[Complaint]:
    """Words for the errors of one value, keys of one mapping taken together.

    A misspelt key beside a missing one is one complaint, and so is a misspelt key where exactly one of several is needed.
    There are at most `MOST_COMPLAINTS`.
    """
    by_mapping: dict[Path, list[_Refusal]] = defaultdict(list)
    found: list[Complaint] = []
    for error in islice(errors, MOST_COMPLAINTS):
        refusal = _Refusal.of(error)
        if refusal.keyword in ("additionalProperties", "required", "oneOf") and isinstance(refusal.instance, dict):
            by_mapping[refusal.path].append(refusal)
        elif refusal.keyword != "oneOf" or "type" not in refusal.schema:
            found.append(_explain_value(refusal, error.message))
        # A `oneOf` beside a `type` chooses among keys: what is no mapping is refused by the type already.
    for path, group in by_mapping.items():
        found += _Keys(path, group).complaints()
    return found[:MOST_COMPLAINTS]


# --- keys of a mapping ------------------------------------------------------------------------------------------------


class _Keys:
    """What is wrong with the keys of one mapping."""

    def __init__(self, path: Path, errors: Sequence[_Refusal]) -> None:
        self._path = path
        self._instance: dict[str, Any] = errors[0].instance
        self._errors = errors
        self._schema = next((e.schema for e in errors if e.keyword == "additionalProperties"), errors[0].schema)
        self._missing = self._missing_keys()
        self._choice = next((keys for e in errors if e.keyword == "oneOf" and (keys := _choice(e)) is not None), None)

    def _missing_keys(self) -> list[str]:
        required = [key for e in self._errors if e.keyword == "required" for key in e.wanted]
        return [key for key in dict.fromkeys(required) if key not in self._instance]

    def _unknown_keys(self) -> list[str]:
        if not any(e.keyword == "additionalProperties" for e in self._errors):
            return []
        return list(islice(additional_keys(self._instance, self._schema), MOST_COMPLAINTS))

    def complaints(self) -> list[Complaint]:
        found = [self._unknown(key) for key in self._unknown_keys()]
        found += [
            Complaint(Code.MISSING_KEY, f"the required key `{key}` is missing", self._path, on_key=True)
            for key in self._missing
        ]
        if self._choice is not None:
            found.append(self._exactly_one(self._choice))
        found += [_explain_value(e) for e in self._errors if e.keyword == "oneOf" and _choice(e) is None]
        return found

    def _unknown(self, key: str) -> Complaint:
        known: dict[str, Any] = self._schema.get("properties", {})
        meant = closest(key, [name for name in known if name not in self._instance])
        where = (*self._path, key)
        hint = f"did you mean `{meant}`?" if meant else _all_keys(known)
        if meant in self._missing:
            self._missing.remove(meant)
            message = f"unknown key {show(key)}; the required key `{meant}` is missing"
            return Complaint(Code.UNKNOWN_KEY, message, where, on_key=True, hint=hint)
        if (
            self._choice is not None
            and meant in self._choice
            and not any(name in self._instance for name in self._choice)
        ):
            names = ", ".join(f"`{name}`" for name in self._choice)
            self._choice = None
            return Complaint(
                Code.UNKNOWN_KEY,
                f"unknown key {show(key)}; exactly one of {names} is needed",
                where,
                on_key=True,
                hint=hint,
            )
        return Complaint(Code.UNKNOWN_KEY, f"unknown key {show(key)}", where, on_key=True, hint=hint)

    def _half(self, given: str) -> Complaint:
        branches = next(e.wanted for e in self._errors if e.keyword == "oneOf" and _choice(e) is not None)
        missing = " and ".join(f"`{key}`" for key in _pair_of(given, branches) if key not in self._instance)
        message = f"`{given}` needs {missing} beside it"
        return Complaint(Code.EXACTLY_ONE, message, (*self._path, given), on_key=True)

    def _exactly_one(self, names: Sequence[str]) -> Complaint:
        said = ", ".join(f"`{name}`" for name in names)
        given = [name for name in self._instance if name in names]
        if not given:
            return Complaint(Code.EXACTLY_ONE, f"give exactly one of {said}; there is none", self._path, on_key=True)
        if len(given) == 1:
            return self._half(given[0])
        count = {2: "two", 3: "three"}.get(len(given), str(len(given)))
        message = f"give exactly one of {said}; this gives {count}"
        last = (*self._path, given[-1])
        words = ("the first is here", "the second is here", "the third is here")
        also = tuple(((*self._path, name), words[min(number, 2)]) for number, name in enumerate(given[:-1]))
        hint = words[min(len(given) - 1, 2)] if also else None
        return Complaint(Code.EXACTLY_ONE, message, last, on_key=True, hint=hint, also=also)


def _pair_of(key: str, branches: Iterable[dict[str, Any]]) -> list[str]:
    """The keys that a branch of a choice wants together."""
    return next(branch["required"] for branch in branches if key in branch["required"])


def _all_keys(known: dict[str, Any]) -> str | None:
    return f"its keys: {', '.join(known)}" if 0 < len(known) <= 12 else None


def _choice(error: _Refusal) -> list[str] | None:
    """The keys of a `oneOf` that only says which keys are required; None for any other."""
    # A branch may be `true` or `false`.
    if any(not isinstance(branch, dict) or set(branch) != {"required"} for branch in error.wanted):
        return None
    return list(dict.fromkeys(key for branch in error.wanted for key in branch["required"]))


# --- values -----------------------------------------------------------------------------------------------------------


def _explain_value(error: _Refusal, otherwise: str = "this does not fit its schema") -> Complaint:
    if error.is_about_name:
        return _bad_key(error)
    if error.keyword == "not" and REFUSAL in error.schema:
        return Complaint(Code.NOT_ALLOWED, str(error.schema[REFUSAL]), error.path)
    words = _WORDS.get(error.keyword)
    if words is None:
        return Complaint(Code.SCHEMA, otherwise[:_MOST_CHARACTERS_UNEXPLAINED], error.path)
    code, message, hint = words(error)
    return Complaint(code, message, error.path, hint=hint, wants_quotes=_wants_quotes(error))


def _bad_key(error: _Refusal) -> Complaint:
    reason = error.schema.get("patternErrorMessage", f"must match {error.wanted}")
    return Complaint(
        Code.WRONG_FORM,
        f"the name {show(error.instance)} is not allowed: it {reason}",
        (*error.path, error.instance),
        on_key=True,
    )


def show(value: Any) -> str:
    """A value between backticks, shortened, as JSON writes it; text without quotes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"`{text}`" if len(text) <= _MOST_CHARACTERS_SHOWN else f"`{text[:_MOST_CHARACTERS_SHOWN]}…`"


def quoted(text: str) -> str:
    """The hint for a number, or true and false, where text is wanted."""
    return f'between quotes it is text: "{text}"'


def _wants_quotes(error: _Refusal) -> bool:
    return (
        error.keyword == "type" and error.wanted in ("string", ["string"]) and isinstance(error.instance, int | float)
    )


_Words = tuple[Code, str, str | None]


def _type(error: _Refusal) -> _Words:
    wanted: list[str] = error.wanted if isinstance(error.wanted, list) else [error.wanted]
    said = " or ".join(KINDS.get(name, name) for name in wanted)
    hint = "true and false are the only words for it" if wanted == ["boolean"] else None
    hint = quoted(json.dumps(error.instance)) if _wants_quotes(error) else hint
    hint = (
        "the file has no value; `callsheet init` writes one to begin with"
        if error.instance is None and not error.path
        else hint
    )
    return Code.WRONG_TYPE, f"this must be {said}, and is {kind_of(error.instance)}", hint


def _enum(error: _Refusal) -> _Words:
    allowed = error.wanted
    said = ", ".join(show(item) for item in allowed)
    words = [item for item in allowed if isinstance(item, str)]
    hint = did_you_mean(error.instance, words) if isinstance(error.instance, str) else None
    return Code.NOT_ALLOWED, f"{show(error.instance)} is not one of {said}", hint


def _const(error: _Refusal) -> _Words:
    return Code.NOT_ALLOWED, f"this must be {show(error.wanted)}, and is {show(error.instance)}", None


def _pattern(error: _Refusal) -> _Words:
    reason = error.schema.get("patternErrorMessage", f"must match {error.wanted}")
    # `writeOnly` marks what may be a secret in the wrong place.
    what = "this" if error.schema.get("writeOnly") else show(error.instance)
    return Code.WRONG_FORM, f"{what} {reason}", None


def _bound(words: str) -> Callable[[_Refusal], _Words]:
    def say(error: _Refusal) -> _Words:
        return Code.OUT_OF_RANGE, words.format(bound=error.wanted, value=show(error.instance)), None

    return say


def _too_short(error: _Refusal) -> _Words:
    if not error.instance:
        return Code.OUT_OF_RANGE, "this text is empty", None
    return Code.OUT_OF_RANGE, f"this text is shorter than {error.wanted} characters", None


def _too_long(error: _Refusal) -> _Words:
    return Code.OUT_OF_RANGE, f"this text has {len(error.instance):,} characters, more than {error.wanted:,}", None


def _too_few(what: str, parts: str) -> Callable[[_Refusal], _Words]:
    def say(error: _Refusal) -> _Words:
        found = "is empty" if not error.instance else f"has fewer than {error.wanted} {parts}"
        return Code.OUT_OF_RANGE, f"this {what} {found}", None

    return say


def _repeated(error: _Refusal) -> _Words:
    return Code.REPEATED, f"the list repeats {show(error.instance[first_repeated(error.instance)])}", None


def _lonely(error: _Refusal) -> _Words:
    key, others = next((key, others) for key, others in error.wanted.items() if key in error.instance)
    return Code.MISSING_KEY, f"`{key}` says nothing without {' and '.join(map(show, others))} beside it", None


_WORDS: Final[dict[str, Callable[[_Refusal], _Words]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _bound("{value} is less than {bound}"),
    "maximum": _bound("{value} is more than {bound}"),
    "exclusiveMinimum": _bound("{value} is not more than {bound}"),
    "exclusiveMaximum": _bound("{value} is not less than {bound}"),
    "multipleOf": _bound("{value} is not a multiple of {bound}"),
    "minLength": _too_short,
    "maxLength": _too_long,
    "minItems": _too_few("list", "items"),
    "maxItems": _bound("this list has more than {bound} items"),
    "minProperties": _too_few("mapping", "keys"),
    "uniqueItems": _repeated,
    "dependentRequired": _lonely,
}
