"""`callsheet run`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.options import check_urls_option, manifest_argument, sandbox_option, selection_options, variable_options

_EXAMPLES = """\b
Examples:
  callsheet run manifests/autumn.yaml
  callsheet run manifests/autumn.yaml --sandbox
  callsheet run manifests/autumn.yaml --select tag:nightly --budget 25 --deadline 06:00
  callsheet run plan.json
"""


@click.command(epilog=_EXAMPLES)
@manifest_argument
@selection_options
@variable_options
@sandbox_option
@check_urls_option
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Submit at most N jobs in this run.")
@click.option(
    "--budget",
    metavar="AMOUNT",
    help="Spend at most this much, all earlier runs of this state included. The stricter of this and the manifest's wins.",
)
@click.option(
    "--deadline",
    metavar="HH:MM|DURATION",
    help="Stop at this time of day or after this long (90s, 45m, 2h); what runs on is resumed by the next run.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Allow another attempt at jobs that were refused, failed or expired. It may cost money again.",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "live", "plain", "json", "none"]),
    default="auto",
    show_default=True,
    help="How progress is shown, on standard error.",
)
@click.option(
    "--quiet", "-q", is_flag=True, help="Say nothing when all is well; otherwise the summary goes to standard error."
)
@click.option(
    "--wait-for-lock", is_flag=True, help="Wait for another run of this manifest to end instead of giving up at once."
)
def run(**options: Any) -> int:
    """Make what the manifest asks for. The same command again is resume.

    Instead of a manifest it takes a plan that `callsheet plan -o` has saved, and does exactly that or refuses.
    """
    from runner.cli.running import RunSettings, run_manifest  # noqa: PLC0415  the work is imported when it is done

    return run_manifest(RunSettings.from_options(**options))
