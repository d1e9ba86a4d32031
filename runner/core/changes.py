"""What changed in a job: from the inputs behind two fingerprints to the fields that differ.

The inputs are those that count for a fingerprint (`JobSpec.content`): in the place of a reference stands the needed job's fingerprint,
in that of a file the digest of its bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.core import references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.core.diagnostics import Span
    from runner.core.spec import JobSpec

Pointer = tuple[str | int, ...]
"""Keys and indices from a job's inputs to a value in them; empty for the operation itself."""

_ABSENT: Final = object()


class Asked(NamedTuple):
    """What an earlier job of an id was asked for.

    Args:
        operation: `<type>/<operation>`.
        content: Its inputs, canonical JSON as in `JobSpec.content`; None when the state does not know them.
    """

    operation: str
    content: str | None


class ChangeKind(StrEnum):
    """What happened to an input."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    FILE = "file"
    """The bytes of a local file."""
    NEED = "need"
    """A needed job, whose output is used, is another one: it was changed itself."""
    OPERATION = "operation"
    """The operation: everything is asked of another API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One input that differs.

    Args:
        at: Which.
        kind: How.
        before: Its value; None where it was absent. Only for `CHANGED` and `OPERATION`.
        after: Likewise.
        name: For `FILE` the path as the manifest has it, for `NEED` the needed job's id; else "".
        place: Where the new value comes from; None until somebody has looked it up.
    """

    at: Pointer
    kind: ChangeKind
    before: Any = None
    after: Any = None
    name: str = ""
    place: Span | None = None

    @property
    def path(self) -> str:
        """`use_voice.text`, `scenes[2].text`; "" for the operation."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.at).removeprefix(".")


def changes(spec: JobSpec, before: Asked) -> Iterator[Change]:
    """What a job is asked for now and was not before, in the order of the inputs' names.

    Args:
        spec: The job as it is asked for now.
        before: The earlier job of its id.

    Yields:
        Every difference, without its place. None where the earlier inputs are not known; of another operation, only that it is another.
    """
    if before.operation != spec.operation:
        yield Change(at=(), kind=ChangeKind.OPERATION, before=before.operation, after=spec.operation)
    elif before.content is not None and spec.content:
        yield from _Comparison(spec).values((), json.loads(before.content), json.loads(spec.content), spec.inputs)


class _Comparison:
    """Walks over the inputs of then and now.

    Args:
        spec: The job as it is asked for now.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._files = {file.at: file.written for file in spec.files}

    def values(self, at: Pointer, before: Any, after: Any, written: Any) -> Iterator[Change]:
        """The differences between two values.

        Args:
            at: Where they stand.
            before: The value as it counted for the earlier fingerprint; `_ABSENT` without one.
            after: The value as it counts now; `_ABSENT` without one.
            written: The value among the inputs of now: references are markers there.
        """
        if after is _ABSENT:
            yield Change(at=at, kind=ChangeKind.REMOVED)
        elif before is _ABSENT:
            yield Change(at=at, kind=ChangeKind.ADDED)
        elif at in self._files or _is_reference(written):
            if before != after:
                yield from self._made_from(at, before, after, written)
        elif _are_alike(before, after):
            yield from self._inside(at, before, after, written)
        elif not _are_same(before, after):
            yield _changed(at, before, after)

    def _made_from(self, at: Pointer, before: Any, after: Any, written: Any) -> Iterator[Change]:
        """The difference between two values of which the later is a file or holds outputs of other jobs."""
        if at in self._files and _is_file(before):
            yield Change(at=at, kind=ChangeKind.FILE, name=self._files[at])
        elif needed := _other_jobs(before, after, written):
            yield from (Change(at=at, kind=ChangeKind.NEED, name=job) for job in needed)
        else:
            yield _changed(at, before, after)

    def _inside(self, at: Pointer, before: Any, after: Any, written: Any) -> Iterator[Change]:
        if isinstance(after, list):
            for number, pair in enumerate(zip(before, after, strict=True)):
                yield from self.values((*at, number), *pair, written[number])
            return
        for name in sorted(before.keys() | after.keys()):
            then, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
            if not _are_same(then, now):
                # Where the content has a name that the inputs lack, what stands there is the content's own form of something.
                inside = written.get(name) if isinstance(written, dict) else None
                yield from self.values((*at, name), then, now, inside)


def _changed(at: Pointer, before: Any, after: Any) -> Change:
    return Change(at=at, kind=ChangeKind.CHANGED, before=_plain(before), after=_plain(after))


def _are_same(before: Any, after: Any) -> bool:
    """Whether two values are the same and hold no others: in Python `1 == True`, also inside of objects and lists."""
    return type(before) is type(after) and before == after and not isinstance(after, dict | list)


def _are_alike(before: Any, after: Any) -> bool:
    """Whether the difference lies further inside: both are objects, or lists of one length."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after)
    return isinstance(before, dict) and isinstance(after, dict)


def _plain(value: Any) -> Any:
    """A value that people can read in a line; None for objects and lists."""
    return None if isinstance(value, dict | list) else value


def _is_file(content: Any) -> bool:
    """Whether the content's form of a local file stands there."""
    return isinstance(content, dict) and content.keys() == {"sha256"}


def _is_reference(written: Any) -> bool:
    return isinstance(written, str) and references.OPEN in written


def _other_jobs(before: Any, after: Any, written: Any) -> list[str]:
    """The ids of the needed jobs that are others than before, when nothing else differs; none when something else does."""
    if not _is_reference(written):
        return []
    then, now = _pieces(before), _pieces(after)
    if [_shape(piece) for piece in then] != [_shape(piece) for piece in now]:
        return []
    ids = iter([ref.job for ref in references.find(written)])
    jobs = [(next(ids), old, new) for old, new in zip(then, now, strict=True) if isinstance(new, dict)]
    return list(dict.fromkeys(job for job, old, new in jobs if old != new))


def _pieces(content: Any) -> list[Any]:
    """Text and references of a value, as `JobSpec.content` has them."""
    if isinstance(content, dict) and isinstance(content.get("text"), list):
        pieces: list[Any] = content["text"]
        return pieces
    return [content]


def _shape(piece: Any) -> Any:
    """What is to stay the same: of a reference its output, of text all."""
    return (piece.get("output"),) if isinstance(piece, dict) else piece
