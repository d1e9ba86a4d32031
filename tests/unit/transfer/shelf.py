"""Delivered files as rows of a state know them, for tests that move them about."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from runner.core.job import OutputFile

if TYPE_CHECKING:
    from pathlib import Path


def film_of(word: str) -> bytes:
    """A job's bytes: of equal length for words of equal length, different for every word."""
    return word.encode() * 1000


def delivered(root: Path, path: str, content: bytes) -> OutputFile:
    """A file as a delivery leaves it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return OutputFile(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        mtime_ns=file.stat().st_mtime_ns,
        media_type="video/mp4",
    )


def shelf(root: Path, words: str) -> dict[str, OutputFile]:
    """Numbered outputs, one a letter: `1.mp4`, `2.mp4`, ..."""
    return {word: delivered(root, f"{number}.mp4", film_of(word)) for number, word in enumerate(words, 1)}


def kept(output: OutputFile) -> str:
    """Where a file is once it was set aside."""
    return f"{output.path}.kept-{output.sha256[:16]}"


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
