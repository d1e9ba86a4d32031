"""Serving a sandbox until somebody stops it: what `callsheet sandbox` does."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from runner.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.sandbox.options import SandboxOptions


async def serve_forever(
    options: SandboxOptions, host: str, port: int, announce: Callable[[Sandbox], None]
) -> signal.Signals:
    """Serve until SIGINT or SIGTERM comes, then stop in order.

    Args:
        options: How the sandbox behaves.
        host: Address to listen on.
        port: Port of the APIs; 0 takes a free one.
        announce: Called once, when requests can come; reads `base_url` and `cdn_origin`.

    Returns:
        The signal that ended it, for the exit code.

    Raises:
        OSError: A port is taken, or the ledger's file cannot be opened.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Queue[signal.Signals] = asyncio.Queue()
    signals = (signal.SIGINT, signal.SIGTERM)
    for one in signals:
        loop.add_signal_handler(one, stopped.put_nowait, one)
    sandbox = Sandbox(options)
    try:
        await sandbox.start(host, port)
        announce(sandbox)
        return await stopped.get()
    finally:
        await sandbox.stop()
        for one in signals:
            loop.remove_signal_handler(one)
