"""`callsheet init`."""

from __future__ import annotations

import click

from runner.cli.exits import Exit


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False), metavar="[DIR]")
def init(folder: str) -> int:
    """Write an example campaign that runs in the sandbox as it is. Nothing that exists is overwritten."""
    from pathlib import Path  # noqa: PLC0415  the work is imported when it is done

    from runner.cli.screen import say  # noqa: PLC0415
    from runner.manifest.example import write_example  # noqa: PLC0415

    try:
        written = write_example(Path(folder))
    except FileExistsError as error:
        raise click.UsageError(f"{error.filename or error} is there already; choose another folder") from error
    for path in written:
        say(f"wrote {path}")
    manifest = next(path for path in written if path.suffix == ".yaml")
    say(f"next: callsheet run {manifest} --sandbox")
    return Exit.DONE
