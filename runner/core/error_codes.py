"""The stable codes of what can end a command; a page in `runner/explanations` says more about each."""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """E1 the state, E2 its lock, E3 the disk, E4 settings, E5 decisions, E6 saved plans, E9 Callsheet itself. A number never changes its meaning."""

    STATE_FOREIGN = "E101"
    STATE_DAMAGED = "E102"
    STATE_NEWER = "E103"
    STATE_OF_A_STRANGER = "E104"
    STATE_ON_NETWORK = "E105"
    STATE_NOT_DURABLE = "E106"
    STATE_MISMATCH = "E107"
    LOCK_HELD = "E201"
    STORAGE_FAILED = "E301"
    DISK_FULL = "E302"
    PERMISSION = "E303"
    IN_THE_WAY = "E304"
    CREDENTIAL_MISSING = "E401"
    CREDENTIAL_KIND = "E402"
    CREDENTIAL_FORM = "E403"
    BAD_ADDRESS = "E404"
    NO_VOICES = "E405"
    NOT_IN_SANDBOX = "E406"
    NO_TASKS = "E407"
    NOT_IN_DOUBT = "E501"
    TASK_REFUSED = "E502"
    MAPPING = "E503"
    PLAN_MOVED = "E601"
    PLAN_UNREADABLE = "E602"
    BUG = "E901"


_BY_ERRNO: Final = {
    errno.ENOSPC: ErrorCode.DISK_FULL,
    errno.EDQUOT: ErrorCode.DISK_FULL,
    errno.EFBIG: ErrorCode.DISK_FULL,
    errno.EACCES: ErrorCode.PERMISSION,
    errno.EPERM: ErrorCode.PERMISSION,
    errno.EROFS: ErrorCode.PERMISSION,
    errno.EISDIR: ErrorCode.IN_THE_WAY,
    errno.ENOTDIR: ErrorCode.IN_THE_WAY,
    errno.EEXIST: ErrorCode.IN_THE_WAY,
}


def of_os_error(error: BaseException) -> ErrorCode:
    """The code of what the operating system refused; `STORAGE_FAILED` for all that needs no advice of its own."""
    number = error.errno if isinstance(error, OSError) else None
    return _BY_ERRNO.get(number or 0, ErrorCode.STORAGE_FAILED)
