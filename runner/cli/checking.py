"""What jobs send, looked at before anything is sent: local files always, addresses when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.core.preflight import Content, InputLimits
    from runner.core.spec import Account
    from runner.manifest.campaign import ManifestCampaign


def look(file: BinaryIO) -> Content:
    """Look into a file (`runner.core.preflight.Look`). Most manifests name none, and what reads media takes a tenth of a second to import."""
    from runner.media.preflight import look as look_closely  # noqa: PLC0415  the work is imported when it is done

    return look_closely(file)


def check_addresses(campaign: ManifestCampaign) -> None:
    """Ask every address that the jobs of a manifest send; from now on the manifest holds its jobs against what came.

    Raises:
        StorageFailed: What came could not be kept in a temporary file.
    """
    import asyncio  # noqa: PLC0415  the work is imported when it is done

    from runner.transfer.look import look_at_addresses  # noqa: PLC0415

    wanted = {address: _most_bytes(limits) for address, limits in campaign.addresses().items()}
    origins = _trusted_origins(campaign.accounts.values())
    campaign.take_fetched(asyncio.run(look_at_addresses(wanted, trusted_origins=origins, look=look)))


def _most_bytes(limits: Iterable[InputLimits]) -> int | None:
    """How much of an address is fetched; None when no input says what it takes, so that the address only has to answer."""
    from runner.transfer.look import MOST_BYTES  # noqa: PLC0415  the work is imported when it is done

    return max((MOST_BYTES if it.max_bytes is None else it.max_bytes for it in limits if it.media), default=None)


def _trusted_origins(accounts: Iterable[Account]) -> tuple[str, ...]:
    """The origins that any account lets pass: what one may fetch from there, this machine may ask for all of them."""
    from runner.engine.fetch import origin_of  # noqa: PLC0415  the work is imported when it is done

    origins = (origin for account in accounts for origin in (origin_of(account.base_url), *account.download_origins))
    return tuple(dict.fromkeys(origins))
