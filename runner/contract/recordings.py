"""The recorded replies of a provider: one file is one case. Adding a case is adding a file.

    replies/<type>.<operation>/request/     inputs             -> the exact bytes of the submission
                               submit/      reply              -> what it means for the submission
                               query/       reply (and inputs) -> what it means for the task
                               lookup/      reply              -> which task has our own id (where the API knows those)
                               list/        reply (and inputs) -> the tasks of a page (where the API lists them)
    replies/<type>.<operation>.<style>/     the same for an operation in another of the provider's `styles`
    replies/<type>/submit/ and so on        what holds for every operation of the provider that has no case of the same name
    replies/<type>/voices/                  reply              -> the voices

A case says `why` it is there. A reply holds `status`, `headers` (names in lower case), its body as `json`, `text` or `base64`, and `truncated`.
`expect` names the answer's class under `answer` and its fields; fields that it leaves out are not looked at, `outputs` and `inputs` count whole.
Of a request it has any of `method`, `path`, `body` and `content_type`. Of a look-up for `own-id` it is `{"answer": "Found", "task_id": …}`,
`{"answer": "Absent"}` or that of an `AskAgain`; of a list `{"answer": "Page", "tasks": […], "size": …}`, each task with its `task_id`, its
`external_id`, its `created_at`, and under `says` the answer that its entry gives (`size` counts all entries; left out where each names a task);
of voices `{"voices": […]}` or `{"problem": …}`.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OWN_ID: Final = "own-id"
"""Our own id in recorded requests and replies."""

_COMPARED_WHOLE: Final = frozenset({"outputs", "inputs"})


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded case.

    Args:
        folder: `<type>.<operation>[.<style>]`, or `<type>` for what all operations share and for voices.
        kind: Which of the folders below it.
        name: Of its file, without suffix.
        content: What the file holds.
    """

    folder: str
    kind: str
    name: str
    content: Mapping[str, Any]

    def __str__(self) -> str:
        """As the case is called in the names of tests."""
        return f"{self.folder}-{self.name}"

    @property
    def why(self) -> str:
        """What the case shows."""
        return f"{self}: {self.content['why']}"

    @property
    def expect(self) -> Mapping[str, Any]:
        """What is expected of it."""
        expected: Mapping[str, Any] = self.content["expect"]
        return expected

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The job's inputs; none where they do not matter."""
        inputs: Mapping[str, Any] = self.content.get("inputs", {})
        return inputs

    @property
    def reply(self) -> Reply:
        """The reply as the wire would hand it over."""
        recorded = self.content["reply"]
        if "json" in recorded:
            body = json.dumps(recorded["json"], ensure_ascii=False).encode()
        else:
            body = recorded["text"].encode() if "text" in recorded else b64decode(recorded["base64"])
        return Reply(recorded["status"], recorded.get("headers", {}), body, truncated=recorded.get("truncated", False))


@cache
def read_cases(root: Path, provider: str, kind: str) -> Sequence[Case]:
    """The cases of a provider of one kind, by folder, then by name; read once, since most tests ask for all of them.

    Args:
        root: The folder `replies/`.
        provider: The provider's type.
        kind: `request`, `submit`, `query`, `lookup`, `list` or `voices`.
    """
    paths = sorted(root.glob(f"*/{kind}/*.json"))
    ours = (path for path in paths if path.parts[-3].partition(".")[0] == provider)
    return [Case(path.parts[-3], kind, path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in ours]


def as_plain(answer: Any) -> dict[str, Any]:
    """An answer as JSON values, its class under `answer`; amounts of money as text."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(answer), default=str))
    return {"answer": type(answer).__name__, **plain}


def picked(plain: Any, expected: Any, *, is_whole: bool = False) -> Any:
    """Of an answer, the fields that a case speaks of."""
    if is_whole or not isinstance(plain, dict) or not isinstance(expected, dict):
        return plain
    return {key: picked(plain.get(key), value, is_whole=key in _COMPARED_WHOLE) for key, value in expected.items()}
