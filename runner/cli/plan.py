"""`callsheet plan`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, selection_options, variable_options

_EXAMPLES = """\b
Examples:
  callsheet plan manifests/autumn.yaml
  callsheet plan manifests/autumn.yaml --json --exit-code
"""


@click.command(epilog=_EXAMPLES)
@manifest_argument
@selection_options
@variable_options
@sandbox_option
@click.option("--retry-failed", is_flag=True, help="Plan as `run --retry-failed` would.")
@click.option("--budget", metavar="AMOUNT", help="Show this budget beside the cost.")
@click.option("as_json", "--json", is_flag=True, help="Print the plan as JSON (schemas/plan.v1.schema.json).")
@click.option("with_exit_code", "--exit-code", is_flag=True, help="Exit 3 when there is work to do.")
@click.option("show_all", "--all", is_flag=True, help="List every job.")
def plan(manifest: str, **options: Any) -> int:
    """Show what a run would do with each job, why, and what it would cost. Offline: nothing is sent."""
    from runner.cli.amounts import parse_budget, parse_selection  # noqa: PLC0415  the work is imported when it is done
    from runner.cli.opening import further_options, open_manifest, open_state  # noqa: PLC0415
    from runner.cli.planning import plan_entries, print_plan  # noqa: PLC0415
    from runner.cli.reporting import currency_of, make_head  # noqa: PLC0415
    from runner.cli.screen import tell_unmatched  # noqa: PLC0415
    from runner.core.money import Budget  # noqa: PLC0415
    from runner.engine.survey import Scope  # noqa: PLC0415

    variables, sandbox = options["variables"], options["sandbox"]
    outside = options["allow_files_outside"]
    campaign = open_manifest(manifest, variables=variables, allow_files_outside=outside, sandbox=sandbox)
    scope = Scope(
        selection=parse_selection(options["select"], options["exclude"]), retry_failed=options["retry_failed"]
    )
    budget = Budget(parse_budget(options["budget"], currency_of(campaign))) if options["budget"] else campaign.budget
    with open_state(campaign, read_only=True) as store:
        further = further_options(variables, sandbox=sandbox, allow_files_outside=outside)
        head = make_head(campaign, None, options=further, budget=budget)
        entries = plan_entries(campaign, store, scope, needs_credentials=not sandbox, has_budget=budget is not None)
        totals = print_plan(head, entries, as_json=options["as_json"], show_all=options["show_all"])
    tell_unmatched(scope.selection)
    return Exit.WORK_TO_DO if totals.work and options["with_exit_code"] else Exit.DONE
