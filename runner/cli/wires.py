"""Wires to the accounts of a manifest, each with the credential that was found for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from runner.cli.opening import SANDBOX_TOKEN, SandboxCampaign, credentials
from runner.cli.providers import sandboxed
from runner.core.answers import Reply
from runner.manifest.credentials import KeyPair
from runner.providers.http import HttpWire
from runner.providers.signing import KeyPairSigner, PlainKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.core.answers import Exchange, Request
    from runner.core.spec import Campaign
    from runner.manifest.credentials import Credential
    from runner.providers.signing import Signer


def make_wires(campaign: Campaign, accounts: Iterable[str]) -> dict[str, HttpWire]:
    """The wires to some accounts, by name; nothing is opened before the first request.

    Args:
        campaign: The manifest; for one that runs in the sandbox no credential is looked for.
        accounts: Their names, each an account of the manifest.

    Raises:
        SettingMissing: At least one account lacks its credential, or its address or credential cannot be used, or the sandbox does not
            speak its API; nothing was sent.
    """
    return {
        name: HttpWire(campaign.accounts[name], signer=signer) for name, signer in _signers(campaign, accounts).items()
    }


class AskingWire(HttpWire):
    """A wire for commands that only ask. The first reply may refuse a good key pair because our clock is wrong; it tells the right time.

    A run asks again anyway, after a wait. Here nobody wants to wait.
    """

    async def get(self, request: Request) -> Exchange:
        """As `HttpWire.get`; what is refused with 401 is asked once more, signed by the server's clock."""
        exchange = await super().get(request)
        is_refused = isinstance(exchange, Reply) and exchange.status == HTTPStatus.UNAUTHORIZED
        return await super().get(request) if is_refused else exchange


def make_asking_wire(campaign: Campaign, account: str) -> AskingWire:
    """The wire of one account for a command that only asks; otherwise as `make_wires`."""
    (signer,) = _signers(campaign, [account]).values()
    return AskingWire(campaign.accounts[account], signer=signer)


def _signers(campaign: Campaign, accounts: Iterable[str]) -> dict[str, Signer]:
    if isinstance(campaign, SandboxCampaign):
        return {sandboxed(campaign.accounts[name]).name: PlainKey(SANDBOX_TOKEN) for name in accounts}
    return {name: _signer(found) for name, found in credentials(campaign, accounts).items()}


def _signer(credential: Credential | KeyPair) -> Signer:
    if isinstance(credential, KeyPair):
        return KeyPairSigner(credential.access_key, credential.secret_key)
    return PlainKey(credential.token)
