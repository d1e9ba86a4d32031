"""What a look into a file costs, for each kind of file that a job may send.

python -m benchmarks.preflight
"""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Final

from PIL import Image

from runner.media.preflight import look
from tests.contents import recording, silence, video

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOKS: Final = 20


def main() -> int:
    """Measure and print.

    Returns:
        0.
    """
    print(f"{'file':36}{'kB':>8}{'ms':>8}")
    for name, make in _FILES.items():
        content = make()
        print(f"{name:36}{len(content) / 1000:>8.0f}{_milliseconds(content):>8.1f}", flush=True)
    return 0


def _milliseconds(content: bytes) -> float:
    """CPU time of one look, the middle one of several."""
    times = []
    for _ in range(_LOOKS):
        began = time.process_time()
        seen = look(io.BytesIO(content))
        times.append(time.process_time() - began)
        assert seen.flaw is None, seen
    return sorted(times)[_LOOKS // 2] * 1000


def _photograph(form: str, width: int, height: int) -> bytes:
    """Noise, which no format packs well: the slowest picture of its size."""
    target = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(target, form)
    return target.getvalue()


_FILES: Final[dict[str, Callable[[], bytes]]] = {
    "JPEG, 1 megapixel": lambda: _photograph("JPEG", 1000, 1000),
    "JPEG, 12 megapixels": lambda: _photograph("JPEG", 4000, 3000),
    "PNG, 1 megapixel": lambda: _photograph("PNG", 1000, 1000),
    "PNG, 4 megapixels": lambda: _photograph("PNG", 2000, 2000),
    "MP3, 60 s": lambda: recording("mp3", "libmp3lame", 60),
    "MP3 without a header, 60 s": lambda: recording("mp3", "libmp3lame", 60, has_header=False),
    "AAC (ADTS), 60 s": lambda: recording("adts", "aac", 60),
    "M4A, 60 s": lambda: recording("ipod", "aac", 60),
    "WAV, 300 s, 8 kHz": lambda: silence(300),
    "MP4, 30 s": lambda: video("mp4", 30),
}

if __name__ == "__main__":
    sys.exit(main())
