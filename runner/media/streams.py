"""Finds the streams that matter in an open media file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.stream import Disposition

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


def moving_picture(container: InputContainer) -> VideoStream | None:
    """The first video stream that moves, the cover of a song being none; None without one."""
    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)
