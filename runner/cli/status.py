"""`callsheet status`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, selection_options, variable_options

_EXAMPLES = """\b
Examples:
  callsheet status manifests/autumn.yaml
  callsheet status manifests/autumn.yaml --select state:in_doubt
  callsheet status manifests/autumn.yaml --json | jq '.totals'
"""


@click.command(epilog=_EXAMPLES)
@manifest_argument
@selection_options
@variable_options
@sandbox_option
@click.option("as_json", "--json", is_flag=True, help="Print it as JSON (schemas/report.v1.schema.json).")
def status(manifest: str, **options: Any) -> int:
    """Show what the state says about every job, and the next command to type. Offline; works beside a run."""
    from runner.cli.amounts import parse_selection  # noqa: PLC0415  the work is imported when it is done
    from runner.cli.opening import further_options, open_manifest, state_folder  # noqa: PLC0415
    from runner.cli.reporting import make_head, print_status  # noqa: PLC0415
    from runner.cli.screen import tell_unmatched  # noqa: PLC0415
    from runner.cli.state import open_state  # noqa: PLC0415
    from runner.store.lock import find_holder  # noqa: PLC0415

    variables, sandbox, outside = options["variables"], options["sandbox"], options["allow_files_outside"]
    campaign = open_manifest(manifest, variables=variables, allow_files_outside=outside, sandbox=sandbox)
    selection = parse_selection(options["select"], options["exclude"])
    with open_state(campaign, read_only=True, looks_at_files=False) as store:
        further = further_options(variables, sandbox=sandbox, allow_files_outside=outside)
        head = make_head(campaign, store.last_run(), options=further)
        is_live = find_holder(state_folder(campaign)) is not None
        print_status(campaign, store, head, selection, as_json=options["as_json"], is_live=is_live)
    tell_unmatched(selection)
    return Exit.DONE
