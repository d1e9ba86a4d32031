"""Rendered files, kept while there is room and made again when there is none."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_BYTES = 16 * 1024 * 1024
"""About 300 videos. What is pushed out is drawn again, to the same bytes."""
_THREADS = 2


class Shelf:
    """Makes files in threads, off the event loop, and keeps the latest in memory."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Future[bytes]] = {}
        self._kept_bytes = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sandbox-film")

    async def file(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The file of this name; made once, however many ask for it at the same time.

        Args:
            name: Name of the file.
            make: Makes its bytes, the same ones each time.
        """
        if name in self._files:
            self._files.move_to_end(name)
            return self._files[name]
        if name not in self._making:
            making = asyncio.get_running_loop().run_in_executor(self._threads, make)
            self._making[name] = making
            making.add_done_callback(lambda made: self._put(name, made))
        # Shielded: a client that leaves must not take the file from the others who wait for it.
        return await asyncio.shield(self._making[name])

    def close(self) -> None:
        """Make nothing more; a file that is being made is finished and dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _put(self, name: str, made: asyncio.Future[bytes]) -> None:
        del self._making[name]
        if made.cancelled() or made.exception() is not None:
            return
        self._files[name] = made.result()
        self._kept_bytes += len(made.result())
        while self._kept_bytes > _KEPT_BYTES:
            _, dropped = self._files.popitem(last=False)
            self._kept_bytes -= len(dropped)
