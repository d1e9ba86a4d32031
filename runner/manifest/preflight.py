"""Holds what jobs send against what the operation takes: local files by their content, addresses by what they gave when they were asked.

A content is looked at once, however many jobs send it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runner.core.preflight import Content, InputLimits, NotFetched, breaches
from runner.core.references import OPEN
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.places import name_of, place_of, values_at
from runner.manifest.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.core.preflight import Breach, Look
    from runner.core.spec import FileInput
    from runner.manifest.input_rules import InputRules
    from runner.manifest.inputs import Pointer
    from runner.manifest.places import Place

_MOST_KNOWN: Final = 50_000
"""Contents kept at once, about 400 bytes each; beyond that a file may be looked at again."""

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{64,}={0,2}")
_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_SCHEMES: Final = ("http://", "https://")
_NO_LIMITS: Final = InputLimits()


@dataclass(slots=True)
class Looks:
    """What is known about contents, for all jobs of a manifest and all passes over it.

    Args:
        look: Looks into a file; None when files are not looked at.
        fetched: What addresses gave, by address as written; those that nobody asked are absent.
    """

    look: Look | None = None
    fetched: Mapping[str, Content | NotFetched] = field(default_factory=dict)
    _known: dict[str, Content] = field(default_factory=dict)

    def content(self, file: FileInput) -> Content | None:
        """What a local file holds; None when files are not looked at.

        Raises:
            Flaw: It cannot be read any more.
        """
        if self.look is None:
            return None
        known = self._known.get(file.sha256)
        if known is None:
            known = self._looked_at(file, self.look)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[file.sha256] = known
        return known

    def _looked_at(self, file: FileInput, look: Look) -> Content:
        try:
            with open(file.path, "rb", opener=open_regular) as bytes_:
                return look(bytes_)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Flaw(Code.FILE_UNREADABLE, f"cannot read `{file.written}`: {reason}") from error


@dataclass(slots=True)
class AddressUse:
    """What an address is for.

    Args:
        limits: The different limits that what it gives has to keep.
        accounts: Those whose jobs send it.
    """

    limits: list[InputLimits] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)

    def add(self, limits: InputLimits, account: str) -> None:
        """Another job sends it."""
        if limits not in self.limits:
            self.limits.append(limits)
        if account not in self.accounts:
            self.accounts.append(account)


class Preflight:
    """Holds the jobs of one operation on one account against its limits.

    Args:
        rules: What the inputs may hold.
        uses: `<account>/<operation>`, for the words on how to mend it.
        looks: What is known about contents.
    """

    def __init__(self, rules: InputRules, uses: str, looks: Looks) -> None:
        self._rules = rules
        self._uses = uses
        self._looks = looks
        self._judged: dict[tuple[str, Place], tuple[Breach, ...]] = {}

    def flaws(self, inputs: Any, files: Sequence[FileInput]) -> Iterator[Flaw]:
        """Everything that the operation does not take of what a job sends, each with its place within the inputs.

        Args:
            inputs: Rendered.
            files: The local files among them.
        """
        for file in files:
            content = self._looks.content(file)
            if content is not None:
                yield from self._of_content(content, file.sha256, file.at, (*file.at, "file"), f"`{file.written}`")
        if self._looks.fetched:
            for at, address in _texts(inputs, self._rules.take_addresses):
                yield from self._of_address(at, address)

    def duration_s(self, inputs: Any, files: Sequence[FileInput]) -> float | None:
        """Seconds that the result will last: those of the recording that it is made of, or those that are asked for; None when unknown."""
        for place in self._rules.tell_length:
            value = inputs
            for step in place:
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None and (seconds := self._seconds(value, place, files)) is not None:
                return seconds
        return None

    def addresses(self, inputs: Any) -> Iterator[tuple[str, InputLimits]]:
        """The addresses that a job sends, with the limits of what they give."""
        for at, address in _texts(inputs, self._rules.take_addresses):
            yield address, self._rules.limits.get(place_of(at), _NO_LIMITS)

    def how_to_differ(self, place: Place, limit: str) -> str:
        """What to write where the account's host has another limit.

        Args:
            place: The input.
            limit: The field of `InputLimits`.
        """
        account, _, operation = self._uses.partition("/")
        where = f"providers: {{{account}: {{accepts: {{{operation}: {{{name_of(place)}: {{{limit}: …}}}}}}}}}}"
        return f"if this account's host has other limits, say so: `{where}`"

    def _seconds(self, value: Any, place: Place, files: Sequence[FileInput]) -> float | None:
        """What one input says about the length of the result."""
        match value:
            case str():
                fetched = self._looks.fetched.get(value)
                if isinstance(fetched, Content):
                    return fetched.duration_s
                counts = place in self._rules.count_seconds and _SECONDS.fullmatch(value) is not None
                return float(value) if counts else None
            case dict():
                contents = (self._looks.content(file) for file in files if file.at == place)
                return next((content.duration_s for content in contents if content is not None), None)
            case int() | float() if not isinstance(value, bool):
                return float(value)
            case _:
                return None

    def _of_address(self, at: Pointer, address: str) -> Iterator[Flaw]:
        fetched = self._looks.fetched.get(address)
        shown = f"`{address.partition('?')[0].partition('#')[0]}`"
        if isinstance(fetched, NotFetched):
            yield Flaw(Code.NOT_FETCHED, f"{shown} {fetched.reason}", within=at)
        elif fetched is not None:
            yield from self._of_content(fetched, address, at, at, shown)

    def _of_content(self, content: Content, key: str, at: Pointer, within: Pointer, shown: str) -> Iterator[Flaw]:
        place = place_of(at)
        judged = self._judged.get((key, place))
        if judged is None:
            judged = breaches(content, self._rules.limits.get(place, _NO_LIMITS), name_of(place))
            if len(self._judged) >= _MOST_KNOWN:
                self._judged.clear()
            self._judged[key, place] = judged
        for breach in judged:
            # Documents disagree about bounds, so that a host may take more.
            notes = (self.how_to_differ(place, breach.limit),) if breach.limit is not None else ()
            yield Flaw(Code(breach.code), f"{shown} {breach.message}", notes=notes, within=within)


def is_base64(value: Any) -> bool:
    """Whether a text is a file's bytes rather than its address: a `data:` address, or base64 of more than a few words."""
    return isinstance(value, str) and (value[:5].lower() == "data:" or _BASE64.fullmatch(value) is not None)


def _texts(inputs: Any, places: Sequence[Place]) -> Iterator[tuple[Pointer, str]]:
    """The addresses that stand at places; an output of another job is none yet."""
    for place in places:
        for at, value in values_at(inputs, place):
            if isinstance(value, str) and value.startswith(_SCHEMES) and OPEN not in value:
                yield at, value
