"""`callsheet import`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, variable_options

_EXAMPLES = """\b
Examples:
  callsheet import manifests/autumn.yaml --account kling-eu --dry-run
  callsheet import manifests/autumn.yaml --account digital-human --map tasks.csv

\b
tasks.csv:
  job,task_id
  welcome/1042/en,67930a6f8d5ac200
"""


@click.command("import", epilog=_EXAMPLES)
@manifest_argument
@click.option("--account", required=True, metavar="NAME", help="The account that has the tasks.")
@click.option(
    "mapping",
    "--map",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Take the tasks that this file names, instead of those that the account lists: CSV with the columns job and task_id, or .jsonl"
    " with these keys.",
)
@variable_options
@sandbox_option
@click.option("--dry-run", is_flag=True, help="Say what would be attached, and attach nothing.")
@click.option(
    "--most-tasks",
    default=100_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Read about so many tasks of a list at the most.",
)
@click.option("as_json", "--json", is_flag=True, help="Print the result as JSON.")
def import_tasks(manifest: str, **options: Any) -> int:
    """Attach tasks that were paid elsewhere to their jobs, so that they are not paid again.

    Tasks that another machine has submitted for this manifest carry its own ids and are found in the account's list. For an
    API that lists nothing, and for tasks of other programs, --map names them. The next run goes on with what was attached.
    """
    from runner.cli.importing import Import  # noqa: PLC0415  the work is imported when it is done

    Import(manifest, **options).carry_out()
    return Exit.DONE
