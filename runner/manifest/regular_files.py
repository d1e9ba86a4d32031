"""Opens files of the user that must be files."""

from __future__ import annotations

import errno
import os
import stat


def open_regular(path: str, flags: int) -> int:
    """Opens a regular file only: a named pipe would be waited for, and a device may have no end. For `open(…, opener=open_regular)`.

    Raises:
        OSError: It is something else, or cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")
    return descriptor
