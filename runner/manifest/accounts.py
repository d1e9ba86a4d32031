"""Accounts, budget and prices: what stands under `providers:`, `budget:` and `prices:`, with the defaults of each provider."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from runner.core.money import Budget, Money, Price
from runner.core.ports import ProviderDefaults, UnusableProvider
from runner.core.spec import Account, CredentialRef, Limits, PollBounds, Timeouts
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.diagnostics import Span
    from runner.manifest.inputs import Pointer


ProviderTypes: TypeAlias = "Mapping[str, ProviderDefaults | UnusableProvider]"
"""The providers that there are, by type. One of another package is loaded when it is asked for, and may turn out not to be usable."""


def unusable(kind: str, provider: UnusableProvider) -> Flaw:
    """The flaw of what names a provider that is installed and cannot be used."""
    note = "mend the package or install it anew; `callsheet explain M115` says more"
    return Flaw(Code.UNUSABLE_PROVIDER, f"the provider `{kind}` cannot be used: {provider.reason}", notes=(note,))


def credential_ref(value: Mapping[str, Any]) -> CredentialRef:
    """The reference that a `credential:` mapping says."""
    return CredentialRef(
        env=value.get("env"),
        file=value.get("file"),
        access_key=credential_ref(value["access_key"]) if "access_key" in value else None,
        secret_key=credential_ref(value["secret_key"]) if "secret_key" in value else None,
    )


def account(
    name: str, written: Mapping[str, Any], defaults: ProviderDefaults, *, prices: Mapping[str, Price], source: Span
) -> Account:
    """An account from what is written and what its provider's defaults are.

    Args:
        name: The key under `providers:`.
        written: Its mapping, which the schema has passed; empty for an implied account.
        defaults: Those of its type.
        prices: By operation name.
        source: Where it stands.
    """
    timeouts = dict(written.get("timeouts", {}))
    if "lookup_s" in timeouts:
        timeouts["lookup_s"] = tuple(timeouts["lookup_s"])
    return Account(
        name=name,
        type=written.get("type", name),
        base_url=written.get("base_url", defaults.base_url).rstrip("/"),
        credential=credential_ref(written.get("credential", {"env": defaults.credential_env})),
        limits=Limits(**{"in_flight": defaults.in_flight, **written.get("limits", {})}),
        poll=PollBounds(**written.get("poll", {})),
        timeouts=Timeouts(**timeouts),
        source=source,
        download_origins=tuple(written.get("download_origins", ())),
        prices=dict(prices),
        style=written.get("style"),
        looks_up=written.get("lookup", True),
        accepts=written.get("accepts", {}),
    )


def account_flaws(name: str, written: Mapping[str, Any], types: ProviderTypes) -> list[tuple[Pointer, Flaw]]:
    """What is wrong with an account that the schema cannot see, by pointer within the account.

    Args:
        name: The key under `providers:`.
        written: Its mapping.
        types: The providers that there are.
    """
    found: list[tuple[Pointer, Flaw]] = []
    kind = written.get("type", name)
    if kind not in types:
        hint = did_you_mean(kind, types) or f"`type:` is one of {', '.join(sorted(types))}"
        found.append(
            (
                ("type",) if "type" in written else (),
                Flaw(Code.UNKNOWN_TYPE, f"there is no provider `{kind}`", hint=hint),
            )
        )
    elif isinstance(provider := types[kind], UnusableProvider):
        found.append((("type",) if "type" in written else (), unusable(kind, provider)))
    elif "style" in written and written["style"] not in provider.styles:
        found.append((("style",), _unknown_style(kind, written["style"], provider.styles)))
    poll = PollBounds(**written.get("poll", {}))
    if poll.min_s > poll.max_s:
        found.append(
            (("poll",), Flaw(Code.CONTRADICTION, f"`min_s` ({poll.min_s}) is greater than `max_s` ({poll.max_s})"))
        )
    addresses: list[tuple[Pointer, str]] = [(("base_url",), written["base_url"])] if "base_url" in written else []
    addresses += [
        (("download_origins", number), origin) for number, origin in enumerate(written.get("download_origins", []))
    ]
    found += [(pointer, flaw) for pointer, text in addresses if (flaw := _address_flaw(text)) is not None]
    return found


def _unknown_style(kind: str, style: str, styles: tuple[str, ...]) -> Flaw:
    if not styles:
        return Flaw(
            Code.NOT_ALLOWED, f"`{kind}` is spoken to in one way only, so that `style:` has nothing to choose from"
        )
    said = " or ".join(f"`{word}`" for word in styles)
    hint = did_you_mean(style, styles) or "leave it out for the usual way"
    return Flaw(Code.NOT_ALLOWED, f"`{kind}` has no style `{style}`; it has {said}", hint=hint)


def _address_flaw(text: str) -> Flaw | None:
    try:
        parts = urlsplit(text)
        if parts.hostname and parts.port != 0:
            return None
    except ValueError as error:
        return Flaw(Code.WRONG_FORM, f"this is not an address: {error}")
    return Flaw(Code.WRONG_FORM, "this address has no host, or port 0")


def prices_by_account(written: Mapping[str, Any]) -> dict[str, dict[str, Price]]:
    """`prices:` by account, then by operation name; amounts exact."""
    found: dict[str, dict[str, Price]] = {}
    for uses, parts in written.items():
        name, _, operation = uses.partition("/")
        found.setdefault(name, {})[operation] = Price(**{part: Decimal(amount) for part, amount in parts.items()})
    return found


def budget(written: Mapping[str, Any] | None) -> Budget | None:
    """`budget:` as a value; None without one."""
    if written is None:
        return None
    return Budget(Money(Decimal(written["max"]), written["currency"]), per_day=written.get("per") == "day")
