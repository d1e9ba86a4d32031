"""The examinations of `doctor`: each says what was looked at, what was found, and what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.opening import find_account_credential, state_folder
from runner.cli.providers import claim_on
from runner.cli.screen import say
from runner.core.answers import Reply, Request
from runner.core.limits import ALWAYS_FREE_BYTES
from runner.manifest.credentials import Missing
from runner.providers.http import HttpWire
from runner.providers.signing import PlainKey
from runner.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.core.spec import Campaign

_MOST_SKEW_S = 60.0
"""Tokens are signed with a validity of minutes: a clock that is off by more than this gets them refused."""


def examine(campaign: Campaign) -> bool:
    """Print one line for each thing that a run rests on.

    Returns:
        Whether all is well.
    """
    all_well = True
    for is_well, line in _findings(campaign):
        all_well = all_well and is_well
        say(visible(f"{'✓ ok     ' if is_well else '✗ missing'}  {line}"))
    return all_well


def _findings(campaign: Campaign) -> Iterator[tuple[bool, str]]:
    for kind in dict.fromkeys(account.type for account in campaign.accounts.values()):
        yield from _claims(kind)
    for name in campaign.accounts:
        yield _credential(campaign, name)
        yield from asyncio.run(_reach(campaign, name))
    yield _disk("outputs", Path(campaign.output_dir))
    yield _disk("state", state_folder(campaign))


def _claims(kind: str) -> Iterator[tuple[bool, str]]:
    """Somebody who installed a package to speak to this provider may believe that it does."""
    claim = claim_on(kind)
    if claim is not None:
        yield False, f"provider {kind}: {claim}"


def _credential(campaign: Campaign, name: str) -> tuple[bool, str]:
    found = find_account_credential(campaign, name)
    if isinstance(found, Missing):
        return False, f"account {name}: {found.what} not found; looked in {', '.join(found.where_looked)}"
    return True, f"account {name}: credential found"


async def _reach(campaign: Campaign, name: str) -> list[tuple[bool, str]]:
    account = campaign.accounts[name]
    wire = HttpWire(account, signer=PlainKey("doctor"))  # no credential leaves the machine for a look at the door
    try:
        exchange = await wire.get(Request("GET", "/"))
    finally:
        await wire.close()
    if not isinstance(exchange, Reply):
        return [(False, f"account {name}: {account.base_url} cannot be reached: {exchange.message}")]
    return [(True, f"account {name}: {account.base_url} answers (HTTP {exchange.status})"), *_clock(name, exchange)]


def _clock(name: str, reply: Reply) -> list[tuple[bool, str]]:
    try:
        skew_s = time.time() - parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return []
    if abs(skew_s) <= _MOST_SKEW_S:
        return [(True, f"account {name}: clocks agree within {_MOST_SKEW_S:.0f} s")]
    return [
        (
            False,
            f"account {name}: this machine's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the server's; set it",
        )
    ]


def _disk(what: str, folder: Path) -> tuple[bool, str]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    line = f"{what}: {free // 2**20} MiB free in {os.path.relpath(there)}"
    if not os.access(there, os.W_OK):
        return False, f"{what}: {os.path.relpath(there)} cannot be written"
    return free >= ALWAYS_FREE_BYTES, line
