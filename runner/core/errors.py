"""Everything that can end a command early, as one family.

    CallsheetError
    ├── ManifestInvalid      findings in a manifest; nothing was sent
    ├── StateError           the state cannot be used
    │   ├── StateForeign     it belongs to another manifest
    │   └── StateUnusable    not ours, newer than this programme, corrupt, on a network filesystem
    ├── LockHeld             another run of this manifest is at work
    ├── SettingMissing       a credential or setting is not there
    ├── StorageFailed        state or output could not be written or read (disk full, I/O error)
    ├── DecisionRefused      `resolve` was asked for something that the job's state does not allow
    └── InvalidTransition    a job was moved against the table: a bug in Callsheet

A job's own failure is none of these: it is an event of the job and a row of the report. `runner/cli/exits.py` says which exit
code each class stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.diagnostics import Diagnostic


class CallsheetError(Exception):
    """The root: `str(error)` is a complete sentence for a person, `next_step` what to do about it.

    Args:
        message: What happened and where.
        next_step: What to do next, a sentence or a command; None when the message says it all.
    """

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class ManifestInvalid(CallsheetError):
    """A manifest, its rows or its references do not hold; nothing was sent.

    Args:
        diagnostics: The findings, at least one of them an error, in position order.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(f"{len(diagnostics)} findings")
        self.diagnostics = tuple(diagnostics)


class StateError(CallsheetError):
    """The state beside the manifest cannot be used."""


class StateForeign(StateError):
    """The state of this name belongs to a manifest at another path; the message names both."""


class StateUnusable(StateError):
    """The state file is not Callsheet's, is newer than this programme, is corrupt, or lies on a network filesystem."""


class LockHeld(CallsheetError):
    """Another run of this manifest holds the lock; the message says who."""


class SettingMissing(CallsheetError):
    """A credential or setting is missing; nothing was sent."""


class StorageFailed(CallsheetError):
    """The state or an output could not be written or read. Nothing more is sent after this.

    Raised from the `OSError` or database error that caused it.
    """


class DecisionRefused(CallsheetError):
    """A decision by `resolve` does not fit the job: it is unknown, or not in doubt."""


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
