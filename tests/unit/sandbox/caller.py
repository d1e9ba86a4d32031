"""A client of the sandbox: real requests over loopback, in the words of the digital-human API."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from runner.sandbox.server import Sandbox, SandboxOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

BEARER = {"Authorization": "Bearer a-key"}
AVATAR = "https://cdn.example.com/anna.png"


def spoken(text: str, **more: Any) -> dict[str, Any]:
    """A body of the `create_voice` way that says this text."""
    voice = {"audio_url": "https://cdn.example.com/anna.mp3", "language": "en", "text": text}
    return {"avatar_url": AVATAR, "create_voice": voice, "no_watermark": True, **more}


@dataclass(frozen=True)
class Got:
    """A reply, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Caller:
    """Talks to one sandbox."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def call(self, method: str, address: str, **options: Any) -> Got:
        """One request, without following redirects; a path is one of the API's."""
        url = address if address.startswith("http") else self.sandbox.base_url + address
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            return Got(response.status, response.headers, await response.read())

    async def create(self, body: Any, **options: Any) -> Got:
        """A create."""
        return await self.call("POST", "/avatar/generation", **{"json": body, "headers": BEARER, **options})

    async def task(self, body: Any) -> str:
        """A create that is accepted: its task id."""
        return str((await self.create(body)).json["data"])

    async def poll(self, task_id: str) -> Got:
        """One question about a task."""
        return await self.call("GET", f"/avatar/task/{task_id}", headers=BEARER)

    async def work(self, body: Any) -> Any:
        """The inner object of a task that has ended (the sandbox's tasks must take no time)."""
        return (await self.poll(await self.task(body))).json["data"]["data"]

    async def address(self, body: Any) -> str:
        """The address of a task's video."""
        return str((await self.work(body))["work_video_path"])

    async def fetch(self, address: str, **headers: str) -> Got:
        """One request to the CDN."""
        return await self.call("GET", address, headers=headers)

    def accepted(self) -> int:
        """How many creates the ledger has as accepted."""
        return sum(entry["accepted"] for entry in self.sandbox.ledger.of("create"))


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[Caller]:
    """A caller and its sandbox, whose tasks take no time unless said otherwise."""
    sandbox = Sandbox(SandboxOptions(**{"task_s": 0.0, **options}))
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Caller(sandbox, session)
    finally:
        await sandbox.stop()
        await asyncio.sleep(0)
