"""Everything that can end a command early, as one family.

    CallsheetError
    ├── ManifestInvalid      findings in a manifest; nothing was sent
    ├── StateError           the state cannot be used
    │   ├── StateForeign     it belongs to another manifest
    │   └── StateUnusable    not ours, newer than this programme, corrupt, on a network filesystem
    ├── LockHeld             another run of this manifest is at work
    ├── SettingMissing       a credential or setting is not there
    ├── StorageFailed        state or output could not be written or read (disk full, I/O error)
    ├── PlanRefused          a saved plan cannot be carried out: something has moved since, or it is no such file
    ├── DecisionRefused      `resolve` was asked for something that the job's state does not allow
    └── InvalidTransition    a job was moved against the table: a bug in Callsheet

A job's own failure is none of these: it is an event of the job and a row of the report. `runner/cli/exits.py` says which exit
code each class stands for; the attribute `code` says more exactly what happened, and has a page (`callsheet explain E201`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runner.core.error_codes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.diagnostics import Diagnostic, Severity

_NONE_LEFT_OUT: Final[Mapping[tuple[str, Severity], int]] = MappingProxyType({})


class CallsheetError(Exception):
    """The root: `str(error)` is a complete sentence for a person, `next_step` what to do about it.

    Args:
        message: What happened and where.
        next_step: What to do next, a sentence or a command; None when the message says it all.
        code: The stable code, where it is not the one that most errors of the class have.
    """

    code: str = ErrorCode.BUG

    def __init__(self, message: str, *, next_step: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        if code is not None:
            self.code = code


class ManifestInvalid(CallsheetError):
    """A manifest, its rows or its references do not hold; nothing was sent.

    Args:
        diagnostics: The findings, at least one of them an error, in position order; the first lends the error its code.
        not_kept: How many more findings were counted (`runner.core.collected`), by file and severity.
        jobs_read: Jobs met, those with findings included; None when it did not come to that.
    """

    def __init__(
        self,
        diagnostics: Sequence[Diagnostic],
        *,
        not_kept: Mapping[tuple[str, Severity], int] = _NONE_LEFT_OUT,
        jobs_read: int | None = None,
    ) -> None:
        first = diagnostics[0].code if diagnostics else None
        super().__init__(f"{len(diagnostics) + sum(not_kept.values())} findings", code=first)
        self.diagnostics = tuple(diagnostics)
        self.not_kept = not_kept
        self.jobs_read = jobs_read


class StateError(CallsheetError):
    """The state beside the manifest cannot be used."""

    code = ErrorCode.STATE_DAMAGED


class StateForeign(StateError):
    """The state of this name belongs to a manifest at another path; the message names both."""

    code = ErrorCode.STATE_FOREIGN


class StateUnusable(StateError):
    """The state file is not Callsheet's, is newer than this programme, is corrupt, or lies on a network filesystem."""


class LockHeld(CallsheetError):
    """Another run of this manifest holds the lock; the message says who."""

    code = ErrorCode.LOCK_HELD


class SettingMissing(CallsheetError):
    """A credential or setting is missing; nothing was sent."""

    code = ErrorCode.CREDENTIAL_MISSING


class StorageFailed(CallsheetError):
    """The state or an output could not be written or read. Nothing more is sent after this.

    Raised from the `OSError` or database error that caused it.
    """

    code = ErrorCode.STORAGE_FAILED


class PlanRefused(CallsheetError):
    """A saved plan cannot be carried out: manifest, rows, files or state have moved since, or the file does not hold. Nothing was sent."""

    code = ErrorCode.PLAN_MOVED


class DecisionRefused(CallsheetError):
    """A decision by `resolve` does not fit the job: it is unknown, or not in doubt."""

    code = ErrorCode.NOT_IN_DOUBT


class InvalidTransition(CallsheetError):
    """A job was asked to move in a way that `TRANSITIONS` does not list: a bug in Callsheet, with the job's story.

    Args:
        job: The job as it stood, printed whole.
        event: The event that does not fit.
    """

    def __init__(self, job: object, event: object) -> None:
        super().__init__(f"no transition for {type(event).__name__} from here\n  job:   {job!r}\n  event: {event!r}")
        self.job = job
        self.event = event
