"""`callsheet doctor`."""

from __future__ import annotations

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, variable_options


@click.command()
@manifest_argument
@variable_options
def doctor(manifest: str, variables: dict[str, str], *, allow_files_outside: bool) -> int:
    """Say what a run would find and miss: credentials by name, clock, disk, reachability. Nothing is submitted."""
    from runner.cli.examining import examine  # noqa: PLC0415  the work is imported when it is done
    from runner.cli.opening import open_manifest  # noqa: PLC0415

    campaign = open_manifest(manifest, variables=variables, allow_files_outside=allow_files_outside)
    return Exit.DONE if examine(campaign) else Exit.SETTING_MISSING
