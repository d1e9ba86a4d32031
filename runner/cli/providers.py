"""Which providers there are: those that come with Callsheet, and behind them those that other packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from runner.core.error_codes import ErrorCode
from runner.core.errors import SettingMissing
from runner.core.ports import ProviderDefaults, UnusableProvider
from runner.providers.registry import PROVIDERS
from runner.schema_files import introduce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.core.ports import InstalledProvider, Operation, Provider, Traits
    from runner.core.spec import Account, Campaign


def provider_of(account: Account) -> Provider:
    """The provider of an account of a manifest that holds."""
    found = _find(account.type)
    assert not isinstance(found, UnusableProvider)  # its manifest would not hold
    return found


def operations_of(account: Account) -> dict[str, Operation]:
    """The operations of an account by their whole names (`video/generate`), in the way in which its host wants to be spoken to."""
    provider = provider_of(account)
    styled = {} if account.style is None else provider.styles[account.style]
    return {operation.name: operation for operation in ({**provider.operations, **styled}).values()}


def traits_of(campaign: Campaign) -> dict[str, Traits]:
    """What may be relied on for the operations of a manifest's accounts, by `<type>/<operation>`."""
    accounts = campaign.accounts.values()
    return {name: operation.traits for account in accounts for name, operation in operations_of(account).items()}


def sandboxed(account: Account) -> Account:
    """The account, when the sandbox speaks its API.

    Raises:
        SettingMissing: It does not: the account's provider came with another package.
    """
    if account.type in PROVIDERS:
        return account
    raise SettingMissing(
        f"account `{account.name}` ({account.source}) cannot be used with --sandbox: its provider `{account.type}` comes with another package, "
        "and the sandbox speaks only the APIs that come with Callsheet",
        next_step="leave out its jobs with --exclude, or point its `base_url` at a server of your own that speaks its API",
        code=ErrorCode.NOT_IN_SANDBOX,
    )


class ProviderTypes(Mapping[str, ProviderDefaults | UnusableProvider]):
    """What the accounts of each provider have when the manifest does not say, by type.

    Packages are looked for when a type is asked for that does not come with Callsheet, and imported when one of theirs is used.
    """

    def __getitem__(self, kind: str) -> ProviderDefaults | UnusableProvider:
        """The defaults of a provider's accounts, or why it cannot be used.

        Raises:
            KeyError: There is no such provider.
        """
        found = _find(kind)
        if isinstance(found, UnusableProvider):
            return found
        return replace(found.defaults, styles=tuple(found.styles))

    def __contains__(self, kind: object) -> bool:
        """Whether there is such a provider, usable or not."""
        return kind in PROVIDERS or kind in _installed_types()

    def __iter__(self) -> Iterator[str]:
        """Ours, then those of other packages."""
        yield from PROVIDERS
        yield from _installed_types()

    def __len__(self) -> int:
        """How many there are."""
        return len(PROVIDERS) + len(_installed_types())


def introduce_installed() -> list[UnusableProvider]:
    """Make the operations of all installed packages known to `runner.schema_files`.

    Returns:
        Those of the providers that cannot be used, the claims on names of ours first.
    """
    taken = [UnusableProvider(claim) for kind in sorted(PROVIDERS) if (claim := claim_on(kind)) is not None]
    return taken + [found for kind in _installed_types() if isinstance(found := _find(kind), UnusableProvider)]


def claim_on(kind: str) -> str | None:
    """Which package claims a provider that comes with Callsheet, in words; None when none does."""
    from runner.providers.installed import taken_names  # noqa: PLC0415  only who asks about packages looks for them

    whose = taken_names(PROVIDERS).get(kind)
    return None if whose is None else f"{whose} claims `{kind}`, a provider that comes with Callsheet: it is not used"


@cache
def _find(kind: str) -> Provider | UnusableProvider:
    if kind in PROVIDERS:
        return PROVIDERS[kind]
    if kind not in _installed_types():
        raise KeyError(kind)
    from runner.providers.installed import load_provider  # noqa: PLC0415  only who uses such a provider waits for it

    found = load_provider(kind)
    if not isinstance(found, UnusableProvider):
        introduce(_schemas(found))
    return found


def _schemas(provider: InstalledProvider) -> dict[str, dict[str, object]]:
    return {f"{provider.type}/{name}": dict(provider.schemas[name]) for name in provider.operations}


@cache
def _installed_types() -> tuple[str, ...]:
    """The types that packages bring and Callsheet has not."""
    from runner.providers.installed import installed_types  # noqa: PLC0415  only who asks for such a type looks for packages

    return tuple(kind for kind in installed_types() if kind not in PROVIDERS)
