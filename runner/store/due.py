"""What the second witness may lack: a kill between a commit and the append of its lines leaves the state alone with them.

Every commit keeps its lines in the state too, in its own transaction, beside the mark at which they will begin. The next opening
compares: what stands behind the mark is there, the rest is appended. Only the last commit's lines can be lacking, since a commit
begins after the append of the one before it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.store.rows import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Due:
    """The lines of the last commit, compared with what the witness says behind the mark.

    Args:
        lines: As the state keeps them, without their batch.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._due: dict[tuple[str, str], list[str]] = {}
        self._heard: dict[tuple[str, str], list[str]] = {}
        for line in lines:
            self._due.setdefault(_key(json.loads(line)), []).append(line)

    def listen(self, lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass the witness's lines on, and note those about jobs that have lines due."""
        for line in lines:
            if _key(line) in self._due:
                self._heard.setdefault(_key(line), []).append(_without_batch(line))
            yield line

    def lacking(self) -> Sequence[str]:
        """What the witness lacks, in the order of the commit.

        A job's lines are all said again where a torn batch holds some of them: the last word must be the commit's last. Where the
        witness has other lines behind the mark, it has gone on beyond this commit (a state was put back from a backup), and older
        lines behind newer ones would contradict them.
        """
        return [line for key, due in self._due.items() if _is_lacking(due, self._heard.get(key, ())) for line in due]


def _is_lacking(due: Sequence[str], heard: Sequence[str]) -> bool:
    is_whole = any(list(heard[start : start + len(due)]) == list(due) for start in range(len(heard)))
    return not is_whole and all(line in due for line in heard)


def _key(line: Mapping[str, Any]) -> tuple[str, str]:
    return line["job"], line["fingerprint"]


def _without_batch(line: Mapping[str, Any]) -> str:
    return encode_json({name: value for name, value in line.items() if name != "batch"})
