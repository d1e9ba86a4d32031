"""The exit codes: a promise to scripts, cron and CI. Where several fit, the first of this list wins."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from runner.core import errors


class Exit(IntEnum):
    """What the process says when it ends, in order of precedence."""

    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143
    USAGE = 2
    INVALID = 4
    LOCKED = 75
    SETTING_MISSING = 78
    STORAGE = 74
    IN_DOUBT = 6
    STOPPED = 5
    WORK_TO_DO = 3
    FAILED = 1
    DONE = 0


MEANING: Final[dict[Exit, str]] = {
    Exit.BUG: "a bug in Callsheet",
    Exit.INTERRUPTED: "stopped by Ctrl-C; state saved, run again to go on",
    Exit.TERMINATED: "stopped by SIGTERM; state saved, run again to go on",
    Exit.USAGE: "wrong command line",
    Exit.INVALID: "manifest invalid, or its state belongs to another manifest; nothing was sent",
    Exit.LOCKED: "another run of this manifest holds the lock",
    Exit.SETTING_MISSING: "a credential or setting is missing; nothing was sent",
    Exit.STORAGE: "the state or output could not be written or read; nothing more was sent",
    Exit.IN_DOUBT: "a job is in doubt and needs a decision",
    Exit.STOPPED: "stopped by budget, deadline or a provider that refuses everything; resumable",
    Exit.WORK_TO_DO: "plan --exit-code: there is work to do",
    Exit.FAILED: "finished, but a job failed or was skipped",
    Exit.DONE: "all selected jobs are done",
}

_BY_ERROR: Final[tuple[tuple[type[errors.CallsheetError], Exit], ...]] = (
    (errors.ManifestInvalid, Exit.INVALID),
    (errors.StateForeign, Exit.INVALID),
    (errors.StateUnusable, Exit.STORAGE),
    (errors.PlanRefused, Exit.INVALID),
    (errors.LockHeld, Exit.LOCKED),
    (errors.SettingMissing, Exit.SETTING_MISSING),
    (errors.StorageFailed, Exit.STORAGE),
    (errors.DecisionRefused, Exit.USAGE),
)


def of_error(error: BaseException) -> Exit:
    """The exit code of an error that ended a command; a bug for everything that is not in the family."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.BUG)
