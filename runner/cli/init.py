"""`callsheet init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit

if TYPE_CHECKING:
    from runner.manifest.example import Example


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False), metavar="[DIR]")
def init(folder: str) -> int:
    """Write an example campaign that runs in the sandbox as it is. Nothing that exists is overwritten.

    A .gitignore that is there keeps its lines and gets those that are missing.
    """
    from pathlib import Path  # noqa: PLC0415  the work is imported when it is done

    from runner.core.error_codes import of_os_error  # noqa: PLC0415
    from runner.core.errors import StorageFailed  # noqa: PLC0415
    from runner.manifest.example import ExampleExists, write_example  # noqa: PLC0415

    try:
        example = write_example(Path(folder))
    except ExampleExists as error:
        raise click.UsageError(
            f"nothing was written, because this is there already: {error}; choose another folder"
        ) from error
    except OSError as error:
        raise StorageFailed(
            f"the example could not be written: {error.filename or folder}: {error.strerror or error}",
            next_step="choose a folder in which you may write",
            code=of_os_error(error),
        ) from error
    _tell(example)
    return Exit.DONE


def _tell(example: Example) -> None:
    import shlex  # noqa: PLC0415

    from runner.cli.screen import say  # noqa: PLC0415

    for path in example.written:
        say(f"wrote {path}")
    if example.ignored:
        say(f"added to {example.manifest.with_name('.gitignore')}: {', '.join(example.ignored)}")
    manifest = str(example.manifest)
    steps = (("validate", manifest), ("plan", manifest, "--sandbox"), ("run", manifest, "--sandbox"))
    say("next:")
    for words in steps:
        say(f"  {shlex.join(['callsheet', *words])}")
