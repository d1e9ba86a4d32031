"""A row of a table: what a reply says, and what that means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.contract.recordings import Case

ANYTHING: Final = object()
"""As the value of a field: it is there, and not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Args:
        table: Section of the documentation, e.g. `1.5`.
        means: What a case that shows the row expects, as far as the row says: the answer's class under `answer`, and its fields.
        status: HTTP status of the reply; None when it does not matter.
        fields: Values in its JSON body by their path, e.g. `data.task_status` or `data.0.task_id`, compared as text.
        words: What stands somewhere in its body; "" for nothing in particular.
        is_empty: Whether it has no body at all.
    """

    table: str
    means: Mapping[str, Any]
    status: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    is_empty: bool = False

    def __str__(self) -> str:
        """As the row is called in the names of tests."""
        said = [f"{path}={'any' if value is ANYTHING else value}" for path, value in self.fields.items()]
        head = [] if self.status is None else [f"HTTP {self.status}"]
        tail = [*([self.words] if self.words else []), *(["empty"] if self.is_empty else [])]
        return f"{self.table}: {', '.join([*head, *said, *tail])}: {self.means['answer']}"

    def is_shown_by(self, case: Case) -> bool:
        """Whether a recorded case has such a reply, and holds it to what the row means."""
        reply = case.reply
        if self.status not in (None, reply.status) or (self.is_empty and reply.body):
            return False
        if self.words not in reply.body.decode(errors="replace"):
            return False
        if self.fields and not _has_all(case.content["reply"].get("json"), self.fields):
            return False
        return all(case.expect.get(name) == value for name, value in self.means.items())


def _has_all(body: Any, fields: Mapping[str, Any]) -> bool:
    return all(_is(_at(body, path), wanted) for path, wanted in fields.items())


def _is(found: Any, wanted: Any) -> bool:
    if wanted is ANYTHING:
        return found not in (None, "", [], {})
    return found == wanted if isinstance(wanted, bool | dict | list) or wanted is None else str(found) == str(wanted)


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
