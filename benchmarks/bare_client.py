"""What everybody would write first: the same three requests for each job with aiohttp, and nothing else.

No state, no limits that adapt, no verdicts, no verification, nothing that survives a crash. What the product takes beyond this is the
price of its promises.

    python -m benchmarks.bare_client BASE_URL JOBS FOLDER
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from benchmarks.campaign import IN_FLIGHT, POLL_AFTER_S


async def make(session: aiohttp.ClientSession, base_url: str, number: int, folder: Path) -> None:
    """Create one task, poll it once, download its result.

    Raises:
        aiohttp.ClientError: Anything went wrong.
        RuntimeError: The task was not done at the first poll.
    """
    body = {
        "avatar_url": "https://pictures.example.com/anna.png",
        "no_watermark": True,
        "create_voice": {
            "audio_url": "https://sounds.example.com/anna.mp3",
            "language": "en",
            "text": f"Hello, person {number}, welcome!",
        },
    }
    async with session.post(f"{base_url}/avatar/generation", json=body) as reply:
        task_id = (await reply.json())["data"]
    await asyncio.sleep(POLL_AFTER_S)
    async with session.get(f"{base_url}/avatar/task/{task_id}") as reply:
        task = (await reply.json())["data"]
    if task["status"] != "SUCCESS":
        raise RuntimeError(f"task {task_id} is not done: {task}")
    async with session.get(task["data"]["work_video_path"]) as reply:
        content = await reply.read()
    (folder / f"p{number:07d}.mp4").write_bytes(content)


async def main(base_url: str, jobs: int, folder: Path) -> None:
    """Make all jobs, `IN_FLIGHT` at once."""
    headers = {"Authorization": f"Bearer {os.environ['DIGITAL_HUMAN_TOKEN']}"}
    numbers = iter(range(jobs))

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            await make(session, base_url, number, folder)

    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
        await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
