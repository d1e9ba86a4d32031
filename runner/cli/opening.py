"""Opening a manifest: what every command begins with. Nothing here needs a state, so that `validate` starts quickly."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.checking import check_addresses, look
from runner.cli.providers import ProviderTypes, provider_of
from runner.core.error_codes import ErrorCode
from runner.core.errors import ManifestInvalid, SettingMissing
from runner.engine.pricing import PriceCheck
from runner.manifest.campaign import ManifestCampaign, open_campaign
from runner.manifest.credentials import Credential, KeyPair, Missing, find_credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic, Span
    from runner.core.money import Budget
    from runner.core.renames import Renames
    from runner.core.spec import Account, Campaign, JobSpec

STATE_FOLDER = ".callsheet"
"""Holds the states of the manifests beside it."""
SANDBOX_SUFFIX = ".sandbox"
SANDBOX_TOKEN = "sandbox"  # noqa: S105  no secret: the embedded sandbox takes any


def read_manifest(
    manifest: str,
    *,
    variables: Mapping[str, str] | None = None,
    allow_files_outside: bool = False,
    check_urls: bool = False,
) -> ManifestCampaign:
    """Read a manifest.

    Args:
        manifest: Its path as typed.
        variables: Overrides of vars.
        allow_files_outside: Whether it may name files outside its repository.
        check_urls: Whether the addresses that jobs send are asked; the jobs are held against what comes.

    Raises:
        ManifestInvalid: With everything that is wrong.
    """
    campaign = open_campaign(
        Path(manifest),
        display=manifest,
        overrides=variables or {},
        allow_files_outside=allow_files_outside,
        defaults=ProviderTypes(),
        job_check=price_check,
        look=look,
    )
    if not isinstance(campaign, ManifestCampaign):
        raise ManifestInvalid(campaign.diagnostics, not_kept=campaign.not_kept, jobs_read=campaign.jobs_read)
    if check_urls:
        check_addresses(campaign)
    return campaign


def price_check(accounts: Mapping[str, Account], budget: Budget | None) -> Callable[[JobSpec], Diagnostic | None]:
    """What is asked about every job of a manifest with these accounts and this budget."""
    return PriceCheck(accounts, has_budget=budget is not None).finding


def open_manifest(
    manifest: str,
    *,
    variables: Mapping[str, str] | None = None,
    allow_files_outside: bool = False,
    sandbox: bool = False,
    check_urls: bool = False,
) -> Campaign:
    """Read a manifest as a run sees it: with `sandbox`, with a state and outputs of its own (`SandboxCampaign`).

    Raises:
        ManifestInvalid: With everything that is wrong.
        click.UsageError: Addresses are to be asked in the sandbox.
    """
    if sandbox and check_urls:
        raise click.UsageError("--check-urls asks addresses elsewhere, and with --sandbox nothing leaves this machine")
    campaign = read_manifest(
        manifest, variables=variables, allow_files_outside=allow_files_outside, check_urls=check_urls
    )
    return SandboxCampaign(campaign) if sandbox else campaign


def state_folder(campaign: Campaign) -> Path:
    """Where the state lies: beside the manifest, so that no change of working directory forgets what was paid for."""
    return Path(campaign.folder) / STATE_FOLDER / campaign.name


def report_folder(campaign: Campaign) -> Path:
    """Where the report goes."""
    return Path(campaign.output_dir) / "report"


def further_options(
    variables: Mapping[str, str], *, sandbox: bool, allow_files_outside: bool = False
) -> tuple[str, ...]:
    """The options that every further command for this manifest needs too."""
    words = ["--sandbox"] if sandbox else []
    words += ["--allow-files-outside"] if allow_files_outside else []
    for name, value in variables.items():
        words += ["-V", f"{name}={value}"]
    return tuple(words)


def selection_words(select: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """Selectors as the words of a command line."""
    words = [word for selector in select for word in ("--select", selector)]
    return words + [word for selector in exclude for word in ("--exclude", selector)]


def find_account_credential(campaign: Campaign, account: str) -> Credential | KeyPair | Missing:
    """An account's credential, or what is missing and where it was looked for."""
    return find_credential(campaign.accounts[account].credential, folder=campaign.folder, environ=os.environ)


def credentials(campaign: Campaign, accounts: Iterable[str]) -> dict[str, Credential | KeyPair]:
    """The credentials of these accounts.

    Raises:
        SettingMissing: At least one is missing, and the message names all and says where they were looked for; or one is a key pair
            for a provider that takes none.
    """
    found = {name: find_account_credential(campaign, name) for name in accounts}
    missing = [
        f"{credential.what} of account `{name}` (looked in {', '.join(credential.where_looked)})"
        for name, credential in found.items()
        if isinstance(credential, Missing)
    ]
    if missing:
        raise SettingMissing(
            f"a credential is missing, so nothing was sent: {'; '.join(missing)}",
            next_step="set it in the environment or in a `.env` beside the manifest, or try `--sandbox`, which needs none",
        )
    there = {name: credential for name, credential in found.items() if not isinstance(credential, Missing)}
    for name, credential in there.items():
        if isinstance(credential, KeyPair) and not provider_of(campaign.accounts[name]).defaults.takes_key_pair:
            raise SettingMissing(
                f"account `{name}` takes one token, not a pair of keys, so nothing was sent",
                next_step="give it as `credential: {env: NAME}`",
                code=ErrorCode.CREDENTIAL_KIND,
            )
    return there


def missing_credentials(campaign: Campaign) -> dict[str, str]:
    """Why the jobs of an account are blocked, by account, for those without a credential."""
    found = {name: find_account_credential(campaign, name) for name in campaign.accounts}
    doctor = shlex.join(["callsheet", "doctor", campaign.path])
    return {
        name: f"credential `{it.what}` not found, this waits until it is there; `{doctor}` says where it was looked for"
        for name, it in found.items()
        if isinstance(it, Missing)
    }


class SandboxCampaign:
    """A manifest as the embedded sandbox runs it: its own state and outputs; quick polls and no spacing of submissions.

    Args:
        real: The manifest.
    """

    def __init__(self, real: Campaign) -> None:
        self._real = real
        self.name = real.name + SANDBOX_SUFFIX
        self.path = real.path
        self.folder = real.folder
        self.sha256 = real.sha256
        self.output_dir = real.output_dir + SANDBOX_SUFFIX
        self.accounts: Mapping[str, Account] = {name: _in_sandbox(account) for name, account in real.accounts.items()}

        self.lock_path = None
        self.ageing = real.ageing

    @property
    def budget(self) -> Budget | None:
        """The manifest's budget."""
        return self._real.budget

    @property
    def moved(self) -> Renames:
        """The manifest's renames: the sandbox's jobs have new ids too."""
        return self._real.moved

    def jobs(self, report: Callable[[Diagnostic], None]) -> Iterator[JobSpec]:
        """The manifest's jobs."""
        return self._real.jobs(report)

    def place(self, spec: JobSpec, at: tuple[str | int, ...]) -> Span:
        """Where an input of a job comes from."""
        return self._real.place(spec, at)

    def serve_from(self, base_url: str, cdn_origin: str) -> None:
        """Point every account at a sandbox that has been started."""
        self.accounts = {
            name: replace(account, base_url=base_url, download_origins=(cdn_origin,))
            for name, account in self.accounts.items()
        }


def _in_sandbox(account: Account) -> Account:
    limits = replace(account.limits, submits_per_minute=60_000.0)
    poll = replace(account.poll, min_s=min(account.poll.min_s, 0.1), max_s=min(account.poll.max_s, 0.5))
    return replace(account, limits=limits, poll=poll)
