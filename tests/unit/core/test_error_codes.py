"""Which code an error of the operating system has."""

import errno

import pytest

from runner.core.error_codes import ErrorCode, of_os_error
from runner.core.errors import CallsheetError, LockHeld, ManifestInvalid, StateUnusable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), ErrorCode.DISK_FULL),
        (OSError(errno.EDQUOT, "quota"), ErrorCode.DISK_FULL),
        (PermissionError(errno.EACCES, "no"), ErrorCode.PERMISSION),
        (OSError(errno.EROFS, "read-only"), ErrorCode.PERMISSION),
        (IsADirectoryError(errno.EISDIR, "folder"), ErrorCode.IN_THE_WAY),
        (FileExistsError(errno.EEXIST, "there"), ErrorCode.IN_THE_WAY),
        (OSError(errno.EIO, "broken"), ErrorCode.STORAGE_FAILED),
        (OSError("without a number"), ErrorCode.STORAGE_FAILED),
        (ValueError("not of the system"), ErrorCode.STORAGE_FAILED),
    ],
)
def test_what_the_system_refused_has_its_code(error: Exception, code: ErrorCode) -> None:
    """Room, rights and things in the way have codes of their own; all else is the general one."""
    assert of_os_error(error) is code


def test_an_error_has_the_code_of_its_class_unless_it_says_more() -> None:
    """The keyword goes before the class; without either it is a bug."""
    assert LockHeld("x").code is ErrorCode.LOCK_HELD
    assert StateUnusable("x", code=ErrorCode.STATE_NEWER).code is ErrorCode.STATE_NEWER
    assert CallsheetError("x").code is ErrorCode.BUG
    assert ManifestInvalid([]).code is ErrorCode.BUG
