"""`callsheet voices`."""

from __future__ import annotations

import click

from runner.cli.exits import Exit
from runner.cli.options import manifest_argument, sandbox_option, variable_options


@click.command()
@manifest_argument
@click.argument("account")
@variable_options
@sandbox_option
@click.option("--language", metavar="CODE", help="Only voices of this language, for example en.")
@click.option("as_json", "--json", is_flag=True, help="Print them as JSON.")
def voices(
    manifest: str,
    account: str,
    variables: dict[str, str],
    *,
    allow_files_outside: bool,
    sandbox: bool,
    language: str | None,
    as_json: bool,
) -> int:
    """List the voices of an account that a job can name."""
    from runner.cli.listing import list_voices  # noqa: PLC0415  the work is imported when it is done
    from runner.cli.opening import open_manifest  # noqa: PLC0415

    campaign = open_manifest(manifest, variables=variables, allow_files_outside=allow_files_outside, sandbox=sandbox)
    if account not in campaign.accounts:
        raise click.UsageError(f"no account `{account}` in {manifest}; there are: {', '.join(campaign.accounts)}")
    list_voices(campaign, account, language, as_json=as_json)
    return Exit.DONE
