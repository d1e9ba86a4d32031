"""What jobs send, looked at before anything is sent: local files always, addresses when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from runner.core.preflight import Content
    from runner.manifest.campaign import ManifestCampaign
    from runner.manifest.preflight import AddressUse


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

    from runner.engine.fetch import origin_of  # noqa: PLC0415
    from runner.transfer.look import MOST_BYTES, Wanted, look_at_addresses  # noqa: PLC0415

    def how(use: AddressUse) -> Wanted:
        """An address only has to answer where no input says what it takes. It is trusted by those accounts alone whose jobs send it."""
        bounds = (MOST_BYTES if it.max_bytes is None else it.max_bytes for it in use.limits if it.media)
        accounts = [campaign.accounts[name] for name in use.accounts]
        origins = (origin for it in accounts for origin in (origin_of(it.base_url), *it.download_origins))
        return Wanted(max(bounds, default=None), tuple(dict.fromkeys(origins)))

    wanted = {address: how(use) for address, use in campaign.addresses().items()}
    campaign.take_fetched(asyncio.run(look_at_addresses(wanted, look=look)))
