"""`callsheet report`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, variable_options


@click.command()
@manifest_argument
@variable_options
@sandbox_option
def report(manifest: str, **options: Any) -> int:
    """Write the report again from the state. No network."""
    import os  # noqa: PLC0415  the work is imported when it is done

    from runner.cli.opening import further_options, open_manifest, report_folder  # noqa: PLC0415
    from runner.cli.reporting import ReportJobs, make_head, write_report  # noqa: PLC0415
    from runner.cli.screen import say  # noqa: PLC0415
    from runner.cli.state import open_state  # noqa: PLC0415

    variables, sandbox, outside = options["variables"], options["sandbox"], options["allow_files_outside"]
    campaign = open_manifest(manifest, variables=variables, allow_files_outside=outside, sandbox=sandbox)
    with open_state(campaign, read_only=True, looks_at_files=False) as store:
        further = further_options(variables, sandbox=sandbox, allow_files_outside=outside)
        folder = report_folder(campaign)
        head = make_head(campaign, store.last_run(), options=further)
        write_report(campaign, ReportJobs(campaign, store, head), folder)
    say(os.path.relpath(folder / "index.html"))
    return Exit.DONE
