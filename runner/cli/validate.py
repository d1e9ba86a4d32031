"""`callsheet validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.options import check_urls_option, variable_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.findings import Format
    from runner.core.diagnostics import Diagnostic
    from runner.manifest.campaign import ManifestCampaign


_EXAMPLES = """\b
Examples:
  callsheet validate manifests/*.yaml
  callsheet validate manifests/autumn.yaml --format github
  callsheet validate manifests/autumn.yaml --check-urls
"""


@click.command(epilog=_EXAMPLES)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(dir_okay=False), metavar="MANIFEST...")
@variable_options
@check_urls_option
@click.option(
    "form",
    "--format",
    type=click.Choice(["full", "concise", "json", "github"]),
    default="full",
    show_default=True,
    help="How findings are printed.",
)
@click.option("show_all", "--all", is_flag=True, help="Print every finding, not only the first 20 of a file.")
def validate(
    manifests: tuple[str, ...],
    variables: dict[str, str],
    *,
    allow_files_outside: bool,
    check_urls: bool,
    form: Format,
    show_all: bool,
) -> int:
    """Check manifests offline: YAML, schema, templates, every row, references, the content of local files.

    All problems at once; nothing is sent.
    """
    from runner.cli.findings import found_in, say_findings  # noqa: PLC0415  the work is imported when it is done
    from runner.cli.opening import price_check, read_manifest  # noqa: PLC0415
    from runner.core.collected import Found  # noqa: PLC0415
    from runner.core.errors import ManifestInvalid  # noqa: PLC0415
    from runner.manifest.validate import check  # noqa: PLC0415

    found = Found()
    for manifest in manifests:
        try:
            campaign = read_manifest(
                manifest, variables=variables, allow_files_outside=allow_files_outside, check_urls=check_urls
            )
            found += check(campaign, price_check(campaign.accounts, campaign.budget))
            found += Found(tuple(_lock_findings(campaign)))
        except ManifestInvalid as invalid:
            found += found_in(invalid)
    say_findings(found, form, show_all=show_all)
    return Exit.DONE if found.is_valid else Exit.INVALID


def _lock_findings(campaign: ManifestCampaign) -> Sequence[Diagnostic]:
    """What is wrong with the lock file. Most manifests that are validated have none, and reading one takes a third of a second to import."""
    from pathlib import Path  # noqa: PLC0415  the work is imported when it is done

    if not Path(campaign.lock_path).exists():
        return ()
    from runner.cli.receipts import lock_findings  # noqa: PLC0415

    return lock_findings(campaign)
