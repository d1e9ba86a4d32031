"""The command line: click and nothing else. One file per command; each imports its work when it is called."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit, of_error
from runner.cli.screen import tell, tell_error
from runner.cli.streams import enduring_streams
from runner.core.errors import CallsheetError, ManifestInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


class Terminated(BaseException):
    """SIGTERM came while no run was at work; like `KeyboardInterrupt`, it passes every border."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The words after `callsheet`; None takes those of the process.

    Returns:
        The exit code (`runner.cli.exits`).
    """
    signal.signal(signal.SIGTERM, _terminate)
    with enduring_streams():
        return _run_inside_border(argv)


def _run_inside_border(argv: Sequence[str] | None) -> int:
    try:
        return _run(argv)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except ManifestInvalid as error:
        from runner.cli.findings import found_in, tell_findings  # noqa: PLC0415  printing findings loads rich

        tell_findings(found_in(error))
        return Exit.INVALID
    except CallsheetError as error:
        tell_error(error)
        return of_error(error)
    except (KeyboardInterrupt, click.Abort):
        tell("Stopped. What was saved is saved; run again to go on.")
        return Exit.INTERRUPTED
    except Terminated:
        tell("Stopped. What was saved is saved; run again to go on.")
        return Exit.TERMINATED
    except Exception as error:  # noqa: BLE001  one of the two borders where every exception is caught
        if _comes_from_sigterm(error):
            return Exit.TERMINATED
        from runner.cli.bug import tell_bug  # noqa: PLC0415  only a bug needs it

        tell_bug(error)
        return Exit.BUG


def _run(argv: Sequence[str] | None) -> int:
    from runner.cli.app import callsheet  # noqa: PLC0415  inside the border, so that even a broken import is reported

    code = callsheet.main(args=None if argv is None else list(argv), prog_name="callsheet", standalone_mode=False)
    return code if isinstance(code, int) else Exit.DONE


def _comes_from_sigterm(error: BaseException) -> bool:
    """Whether the signal came while a class was being made: Python 3.11 wraps what is raised there."""
    chain: BaseException | None = error
    while chain is not None and not isinstance(chain, Terminated):
        chain = chain.__cause__ or chain.__context__
    return chain is not None


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated
