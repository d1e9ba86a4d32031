"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """`runner.core.ports.Clock` on the machine's own time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))
