"""The invented API of the example package, served on loopback: clips that are done when they are asked for the second time."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

KEY = "acme-key"


@dataclass(slots=True)
class Acme:
    """The server.

    Args:
        video: Bytes of every clip.
        loses: How many submissions are taken without an answer: the connection is closed.
    """

    video: bytes
    loses: int = 0
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method and path, the query left out; queries of a clip as `GET /clips/*`."""
    _server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> Self:
        """Serve."""
        acme = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                acme.get(self)

            def do_POST(self) -> None:
                acme.post(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the door."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def post(self, door: BaseHTTPRequestHandler) -> None:
        """`POST /clips`."""
        self.asked["POST /clips"] += 1
        body = json.loads(door.rfile.read(int(door.headers["content-length"])))
        if door.headers["authorization"] != f"Bearer {KEY}":
            _answer(door, 401, {"error": {"kind": "bad_key", "message": "who are you?"}})
        elif any(clip["reference"] == body["reference"] for clip in self.clips.values()):
            _answer(door, 409, {"error": {"kind": "reference_taken", "message": "taken"}})
        else:
            name = f"c-{len(self.clips) + 1}"
            self.clips[name] = {"id": name, "reference": body["reference"], "state": "queued", "script": body["script"]}
            if self.loses:
                self.loses -= 1
                door.close_connection = True
                return
            _answer(door, 201, self.clips[name])

    def get(self, door: BaseHTTPRequestHandler) -> None:
        """`GET /clips/{id}`, `/clips?reference=…`, `/clips?page=…`, `/actors`, and the files."""
        parts = urlsplit(door.path)
        name = parts.path.rpartition("/")[2]
        self.asked["GET /clips/*" if name in self.clips else f"GET {parts.path}"] += 1
        if parts.path.startswith("/files/"):
            _send(door, 200, "video/mp4", self.video)
        elif parts.path == "/clips":
            wanted = parse_qs(parts.query).get("reference")
            found = [clip for clip in self.clips.values() if wanted is None or clip["reference"] == wanted[0]]
            _answer(door, 200, {"clips": [self._developed(clip) for clip in found]})
        elif parts.path == "/actors":
            _answer(door, 200, {"actors": [{"name": "ann", "language": "en"}]})
        elif name in self.clips:
            _answer(door, 200, self._developed(self.clips[name]))
        else:
            _answer(door, 404, {"error": {"kind": "no_such_clip", "message": "no"}})

    def _developed(self, clip: dict[str, Any]) -> dict[str, Any]:
        """A clip as it stands, a step further at each look."""
        said = dict(clip)
        if clip["state"] == "filming":
            clip |= {"state": "done", "seconds": 1.0, "url": f"{self.base_url}/files/{clip['id']}.mp4"}
        elif clip["state"] == "queued":
            clip["state"] = "filming"
        return said


def _answer(door: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    _send(door, status, "application/json", json.dumps(body).encode())


def _send(door: BaseHTTPRequestHandler, status: int, media_type: str, body: bytes) -> None:
    door.send_response(status)
    door.send_header("content-type", media_type)
    door.send_header("content-length", str(len(body)))
    door.end_headers()
    door.wfile.write(body)
