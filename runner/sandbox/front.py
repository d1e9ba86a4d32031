"""What stands in front of every API and answers in its place: proxies, and limiters that have nothing to say.

Source: api-facts.md section 4 (read 2026-11-20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES: Final[Mapping[str, tuple[int, str]]] = {
    "429-empty": (429, ""),
    "503": (503, "<html><body><h1>503 Service Unavailable</h1></body></html>"),
    "502-accepted": (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "poll-502": (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "poll-429-empty": (429, ""),
    "poll-garbage": (200, "<html><body><h1>Please wait</h1></body></html>"),
}
"""Status and HTML, by kind of fault."""
