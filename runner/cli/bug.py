"""A bug in Callsheet: the traceback goes where it can be sent from."""

from __future__ import annotations

import tempfile
import traceback

from runner.cli.screen import error_head, tell
from runner.core.error_codes import ErrorCode


def tell_bug(error: BaseException) -> None:
    """Write a traceback to a file and say where."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="callsheet-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        where = file.name
    except OSError:
        tell(text)
        where = "standard error, above"
    tell(f"{error_head(ErrorCode.BUG)}: this is a bug in Callsheet: {type(error).__name__}: {error}".splitlines()[0])
    tell(f"  the traceback was written to {where}; please report it. The state is saved: run again to go on.")
