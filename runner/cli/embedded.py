"""The sandbox inside the process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runner.cli.opening import SandboxCampaign, state_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.core.spec import Campaign


@contextlib.asynccontextmanager
async def sandbox_for(campaign: Campaign) -> AsyncIterator[None]:
    """Serve a sandbox campaign while the block lasts; for any other campaign, do nothing.

    The sandbox keeps its ledger in the state's folder, so that the tasks of a run that was killed are there for the next.
    """
    if not isinstance(campaign, SandboxCampaign):
        yield
        return
    from runner.sandbox.options import SandboxOptions  # noqa: PLC0415  only a sandbox run renders videos
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    folder = state_folder(campaign)
    ledger = folder / "sandbox.jsonl" if folder.exists() else None
    sandbox = Sandbox(SandboxOptions(require_credential=False, lenient=True, ledger_path=ledger))
    await sandbox.start()
    try:
        campaign.serve_from(sandbox.base_url, sandbox.cdn_origin)
        yield
    finally:
        await sandbox.stop()
