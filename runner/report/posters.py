"""Posters: one still picture for each video, made when a report is written and kept by the video's digest."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from runner.core.job import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runner.core.job import OutputFile
    from runner.report.model import ReportJob

FOLDER: Final = "posters"
_MOST_WORKERS: Final = 4


def poster_name(output: OutputFile) -> str:
    """The poster's path within the report folder, from the first 16 digits of the video's digest."""
    return f"{FOLDER}/{output.sha256[:16]}.jpg"


def make_posters(
    folder: Path, outputs: Path, jobs: Iterable[ReportJob], make_poster: Callable[[Path, Path], None]
) -> None:
    """Make the posters that are missing; a poster that fails is left out and fails nothing.

    Decoding happens in FFmpeg, which lets other threads run meanwhile, so threads use the cores as well as processes would.

    Args:
        folder: The report folder.
        outputs: The output folder.
        jobs: Those that the page shows.
        make_poster: Writes a picture (second path, ends in `.jpg`) of a video (first path); may raise anything.
    """
    missing = {
        poster_name(job.output): outputs / job.output.path
        for job in jobs
        if job.output is not None
        and has_poster(job)
        and not (folder / poster_name(job.output)).exists()
        and is_there(outputs, job.output)
    }
    if not missing:
        return
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    workers = min(_MOST_WORKERS, os.cpu_count() or 1, len(missing))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="poster")
    try:
        for name, video in missing.items():
            pool.submit(_make_one, make_poster, video, folder / name)
        pool.shutdown()
    except BaseException:  # who leaves at once does not wait for the posters that are not begun
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def has_poster(job: ReportJob) -> bool:
    """Whether a job has a moving picture that a poster can show."""
    return job.state is State.SUCCEEDED and job.output is not None and job.output.media_type.startswith("video/")


def is_there(outputs: Path, output: OutputFile) -> bool:
    """Whether the delivered file stands where it was put, with its size: a poster of other bytes must not get its digest's name."""
    try:
        return (outputs / output.path).stat().st_size == output.size_bytes
    except (OSError, ValueError):
        return False


def _make_one(make_poster: Callable[[Path, Path], None], video: Path, poster: Path) -> None:
    unfinished = poster.with_name(f".{poster.stem}.part{poster.suffix}")
    try:
        make_poster(video, unfinished)
        unfinished.replace(poster)
    finally:
        # The future keeps what was raised, and nobody asks: the page has a placeholder for it.
        unfinished.unlink(missing_ok=True)
