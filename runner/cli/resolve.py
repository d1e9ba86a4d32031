"""`callsheet resolve`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, variable_options

_EXAMPLES = """\b
Examples:
  callsheet resolve manifests/autumn.yaml welcome/1042/en --adopt 67930a6f8d5ac200
  callsheet resolve manifests/autumn.yaml welcome/1042/en welcome/1043/en --resubmit --why "not in the console"
"""


@click.command(epilog=_EXAMPLES)
@manifest_argument
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@variable_options
@sandbox_option
@click.option("--adopt", metavar="TASK_ID", help="The job's task was found at the provider: go on with it.")
@click.option("--resubmit", is_flag=True, help="Submit it again, although the first submission may have been paid.")
@click.option("--abandon", is_flag=True, help="Give the job up; it stays that way and does not count in the exit code.")
@click.option("--why", default="", metavar="TEXT", help="A reason for the history.")
def resolve(manifest: str, jobs: tuple[str, ...], **options: Any) -> int:
    """Decide what becomes of jobs in doubt. It only records the decision; the next run acts on it."""
    if sum((options["adopt"] is not None, options["resubmit"], options["abandon"])) != 1:
        raise click.UsageError("give exactly one of --adopt TASK_ID, --resubmit, --abandon")
    if options["adopt"] is not None and (len(jobs) != 1 or not options["adopt"].strip()):
        raise click.UsageError("--adopt names the task of one job: give one JOB and its TASK_ID")
    from runner.cli.resolving import record_decisions  # noqa: PLC0415  the work is imported when it is done

    record_decisions(manifest, jobs, **options)
    return Exit.DONE
