"""The CDN: another origin, which serves results at signed addresses and never wants a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.sandbox.addresses import Pass
from runner.sandbox.deliveries import MEDIA_TYPES, page

if TYPE_CHECKING:
    from runner.sandbox.deliveries import Deliveries
    from runner.sandbox.desk import Desk
    from runner.sandbox.ranges import Part
    from runner.sandbox.tasks import Task

_REFUSED: Final = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{}</Message></Error>"


class Cdn:
    """Serves `/cdn/<serial number of a task><suffix>`, e.g. `.mp4`, `-wm.mp4`, `.jpg` or `.mp3`.

    Args:
        desk: Knows tasks, addresses and the time.
        deliveries: Delivers files.
    """

    def __init__(self, desk: Desk, deliveries: Deliveries) -> None:
        self._desk = desk
        self._deliveries = deliveries

    def routes(self) -> list[web.RouteDef]:
        """The paths of the CDN; HEAD is answered wherever GET is."""
        return [web.get("/cdn/{name}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        task, suffix = self._file_named(name)
        return await self._deliveries.deliver(request, name, task, suffix, self._refusal(task, request))

    def _file_named(self, name: str) -> tuple[Task | None, str]:
        """The task whose file this is, and what follows its serial number in the name."""
        serial = name.partition(".")[0].removesuffix("-wm")
        suffix = name[len(serial) :]
        return (self._desk.tasks.with_serial(serial) if suffix in MEDIA_TYPES else None), suffix

    def _refusal(self, task: Task | None, request: web.Request) -> Part | None:
        now = self._desk.now()
        if task is None or task.ends_at > now:
            return page(404, "<html><body>no such file</body></html>")
        match self._desk.addresses.check(request.match_info["name"], request.query, now):
            case Pass.EXPIRED:
                return page(403, _REFUSED.format("Request has expired"))
            case Pass.FORGED:
                return page(403, _REFUSED.format("The signature does not match"))
            case Pass.GOOD:
                return None
