"""Delivers files over HTTP, with ranges and validators, and with what can go wrong on the way."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import struct
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.sandbox import film, sound
from runner.sandbox.faults import Fault, Stage
from runner.sandbox.ranges import Part, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.sandbox.desk import Desk
    from runner.sandbox.shelf import Shelf
    from runner.sandbox.tasks import Task

_PRIVATE: Final = "http://169.254.169.254/latest/meta-data/"
_LEAST_DROP_BYTES: Final = 4096
"""A drop leaves shorter replies alone, so that a client that resumes comes to an end."""
_TRICKLE_S: Final = 0.05
_ONE_FILM: Final = film.Scene("One film for all", "0" * 32)
MEDIA_TYPES: Final = {
    ".mp4": "video/mp4",
    "-wm.mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
}
"""By what follows the task's serial number in a file's name."""
_COVER: Final = ".jpg"


class Deliveries:
    """Delivers the files of tasks.

    Args:
        desk: Knows faults, options and the ledger.
        shelf: Makes and keeps the files.
    """

    def __init__(self, desk: Desk, shelf: Shelf) -> None:
        self._desk = desk
        self._shelf = shelf
        self._changes = 0

    async def deliver(
        self, request: web.Request, name: str, task: Task | None, suffix: str, refusal: Part | None
    ) -> web.StreamResponse:
        """Answer a request for a file, and book it.

        Args:
            request: GET or HEAD.
            name: Name of the file, for the ledger.
            task: Whose file; None for nobody's.
            suffix: A key of `MEDIA_TYPES`; says which file of the task.
            refusal: What is answered instead, whatever the task's faults; None when the request may have the file. Must be given
                without a task.
        """
        faults = self._faults(task, suffix, request)
        part = refusal or _replacement(faults, request)
        if part is None:
            assert task is not None
            part = await self._part(task, suffix, faults, request)
        self._desk.ledger.record(
            "cdn",
            self._desk.now(),
            name=name,
            task_id=task.id if task else None,
            method=request.method,
            range=request.headers.get("Range"),
            status=part.status,
            size_bytes=len(part.body),
            authorization="Authorization" in request.headers,
            faults=sorted(faults),
        )
        return await _send(request, part, faults)

    def _faults(self, task: Task | None, suffix: str, request: web.Request) -> dict[str, Fault]:
        # The address that a redirect leads to works.
        if task is None or request.method != "GET" or suffix == _COVER or "hop" in request.query:
            return {}
        asked = (fault for fault in task.faults if fault.stage is Stage.CDN)
        return {fault.kind: fault for fault in asked if self._desk.dice.strikes(fault, task.id)}

    async def _part(self, task: Task, suffix: str, faults: Mapping[str, Fault], request: web.Request) -> Part:
        content = await self._content(task, suffix)
        for kind in faults:
            if kind in _SPOILED:
                content = _SPOILED[kind](content)
        if "cdn-changed" in faults:
            self._changes += 1
            content += _free_box(self._changes)
        part = part_of(content, task.ends_at, {} if "no-range" in faults else request.headers)
        headers = {**part.headers, "Content-Type": MEDIA_TYPES[suffix]}
        if "no-range" in faults:
            del headers["Accept-Ranges"]
        if "cdn-gzip" in faults:
            return Part(part.status, {**headers, "Content-Encoding": "gzip"}, gzip.compress(part.body, mtime=0))
        return Part(part.status, headers, part.body)

    async def _content(self, task: Task, suffix: str) -> bytes:
        scene = _ONE_FILM if self._desk.options.one_film else task.scene
        makers: Mapping[str, Callable[[], bytes]] = {
            "video/mp4": partial(film.video, scene, watermark=suffix.startswith("-wm")),
            "image/jpeg": partial(film.cover, scene),
        }
        make = makers.get(MEDIA_TYPES[suffix], partial(sound.recording, scene.digest, scene.duration_s))
        return await self._shelf.file(f"{scene.task_id}{suffix}", make)


def _replacement(faults: Mapping[str, Fault], request: web.Request) -> Part | None:
    """What is answered in place of the file."""
    for kind in faults:
        match kind:
            case "cdn-404":
                return page(404, "<html><body>no such file</body></html>")
            case "cdn-500":
                return page(500, "<html><body>internal error</body></html>")
            case "html-200":
                return page(200, "<html><body>Please sign in to continue.</body></html>")
            case "redirect":
                return Part(302, {"Location": str(request.rel_url.update_query(hop="1"))}, b"")
            case "redirect-private":
                return Part(302, {"Location": _PRIVATE}, b"")
    return None


async def _send(request: web.Request, part: Part, faults: Mapping[str, Fault]) -> web.StreamResponse:
    if "cdn-slow" in faults:
        return await _trickle(request, part, faults["cdn-slow"].amount)
    if "cdn-drop" in faults and len(part.body) > _LEAST_DROP_BYTES:
        return await _drop(request, part)
    return web.Response(status=part.status, headers=part.headers, body=part.body)


async def _begin(request: web.Request, part: Part) -> web.StreamResponse:
    response = web.StreamResponse(status=part.status, headers=part.headers)
    response.content_length = len(part.body)
    await response.prepare(request)
    return response


async def _trickle(request: web.Request, part: Part, bytes_per_s: float) -> web.StreamResponse:
    response = await _begin(request, part)
    step = max(1, round(bytes_per_s * _TRICKLE_S))
    for start in range(0, len(part.body), step):
        await response.write(part.body[start : start + step])
        await asyncio.sleep(_TRICKLE_S)
    return response


async def _drop(request: web.Request, part: Part) -> web.StreamResponse:
    response = await _begin(request, part)
    await response.write(part.body[: len(part.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def page(status: int, text: str) -> Part:
    """A reply of HTML or XML in the place of a file."""
    return Part(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def _free_box(number: int) -> bytes:
    """An MP4 box that players skip, with another length for each number."""
    padding = bytes(number % 1000)
    return struct.pack(">I4s", 8 + len(padding), b"free") + padding


def _noise(content: bytes) -> bytes:
    """As long as the file and beginning like it, but nothing that plays."""
    head = content[:32]
    return head + hashlib.shake_256(head).digest(len(content) - len(head))


def _first_part(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


_SPOILED: Final[Mapping[str, Callable[[bytes], bytes]]] = {"damaged": _noise, "truncated": _first_part}
