"""A job's inputs at the moment of its submission, local files replaced by their bytes; and what a stored request tells of them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from runner.core.pointers import put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.job import Job
    from runner.core.spec import FileInput


class FileChanged(Exception):
    """A local file is not what the job was planned with, or is not there (any more); the message names it."""


def asked_for(job: Job) -> Mapping[str, Any]:
    """What a task was asked for, as its stored request tells: the only trace of inputs that the manifest does not have any more.

    Returns:
        The JSON object of the request; empty when its bytes were not kept.
    """
    try:
        body = json.loads(job.request or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def with_files(inputs: Mapping[str, Any], files: Sequence[FileInput]) -> Mapping[str, Any]:
    """The inputs with the bytes of their files, as raw base64. Read before the intent, since nothing is awaited after it.

    Args:
        inputs: With `{file: …}` where files belong.
        files: The files as they were planned.

    Raises:
        FileChanged: A file is not the one that the job's fingerprint stands for.
    """
    if not files:
        return inputs
    return await asyncio.to_thread(_with_files, inputs, files)


def _with_files(inputs: Any, files: Sequence[FileInput]) -> Any:
    for file in files:
        inputs = put(inputs, file.at, b64encode(_read(file)).decode("ascii"))
    return inputs


def _read(file: FileInput) -> bytes:
    """The file's bytes, which are those that it was planned with."""
    try:
        # Without waiting, and no byte more than was planned: what was a file may be a pipe now, or endless.
        with os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            content = stream.read(file.size_bytes + 1) if is_file else b""
    except OSError as error:
        raise FileChanged(f"file {file.written} cannot be read any more: {error.strerror or error}") from error
    if not is_file or sha256(content).hexdigest() != file.sha256:
        raise FileChanged(
            f"file {file.written} has changed since the run was planned; run again to send it as it is now"
        )
    return content
