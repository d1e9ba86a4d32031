"""The local files of a job: `{file: assets/anna.png}` wherever the operation takes bytes.

A file counts by its content: in what the fingerprint is made of it stands as `{"sha256": <digest>}`, so that renaming a file changes nothing
and changing a byte changes the job. The bytes themselves are read by whoever sends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.core.pointers import put
from runner.core.references import CLOSE, OPEN
from runner.core.spec import FileInput
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.places import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.manifest.digests import FileContent
    from runner.manifest.inputs import Pointer
    from runner.manifest.paths import FileRule
    from runner.manifest.places import Place

_MOST_SEEN: Final = 100_000
"""Paths, at most 600 bytes each."""


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files of one job.

    Args:
        files: Those that are there.
        missing: Those that are not there or cannot be read, by pointer within the inputs.
    """

    files: tuple[FileInput, ...] = ()
    missing: tuple[tuple[Pointer, Flaw], ...] = ()

    def counted(self, inputs: Any) -> Any:
        """The inputs as they count for the fingerprint: with digests in the place of files, `null` for one that is not there."""
        for file in self.files:
            inputs = put(inputs, file.at, {"sha256": file.sha256})
        for at, _ in self.missing:
            inputs = put(inputs, at, {"sha256": None})
        return inputs


NO_FILES: Final = FoundFiles()


class SeenFiles:
    """What the files are that one pass over a manifest has looked at.

    The first 100,000 paths are looked at once, so that all jobs that name one send the same bytes, or all lack them, whatever happens
    to the file meanwhile. Further paths are looked at for each job: memory does not grow with the number of jobs.
    """

    def __init__(self) -> None:
        self._seen: dict[str, FileContent | Flaw] = {}

    def content(self, written: str, look: Callable[[str], FileContent]) -> FileContent:
        """What a file holds.

        Args:
            written: Its path as the manifest has it.
            look: Looks at the file; raises `Flaw`.

        Raises:
            Flaw: What `look` raised when this path was looked at, each time anew.
        """
        seen = self._seen.get(written)
        if seen is None:
            try:
                seen = look(written)
            except Flaw as flaw:
                seen = flaw
            if len(self._seen) < _MOST_SEEN:
                self._seen[written] = seen
        if isinstance(seen, Flaw):
            raise Flaw(seen.code, seen.message, notes=seen.notes)
        return seen


class FileInputs:
    """Finds the files of one block's jobs, during one pass.

    Args:
        places: Where the operation takes bytes, within its inputs.
        rule: Which files may be read.
        seen: What the pass has looked at.
    """

    def __init__(self, places: Sequence[Place], rule: FileRule, seen: SeenFiles) -> None:
        self._places = places
        self._rule = rule
        self._seen = seen

    def of(self, inputs: Any) -> FoundFiles:
        """The files of a job. What has not the form `{file: <text>}` is left to the operation's schema.

        Raises:
            Flaw: A file lies outside of what the manifest may read, or its path holds an output of another job.
        """
        written = [found for place in self._places for found in _written(inputs, place)]
        if not written:
            return NO_FILES
        files: list[FileInput] = []
        missing: list[tuple[Pointer, Flaw]] = []
        for at, path in written:
            try:
                files.append(self._file(at, path))
            except Flaw as flaw:
                flaw.within = (*at, "file")
                if flaw.code is not Code.FILE_UNREADABLE:
                    raise
                missing.append((at, flaw))
        return FoundFiles(tuple(files), tuple(missing))

    def _file(self, at: Pointer, written: str) -> FileInput:
        content = self._seen.content(written, self._look)
        return FileInput(
            at=at, written=written, path=content.path, sha256=content.sha256, size_bytes=content.size_bytes
        )

    def _look(self, written: str) -> FileContent:
        if OPEN in written or CLOSE in written:
            message = "the path of a file cannot be an output of another job: files are read before anything is sent"
            raise Flaw(Code.BROKEN_REFERENCE, message)
        try:
            return self._rule.content(written)
        except Flaw as flaw:
            if isinstance(flaw.__cause__, FileNotFoundError | NotADirectoryError):
                raise Flaw(Code.FILE_UNREADABLE, f"file `{written}` is not there") from flaw
            raise


def _written(inputs: Any, place: Place) -> Iterator[tuple[Pointer, str]]:
    """The paths of files at a place, each with its pointer."""
    for at, value in values_at(inputs, place):
        match value:
            case {"file": str(path), **rest} if path and not rest:
                yield at, path
