"""`callsheet plan`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import check_urls_option, manifest_argument, sandbox_option, selection_options, variable_options

_EXAMPLES = """\b
Examples:
  callsheet plan manifests/autumn.yaml
  callsheet plan manifests/autumn.yaml --json --exit-code
  callsheet plan manifests/autumn.yaml -o plan.json && callsheet run plan.json
"""


@click.command(epilog=_EXAMPLES)
@manifest_argument
@selection_options
@variable_options
@sandbox_option
@check_urls_option
@click.option("--retry-failed", is_flag=True, help="Plan as `run --retry-failed` would.")
@click.option(
    "--budget", metavar="AMOUNT", help="Plan as `run --budget` would: the stricter of this and the manifest's."
)
@click.option("as_json", "--json", is_flag=True, help="Print the plan as JSON (schemas/plan.v1.schema.json).")
@click.option("with_exit_code", "--exit-code", is_flag=True, help="Exit 3 when there is work to do.")
@click.option("show_all", "--all", is_flag=True, help="List every job.")
@click.option(
    "target",
    "--out",
    "-o",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the plan too: `callsheet run FILE` does exactly that, or refuses when anything has moved since.",
)
def plan(manifest: str, **options: Any) -> int:
    """Show what a run would do with each job, why, and what it would cost. Offline: nothing is sent, unless addresses are to be asked."""
    from runner.cli.planning import plan_manifest  # noqa: PLC0415  the work is imported when it is done

    has_work = plan_manifest(manifest, **options)
    return Exit.WORK_TO_DO if has_work and options["with_exit_code"] else Exit.DONE
